import { afterEach, describe, expect, test } from "@jest/globals";
import { openedPangea, type OpenedPangea } from "./opened.js";
import type { FakeOptions } from "./fake-service.js";
import { signatureVerdict } from "../../../src/core/signature.js";
import { logFormat } from "../../../src/core/format.js";
import { membershipTextVerdict } from "../../../src/core/proof-text.js";
import { VALID } from "../../../src/core/verdict.js";
import type { LogRequest, SignedEvent } from "../../../src/audit/service.js";
import { message, messages } from "../../engine/test-log.js";
import { expectCode, expectProblems, rejection } from "../../engine/rejection.js";

const format = logFormat("pangea");
let opened: OpenedPangea | undefined;
afterEach(() => opened?.close());

async function open(options: FakeOptions = {}): Promise<OpenedPangea> {
  opened = await openedPangea(options);
  return opened;
}

function request(events: readonly SignedEvent[], more: Partial<LogRequest> = {}): LogRequest {
  return { log: "default", events, sign: false, path: events.length === 1 ? "event" : "events", ...more };
}

describe("an event", () => {
  test("is logged with its place and a root that holds it", async () => {
    const { service, seen } = await open();
    await service.append(request([message("zero")]));
    const { entries, root } = await service.append(request([message("one")]));
    expect(entries.map(({ leafIndex, envelope }) => [leafIndex, envelope.event.message])).toEqual([[1, "one"]]);
    expect(root.treeSize).toBe(2);
    expect(await service.checkpointVerdict(root)).toEqual(VALID);
    expect(JSON.parse(seen[0]?.body ?? "")).toMatchObject({ config_id: "pci_one", verbose: true });
    expect(seen.map(({ path }) => path).filter((path) => path === "/v1/log")).toHaveLength(2);
  });

  test("keeps text that looks like JSON as it is, and becomes text where it is an object", async () => {
    const { service, fake } = await open();
    const event = { message: '{"b": 1, "a": 1.0}', new: "123", old: { b: 1, a: [2] } };
    const { entries } = await service.append(request([{ event }]));
    const sent = { message: '{"b": 1, "a": 1.0}', new: "123", old: '{"a":[2],"b":1}' };
    expect(fake.stored[0]?.envelope["event"]).toEqual(sent);
    expect(entries[0]?.envelope.event).toEqual(sent);
  });

  test("is signed with the gateway's key where that is asked for", async () => {
    const { service } = await open();
    const { entries } = await service.append(request([{ event: { message: { b: 1 } } }], { sign: true }));
    expect(entries.map(({ envelope }) => signatureVerdict(envelope, format))).toEqual([VALID]);
  });

  test("that is not published yet is placed in the tree of those", async () => {
    const { service, fake } = await open({ publishesAtOnce: false });
    await service.append(request([message("zero")]));
    fake.publish();
    const { entries, root } = await service.append(request([message("one")]));
    expect([entries[0]?.leafIndex, entries[0]?.provenIn, root.treeSize]).toEqual([1, 2, 2]);
  });

  test("is proven to extend what was logged before it", async () => {
    const { service, seen, fake, alarms } = await open();
    for (const text of ["zero", "one", "two"]) await service.append(request([message(text)]));
    const bodies = seen
      .filter(({ path }) => path === "/v1/log")
      .map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    expect(bodies.map((body) => "prev_root" in body)).toEqual([false, true, true]);
    fake.tamper = (path, result) =>
      path === "/v1/log" ? { ...result, consistency_proof: ["x:" + "0".repeat(64)] } : result;
    const error = await rejection(service.append(request([message("three")])));
    expect([error.code, error.outcome, alarms.length]).toEqual(["ROOT_CONFLICT", "UNKNOWN", 1]);
  });

  test("whose receipt is of another text is an error that says that it may be stored", async () => {
    const { service, fake } = await open();
    fake.tamper = (path, result) => (path === "/v1/log" ? { ...result, hash: "0".repeat(64) } : result);
    const error = await rejection(service.append(request([message("zero")])));
    expect([error.code, error.outcome]).toEqual(["ENTRY_CORRUPT", "UNKNOWN"]);
  });

  test("is refused with our paths, by the gateway and by the service", async () => {
    const { service, seen } = await open();
    await expectProblems(service.append(request([message("")])), { "event.message": "empty text" });
    await expectCode(service.append(request([message("m")], { idempotencyKey: "k" })), "UNSUPPORTED");
    await expectCode(service.append(request([message("m")], { log: "other" })), "NOT_FOUND");
    expect(seen).toEqual([]);
  });
});

