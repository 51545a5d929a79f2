import { beforeEach, describe, expect, test } from "@jest/globals";
import { readLog, recordingReads, type Read } from "../../src/access/disclosure-log.js";
import { ScopedService } from "../../src/access/scoped-service.js";
import { replaced } from "../../src/audit/calls.js";
import { AuditError } from "../../src/audit/errors.js";
import { LOOPBACK, type Principal } from "../../src/audit/principal.js";
import type { AuditService } from "../../src/audit/service.js";
import type { AuditEvent } from "../../src/core/event.js";
import { digestOf } from "../../src/core/bytes.js";
import { proofBytes } from "../../src/core/segment/proof-document.js";
import { questionText } from "../../src/core/segment/question.js";
import { keyOf } from "../../src/engine/log/keyed-appends.js";
import { UNSTOPPED } from "../audit/download-reading.js";
import { expectCode } from "../engine/rejection.js";
import { tailed } from "../engine/tail-reading.js";
import { logMessages, message, openTestService } from "../engine/test-log.js";

const ALICE: Principal = { id: "alice", kind: "api-key", scopes: new Set(["audit:log", "audit:read"]), tenant: "acme" };
const ADMIN: Principal = { id: "admin", kind: "api-key", scopes: new Set(["audit:admin"]) };

let service: AuditService;
beforeEach(async () => {
  const logs = ["default", "readings"].map((log) => ({ log, format: "rfc6962" as const }));
  service = await openTestService({ logs });
  await logMessages(service, 5);
});

/** The service as a request of the principal has it. */
const as = (principal: Principal, log = "readings"): AuditService => {
  const scoped = new ScopedService(service, { principal, now: () => 0, closedLog: log });
  return recordingReads(scoped, readLog(service, log).recorder(principal));
};

async function readings(): Promise<readonly AuditEvent[]> {
  const { treeSize } = await service.root("readings");
  const outcomes = await service.entries(
    "readings",
    Array.from({ length: treeSize }, (_, at) => at),
  );
  return outcomes.flatMap((outcome) => (outcome.kind === "entry" ? [outcome.entry.envelope.event] : []));
}

