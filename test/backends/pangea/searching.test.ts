import { afterEach, describe, expect, test } from "@jest/globals";
import type { EntryOutcome, SignedEvent } from "../../../src/audit/service.js";
import { HOLDS } from "../../../src/cli/verify.js";
import { fileText, openFile } from "../../../src/downloads/file.js";
import { UNSTOPPED } from "../../audit/download-reading.js";
import { verified } from "../../cli/verifiers.js";
import { logFormat } from "../../../src/core/format.js";
import { parseDigest } from "../../../src/core/bytes.js";
import { messages } from "../../engine/test-log.js";
import { expectCode, rejection } from "../../engine/rejection.js";
import type { FakeOptions } from "./fake-service.js";
import { openedPangea, type OpenedPangea } from "./opened.js";

let opened: OpenedPangea | undefined;
afterEach(() => opened?.close());

async function open(events: readonly SignedEvent[], options: FakeOptions = {}): Promise<OpenedPangea> {
  opened = await openedPangea(options);
  if (events.length > 0) await opened.service.append({ log: "default", events, sign: false, path: "events" });
  opened.calls();
  return opened;
}

const ALL = { log: "default", query: "" };

function texts(outcomes: readonly EntryOutcome[] = []): readonly unknown[] {
  return outcomes.map((outcome) => (outcome.kind === "entry" ? outcome.entry.envelope.event.message : outcome.kind));
}