describe("several events", () => {
  test.each(["append", "appendLater"] as const)("are logged by %s in the order given", async (call) => {
    const { service } = await open();
    await service.append(request([message("before")]));
    const done = await service[call](request(messages(30)));
    const { entries, root } = "logged" in done ? done.logged : done;
    expect(entries.map(({ leafIndex }) => leafIndex)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(root.treeSize).toBe(31);
  });

  test("that are skipped are told, and the others logged", async () => {
    const { service } = await open();
    const { entries, refused } = await service.append(
      request([message("a"), message(""), message("b")], { skipInvalid: true }),
    );
    expect([entries.length, refused.map(({ index }) => index)]).toEqual([2, [1]]);
  });

  test("are found again by their id, by their owner alone", async () => {
    const { service, another } = await open();
    const { id } = await service.appendLater(request(messages(3)), { owner: "me" });
    const other = another();
    expect((await other.bulkRequest(id, { owner: "me" }))?.logged.entries).toHaveLength(3);
    expect(await other.bulkRequest(id, { owner: "you" })).toBeUndefined();
    expect(await other.bulkRequest("made up")).toBeUndefined();
    await other.close();
  });
});

describe("roots", () => {
  test("are asked for once, and never when another gateway's are in the cache", async () => {
    const { service, calls, another } = await open();
    await service.append(request(messages(50)));
    const { leafIndexes } = await service.search({ log: "default", query: "" }, { first: 50 });
    calls();
    const verdicts = (who: typeof service) =>
      Promise.all(leafIndexes.map((leafIndex) => who.consistency("default", leafIndex + 1)));
    expect(new Set(await verdicts(service))).toEqual(new Set([VALID]));
    const asked = calls();
    expect(asked.length).toBeLessThanOrEqual(50);
    expect(new Set(asked)).toEqual(new Set(["/v1/root"]));
    expect(await verdicts(service)).toHaveLength(50);
    const other = another();
    expect(new Set(await verdicts(other))).toEqual(new Set([VALID]));
    expect(calls()).toEqual([]);
    await other.close();
  });

  test("that contradict a remembered one are ROOT_CONFLICT and the alarm, at another gateway too", async () => {
    const { service, fake, alarms, another } = await open();
    await service.append(request(messages(3)));
    await service.root("default");
    fake.tamper = (path, result) =>
      path === "/v1/root" ? { data: { ...(result["data"] as object), root_hash: "0".repeat(64) } } : result;
    await expectCode(service.root("default"), "ROOT_CONFLICT");
    const other = another();
    await expectCode(other.root("default"), "ROOT_CONFLICT");
    expect(alarms).toHaveLength(2);
    expect(alarms[0]).toMatch(/contradicts what it said of the log default before: its tree of 3 leaves/);
    await other.close();
  });

  test("of a log that has lost its end are ROOT_CONFLICT after a restart", async () => {
    const { service, fake, another } = await open();
    await service.append(request(messages(3)));
    await service.root("default");
    fake.stored.splice(1);
    fake.publish();
    const other = another();
    await expectCode(other.root("default"), "ROOT_CONFLICT");
    await other.close();
  });

  test("without a proof of their step, or with that of another, are not VALID", async () => {
    const { service, fake } = await open();
    await service.append(request([message("zero")]));
    for (let i = 0; i < 5; i++)
      fake.respond({ method: "POST", path: "/v1/log", headers: {}, body: '{"event":{"message":"m"}}' });
    fake.tamper = (path, result) => {
      const { consistency_proof, ...data } = (result["data"] ?? {}) as { size: number; consistency_proof?: string[] };
      if (path !== "/v1/root" || data.size !== 3)
        return { data: { ...data, ...(consistency_proof && { consistency_proof }) } };
      return { data };
    };
    expect(await service.consistency("default", 3)).toEqual({ kind: "UNKNOWN", reason: "NO_PROOF" });
    expect(await service.consistency("default", 5)).toEqual(VALID);
    expect(await service.consistency("default", 1)).toEqual(VALID);
  });

  test("prove one step or none, in both forms, and no more", async () => {
    const { service } = await open();
    await service.append(request(messages(7)));
    const proof = await service.consistencyProof({ log: "default", fromSize: 6, toSize: 7 });
    const { consistencyVerdict, subtreePathsVerdict } = await import("../../../src/core/proof.js");
    expect([consistencyVerdict(format, proof), subtreePathsVerdict(format, proof)]).toEqual([VALID, VALID]);
    const same = await service.consistencyProof({ log: "default", fromSize: 7, toSize: 7 });
    expect([consistencyVerdict(format, same), subtreePathsVerdict(format, same)]).toEqual([VALID, VALID]);
    await expectCode(service.consistencyProof({ log: "default", fromSize: 8, toSize: 8 }), "NOT_FOUND");
    await expectCode(service.consistencyProof({ log: "default", fromSize: 3, toSize: 7 }), "UNSUPPORTED");
  });

  test("of a log that published nothing are that of the empty tree", async () => {
    const { service } = await open({ publishesAtOnce: false });
    expect(await service.root("default")).toMatchObject({ treeSize: 0 });
    await expectCode(service.root("default", 4), "NOT_FOUND");
  });
});

describe("membership", () => {
  test.each([
    { what: "events", options: {} },
    { what: "trees of events", options: { hotSize: 3 } },
    { what: "trees that are not published", options: { hotSize: 3, publishesAtOnce: false } },
  ])("verifies for every entry shown in a tree of $what", async ({ options }) => {
    const { service } = await open(options);
    await service.append(request(messages(8)));
    const { entries = [] } = await service.search({ log: "default", query: "" }, { first: 50 });
    const shown = entries.flatMap((outcome) => (outcome.kind === "entry" ? [outcome.entry] : []));
    expect(shown).toHaveLength(8);
    for (const { leafIndex, hash, provenIn = 0 } of shown) {
      const asked = { log: "default", treeSize: provenIn, leafIndexes: [leafIndex], hashes: [hash] };
      const [proof] = await service.membershipProofs(asked);
      const { text = "" } = proof ?? {};
      expect(proof && membershipTextVerdict(format, { ...proof, text })).toEqual(VALID);
      expect((await service.root("default", provenIn)).hash).toBe(proof && Buffer.from(proof.rootHash).toString("hex"));
    }
  });
});