describe("a log of readings", () => {
  test("says who searched for what and was shown which leaves, once for a page and its entries", async () => {
    const admin = as(ADMIN);
    const page = await admin.search({ log: "default", query: "event" }, { first: 2 });
    await admin.entries("default", page.leafIndexes);
    expect(await readings()).toEqual([
      {
        message: "search: 2 entries shown",
        actor: "admin",
        action: "audit.read",
        target: "default",
        new: { leafIndexes: [4, 3], asked: { query: "event", window: {}, restriction: {} } },
      },
    ]);
  });

  test("says once what a request reads twice, and not what it logged itself", async () => {
    const admin = as(ADMIN);
    await admin.entries("default", [0, 1]);
    await admin.entries("default", [1, 2]);
    const receipt = await admin.append({ log: "default", events: [message("own")], sign: false, path: "events" });
    const bulk = {
      log: "default",
      events: [message("bulk")],
      sign: false,
      path: "events",
      idempotencyKey: "k",
    } as const;
    const { id, logged } = await admin.appendLater(bulk);
    const own = [...receipt.entries, ...logged.entries].map(({ leafIndex }) => leafIndex);
    await admin.entries("default", own);
    const later = as(ADMIN);
    await later.bulkRequest(id);
    await later.entries("default", own.slice(-1));
    expect((await readings()).map((event) => event.new)).toEqual([{ leafIndexes: [0, 1] }, { leafIndexes: [2] }]);
  });

  test("says who found a bulk request by an id that does not say whose it is, and not who found an own one", async () => {
    const request = {
      log: "default",
      events: [message("bulk")],
      sign: false,
      path: "events",
      idempotencyKey: "k",
    } as const;
    const { id } = await as(ADMIN).appendLater(request);
    expect((await as(ADMIN).bulkRequest(id))?.logged.root.treeSize).toBe(6);
    expect(await readings()).toEqual([]);
    const anybodys = Buffer.from(`BulkRequest:${digestOf(keyOf("admin", "k"))}:default`).toString("base64url");
    expect((await as(ADMIN).bulkRequest(anybodys))?.logged.root.treeSize).toBe(6);
    expect(await readings()).toMatchObject([{ message: "entries: 1 entries shown", new: { leafIndexes: [5] } }]);
  });

  test("says whose texts a proof of completeness showed beside the page, and of which question", async () => {
    const admin = as(ADMIN);
    const page = await admin.search({ log: "default", query: "nothing" }, {});
    const { question } = await admin.completeness({ of: "page", page });
    const [, proof] = await readings();
    expect(proof).toMatchObject({
      ...{ message: "completeness proof: 5 entries shown", actor: "admin", target: "default" },
      new: { leafIndexes: [0, 1, 2, 3, 4], asked: { question: questionText(question) } },
    });
  });

  test("says of a proof with more texts than a record may name all of them, in parts", async () => {
    const none = { leaves: [], hashes: [] };
    const proofOf = (count: number): Uint8Array => {
      const leaves = Array.from({ length: count }, (_, index) => ({ index, bytes: new Uint8Array() }));
      const [window, proven] = [
        { start: 0, end: count },
        { start: 0, end: count },
      ];
      return proofBytes({ window, proven, segments: [], records: none, entries: { leaves, hashes: [] } });
    };
    const page = await service.search({ log: "default", query: "" }, {});
    const proven = await service.completeness({ of: "page", page });
    for (const [count, parts] of [
      [0, [0]],
      [1_000, [1_000]],
      [2_001, [1_000, 1_000, 1]],
    ] as const) {
      const proof = proofOf(count);
      const reads: Read[] = [];
      const recording = recordingReads(
        replaced(service, { completeness: () => Promise.resolve({ ...proven, proof }) }),
        (read) => {
          reads.push(read);
          return Promise.resolve();
        },
      );
      await recording.completeness({ of: "page", page });
      expect(reads.map(({ leafIndexes }) => leafIndexes.length)).toEqual(parts);
      expect(reads.flatMap(({ leafIndexes }) => leafIndexes)).toEqual(Array.from({ length: count }, (_, at) => at));
    }
  });

  test("names the tenant that the reader is bound to, and only leaves that it was shown", async () => {
    await as(ALICE).entries("default", [0, 1]);
    expect(await readings()).toEqual([]);
    await as(ALICE).search({ log: "default", query: "" }, {});
    expect(await readings()).toMatchObject([{ tenant_id: "acme", new: { leafIndexes: [] } }]);
  });

  test("names each reader whole, so that no two look the same", async () => {
    const ids = ["A", "B"].map((end) => `jwt:${"p".repeat(127)}${end}`);
    for (const id of ids) await as({ ...ADMIN, id }).search({ log: "default", query: "" }, {});
    expect((await readings()).map(({ actor }) => actor)).toEqual(ids);
  });

  test("records entries by index, by hash and from a tail", async () => {
    const [outcome] = await as(ADMIN).entries("default", [2]);
    if (outcome?.kind !== "entry") throw new Error("no entry");
    await as(ADMIN).entryByHash("default", outcome.entry.hash);
    await tailed(as(ADMIN), { log: "default", fromLeafIndex: 4 });
    expect((await readings()).map(({ message }) => message)).toEqual([
      "entries: 1 entries shown",
      "entry by hash: 1 entries shown",
      "tail: 1 entries shown",
    ]);
  });

  test("remembers nothing that a stream showed: the same entry asked for beside it is another reading", async () => {
    const admin = as(ADMIN);
    await tailed(admin, { log: "default", fromLeafIndex: 4 });
    await admin.entries("default", [4]);
    expect((await readings()).map((event) => event.message)).toEqual([
      "tail: 1 entries shown",
      "entries: 1 entries shown",
    ]);
  });

  test("records a download page by page, each before it is read", async () => {
    const { result } = await as(ADMIN).search({ log: "default", query: "" }, { first: 0 });
    const before = (await readings()).length;
    const download = await as(ADMIN).download({ id: result.id, everyMatch: true });
    expect(await readings()).toHaveLength(before);
    const pages = download.pages(UNSTOPPED)[Symbol.asyncIterator]();
    await pages.next();
    expect((await readings()).slice(before)).toMatchObject([
      { message: "download: 5 entries shown", actor: "admin", new: { leafIndexes: [4, 3, 2, 1, 0] } },
    ]);
  });

  test("does not take the receipt of one's own events for a reading", async () => {
    const admin = as(ADMIN);
    const { entries } = await logMessages(admin, 2);
    await admin.entries(
      "default",
      entries.map(({ leafIndex }) => leafIndex),
    );
    expect(await readings()).toEqual([]);
  });

  test("shows nothing that it cannot record", async () => {
    await expectCode(as(ADMIN, "no such log").search({ log: "default", query: "" }, {}), "NOT_FOUND");
    const failing = recordingReads(service, () => Promise.reject(new AuditError("UNAVAILABLE", "the store is down")));
    await expectCode(failing.entries("default", [0]), "UNAVAILABLE");
  });

  test.each([ALICE, ADMIN, LOOPBACK])(
    "is logged to by nobody else: readings cannot be made up, by $id",
    async (principal) => {
      const events = [{ event: { message: "search: 2 entries shown", actor: "bob", action: "audit.read" } }];
      const forged = { log: "readings", events, sign: false, path: "events" } as const;
      await expectCode(as(principal).append(forged), "FORBIDDEN");
      await expectCode(as(principal).appendLater(forged), "FORBIDDEN");
      expect(await readings()).toEqual([]);
      await as(principal).append({ ...forged, log: "default" });
    },
  );

  test("is a log like any other where it records no readings", async () => {
    const as = new ScopedService(service, { principal: ADMIN, now: () => 0 });
    await logMessages(as, 1, "readings");
    expect(await readings()).toHaveLength(1);
  });

  test("records a search whose query is too long to be kept without it", async () => {
    const record = readLog(service, "readings").recorder(ADMIN);
    const read = { kind: "search", log: "default", leafIndexes: [] } as const;
    const asked = { query: "q".repeat(20_000 - '{"query":""}'.length) };
    await record({ ...read, asked });
    await record({ ...read, asked: { query: `${asked.query}q` } });
    expect(await readings()).toMatchObject([{ new: { asked } }, { new: { asked: "too long to be recorded" } }]);
  });
});