describe("a search", () => {
  test("sends every parameter, over the whole log unless it has a window", async () => {
    const { service, seen } = await open(messages(3));
    await service.search({ ...ALL, query: 'message:"event 1"' }, {});
    const order = { field: "actor", direction: "asc" } as const;
    const restriction = { actor: ["alice", "bob"] };
    const window = { start: "2026-01-01T00:00:00Z", end: "2026-02-01T00:00:00Z" };
    await service.search(
      { ...ALL, window, order, restriction, maxResults: 7 },
      { first: 5 },
      { bound: { actor: ["bob"], tenant_id: ["t"] } },
    );
    const [plain, full] = seen.slice(-2).map(({ body }) => JSON.parse(body) as unknown);
    expect(plain).toEqual({
      ...{ query: 'message:"event 1"', start: "1970-01-01T00:00:00Z", limit: 20, max_results: 10_000 },
      ...{ order: "desc", order_by: "received_at", verbose: true, config_id: "pci_one" },
    });
    expect(full).toMatchObject({
      ...{ start: "2026-01-01T00:00:00.000000Z", end: "2026-02-01T00:00:00.000000Z", limit: 5, max_results: 8 },
      ...{ order: "asc", order_by: "actor", search_restriction: { actor: ["bob"], tenant_id: ["t"] } },
    });
  });

  test("costs one call for its first page and one for each other, by id and by cursor", async () => {
    const { service, calls, another } = await open(messages(12));
    const page = await service.search({ ...ALL, query: "event" }, { first: 5 });
    expect(texts(page.entries)).toEqual([11, 10, 9, 8, 7].map((i) => `event ${i}`));
    expect(calls()).toEqual(["/v1/search"]);
    await service.append({ log: "default", events: messages(3, "later event"), sign: false, path: "events" });
    calls();
    const other = another();
    const after = page.result.cursor(4);
    const pages = [
      await other.search({ ...ALL, query: "event" }, { first: 5, after }),
      await service.results(page.result.id, { first: 5, after }),
      await service.results(page.result.id, { first: 5, offset: 5 }),
      await service.results(page.result.id, { last: 5, before: page.result.cursor(10) }),
    ];
    expect(calls()).toEqual(Array(4).fill("/v1/results"));
    for (const { entries, firstPosition, hasNextPage, hasPreviousPage } of pages) {
      expect(texts(entries)).toEqual([6, 5, 4, 3, 2].map((i) => `event ${i}`));
      expect([firstPosition, hasNextPage, hasPreviousPage]).toEqual([5, true, true]);
    }
    await other.close();
  });

  test("ends at its maxResults, and says that more would match", async () => {
    const { service } = await open(messages(12));
    const page = await service.search({ ...ALL, maxResults: 5 }, { first: 9, offset: 3 });
    expect(texts(page.entries)).toEqual(["event 8", "event 7"]);
    expect([page.hasNextPage, await page.result.totalCount(), await page.result.isTruncated()]).toEqual([
      false,
      5,
      true,
    ]);
    for (const offset of [5, 11, 20]) {
      const behind = await service.results(page.result.id, { first: 3, offset });
      expect([behind.entries, behind.hasNextPage]).toEqual([[], false]);
    }
    const all = await service.search({ ...ALL, maxResults: 12 }, { last: 2 });
    expect(texts(all.entries)).toEqual(["event 1", "event 0"]);
    expect(await all.result.isTruncated()).toBe(false);
  });

  test("asks nothing for a caller that may see nothing", async () => {
    const { service, calls } = await open(messages(2));
    const restriction = { actor: ["alice"] };
    const page = await service.search({ ...ALL, restriction }, {}, { bound: { actor: ["bob"] } });
    expect([page.entries, await page.result.totalCount(), calls()]).toEqual([[], 0, []]);
  });

  test("does not count what the service does not keep", async () => {
    const { service, fake } = await open(messages(3));
    fake.tamper = (path, result) => (path === "/v1/search" ? { ...result, count: 10_000 } : result);
    const { result } = await service.search(ALL, {});
    for (const attempt of [
      result.totalCount(),
      result.isTruncated(),
      service.download({ id: result.id, everyMatch: false }),
    ]) {
      expect((await rejection(attempt)).message).toContain("Narrow its window of time");
    }
  });

  test("shows no event that the caller may not see, whatever the service sends", async () => {
    const { service, fake } = await open([
      { event: { message: "a", tenant_id: "t" } },
      { event: { message: "b", tenant_id: "u" } },
    ]);
    const stolen = (await service.search({ ...ALL, query: "b" }, {})).entries?.[0];
    const { result } = await service.search(ALL, {}, { bound: { tenant_id: ["t"] } });
    expect(stolen?.kind === "entry" && (await result.matches(stolen.entry))).toBe(false);
    expect(fake.stored).toHaveLength(2);
  });

  test("shows an event that was changed as corrupt, and the others", async () => {
    const { service, fake } = await open(messages(3));
    const stored = fake.stored[1];
    if (stored !== undefined)
      fake.stored[1] = { ...stored, envelope: { ...stored.envelope, event: { message: "forged" } } };
    const { entries } = await service.search(ALL, {});
    expect(texts(entries)).toEqual(["event 2", "corrupt", "event 0"]);
  });

  test("is refused with the service's paths, and for bad arguments of ours before it is sent", async () => {
    const { service, calls } = await open([]);
    const wrong = await rejection(service.search({ ...ALL, query: "a)" }, {}));
    expect([wrong.code, wrong.problems.map(({ path }) => path)]).toEqual(["BAD_USER_INPUT", ["query"]]);
    calls();
    await expectCode(service.search({ ...ALL, window: { last: "soon" } }, {}), "BAD_USER_INPUT");
    await expectCode(service.search(ALL, { first: 1_001 }), "BAD_USER_INPUT");
    await expectCode(service.search(ALL, { first: 1, offset: 2, after: "x" }), "BAD_USER_INPUT");
    expect(calls()).toEqual([]);
  });
});

describe("ids and cursors", () => {
  test("of another credential, another search and another hand are refused", async () => {
    const { service } = await open(messages(3));
    const { result } = await service.search(ALL, {});
    await expectCode(service.results(result.id, {}, { bound: { actor: ["x"] } }), "BAD_USER_INPUT");
    const middle = result.id.length >> 1;
    const letter = result.id[middle] === "A" ? "B" : "A";
    const forged = `${result.id.slice(0, middle)}${letter}${result.id.slice(middle + 1)}`;
    await expectCode(service.results(forged, {}), "BAD_USER_INPUT");
    await expectCode(service.search({ ...ALL, query: "other" }, { after: result.cursor(0) }), "BAD_USER_INPUT");
    const other = await service.search({ ...ALL, query: "event" }, {});
    await expectCode(service.results(other.result.id, { after: result.cursor(0) }), "BAD_USER_INPUT");
  });
});

describe("what the protocol has no call for", () => {
  test("is done for what was shown here, and else UNSUPPORTED with what to use", async () => {
    const { service, another, fake } = await open(messages(3));
    expect(texts(await service.entries("default", [1]))).toEqual(["event 1"]);
    const hash = parseDigest(Buffer.from(fake.stored[1]?.hash ?? "").toString("hex"));
    expect(hash && texts([await service.entryByHash("default", hash)])).toEqual(["event 1"]);
    const other = another();
    const attempts = [
      other.entries("default", [1]),
      other.search({ ...ALL, window: { last: "7d", of: "timestamp" } }, {}),
      other.entryByHash("default", hash ?? never()),
      other.membershipProofs({ log: "default", treeSize: 3, leafIndexes: [1] }),
      other.tail({ log: "default", fromLeafIndex: 2 }, { signal: new AbortController().signal }),
    ];
    for (const attempt of attempts) {
      const error = await rejection(attempt);
      expect(error.code).toBe("UNSUPPORTED");
      expect(error.message).toMatch(/^The audit service behind this gateway cannot .+\. (Search|Follow) /);
    }
    await other.close();
  });

  test("finds no entry by an index that several share", async () => {
    const { service } = await open(messages(6), { hotSize: 3 });
    await service.search(ALL, {});
    await expectCode(service.entries("default", [0]), "UNSUPPORTED");
  });
});

describe("a whole result", () => {
  test("is read page by page, to its maxResults", async () => {
    const { service } = await open(messages(30));
    const { result } = await service.search({ ...ALL, maxResults: 25 }, {});
    const download = await service.download({ id: result.id, everyMatch: false });
    const read: EntryOutcome[] = [];
    for await (const page of download.pages(new AbortController().signal)) read.push(...page);
    expect(texts(read)).toEqual(Array.from({ length: 25 }, (_, i) => `event ${29 - i}`));
    await expectCode(service.download({ id: result.id, everyMatch: true }), "UNSUPPORTED");
  });

  test.each([1, 3])("is evidence that verifies, with %d events under a leaf", async (hotSize) => {
    const { service } = await open(messages(8), { hotSize });
    const { result } = await service.search(ALL, {});
    const file = await openFile(service, await service.download({ id: result.id, everyMatch: false }), "EVIDENCE");
    const download = await service.download({ id: result.id, everyMatch: false });
    let evidence = "";
    for await (const piece of fileText(file, file.entries(download.pages(UNSTOPPED)))) evidence += piece;
    const { verifierKey } = await service.identity("default");
    expect(await verified(evidence, { key: verifierKey })).toMatchObject({
      ...{ code: HOLDS, note: expect.stringMatching(/: 25 valid, 9 unknown, 0 invalid/) as unknown },
    });
  });
});

test("an event's hash is over exactly what the service holds, known to us or not", async () => {
  const { service, fake } = await open(messages(1));
  const envelope = {
    err: [{ error: "bad", field: "foo", value: "1" }],
    event: { field_big: 9007199254740991, field_bool: true, message: "[1,2]", tags: ["b", "a"] },
    received_at: "2026-08-09T23:30:01.313785Z",
  };
  const text = JSON.stringify(envelope);
  const hash = logFormat("pangea").leafHash(new TextEncoder().encode(text));
  fake.stored.push({ envelope, hash });
  fake.publish();
  const [outcome] = (await service.search(ALL, { first: 1 })).entries ?? [];
  expect(outcome?.kind === "entry" && outcome.entry.canonical).toBe(text);
});

function never(): never {
  throw new Error("no hash");
}
