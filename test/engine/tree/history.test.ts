import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { AuditService } from "../../../src/audit/service.js";
import type { LogStore } from "../../../src/audit/store.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { expectCode, rejection } from "../rejection.js";
import { FaultStore } from "../fault-store.js";
import { checkEverything, closedGate, fill, logMessages, messages, openTestService } from "../test-log.js";

const LONG_MS = 3_600_000;
/** The log is looked at in the meantime, whatever is found. */
const SOME_LOOKS_MS = 20_000;

/** A server whose log has so many entries of ours; those of two servers with one prefix are the same as far as both go. */
async function server(count: number, prefix = "event"): Promise<MemoryLogStore> {
  const store = new MemoryLogStore();
  const service = await openTestService({ store, clock: () => 1_767_225_600_000_000 });
  if (count > 0) await service.append({ log: "default", events: messages(count, prefix), sign: false, path: "events" });
  return store;
}

let alarms: string[];
let notes: string[];
beforeEach(() => {
  alarms = [];
  notes = [];
});

function gateway(store: LogStore, options: { cache?: MemoryRootCache; behindPatienceMs?: number } = {}) {
  return openTestService({
    ...{ store, sharedStore: true, behindPatienceMs: LONG_MS, ...options },
    clock: () => 1_767_225_600_000_000,
    alarm: (text) => alarms.push(text),
    note: (text) => notes.push(text),
  });
}

/** What mends a log is found by looking: nobody asks. */
async function expectWritten(service: AuditService, treeSize: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(SOME_LOOKS_MS);
  expect((await logMessages(service, 1)).root.treeSize).toBe(treeSize);
}

describe("a store that is shorter than the tree that a gateway knows", () => {
  let store: FaultStore;
  let service: AuditService;
  beforeEach(async () => {
    store = new FaultStore(await server(300));
    service = await gateway(store);
    expect((await service.root("default")).treeSize).toBe(300);
    store.honest = await server(290);
  });

  test("is read as far as it goes, and not written, without an alarm", async () => {
    const refusal = await rejection(logMessages(service, 1));
    expect([refusal.code, refusal.message]).toEqual([
      "UNAVAILABLE",
      "The store is behind the log default: a signed root has size 300. Try again.",
    ]);
    expect((await service.root("default")).treeSize).toBe(290);
    expect((await service.entries("default", [289])).map(({ kind }) => kind)).toEqual(["entry"]);
    const proofs = await service.membershipProofs({ log: "default", treeSize: 290, leafIndexes: [3] });
    expect(proofs).toHaveLength(1);
    for (const asked of [service.root("default", 295), service.root("default", 300), service.entries("default", [295])])
      await expectCode(asked, "UNAVAILABLE");
    await expectCode(service.root("default", 301), "NOT_FOUND");
    expect(alarms).toEqual([]);
  });

  test("is written again, at once, when it leads to that tree", async () => {
    await expectCode(logMessages(service, 1), "UNAVAILABLE");
    store.honest = await server(300);
    expect((await logMessages(service, 1)).root.treeSize).toBe(301);
    expect(alarms).toEqual([]);
    expect(await checkEverything(store.honest)).toHaveLength(301);
  });

  test("and becomes so while a batch is on its way is not written", async () => {
    store.honest = await server(300);
    const shorter = await server(290);
    store.beforeAppend = async () => {
      await Promise.resolve();
      store.honest = shorter;
    };
    expect(await rejection(logMessages(service, 1))).toMatchObject({ code: "UNAVAILABLE", outcome: "NONE" });
    expect((await shorter.head("default"))?.size).toBe(290);
  });

  test("is not written when it grew in another way, by as many entries or more", async () => {
    await expectCode(logMessages(service, 1), "UNAVAILABLE");
    store.honest = await server(310, "other");
    await expectCode(logMessages(service, 1), "ROOT_CONFLICT");
    expect(alarms).toHaveLength(1);
    expect((await store.honest.head("default"))?.size).toBe(310);
  });
});

describe("a store that becomes shorter while its tree is being confirmed", () => {
  let cache: MemoryRootCache;
  let store: FaultStore;
  let service: AuditService;
  let confirmed: ReturnType<typeof closedGate>;
  let isAsked: Promise<void>;
  beforeEach(async () => {
    store = new FaultStore(await server(300));
    cache = new MemoryRootCache();
    service = await gateway(store, { cache });
    confirmed = closedGate();
    const asked = closedGate();
    isAsked = asked.passed;
    store.confirm = async (log) => {
      const { honest } = store;
      asked.open();
      await confirmed.passed;
      return { durability: "durable", head: await honest.head(log) };
    };
  });

  /** What makes the gateway look at the store. */
  const look = () => service.entries("default", [300]);

  test("has not confirmed it: no root of it leaves, to a client or to a cache", async () => {
    const refusal = rejection(service.root("default"));
    await isAsked;
    store.honest = await server(290);
    await look();
    confirmed.open();
    expect((await refusal).code).toBe("UNAVAILABLE");
    expect(await cache.remembered("default")).toBeUndefined();
    expect((await service.root("default")).treeSize).toBe(290);
    expect((await logMessages(service, 1)).root.treeSize).toBe(291);
  });

  test("is not written, where that tree was told of while the shorter one was being read", async () => {
    // Away, so that this process alone knows.
    cache.newest = () => Promise.resolve(undefined);
    cache.remembered = () => Promise.resolve(undefined);
    const root = service.root("default");
    await isAsked;
    const shorter = await server(290);
    store.honest = shorter;
    store.leafHashes = async (...asked) => {
      confirmed.open();
      await root;
      return shorter.leafHashes(...asked);
    };
    await look();
    expect((await root).treeSize).toBe(300);
    await expectCode(logMessages(service, 1), "UNAVAILABLE");
    expect((await shorter.head("default"))?.size).toBe(290);
  });
});

describe("a standby", () => {
  test("may be behind for as long as it likes, also when a gateway is started on it", async () => {
    const cache = new MemoryRootCache();
    await fill(await gateway(await server(0), { cache }), 20);
    const store = new FaultStore(await server(10));
    store.isFollowing = true;
    for (const behindPatienceMs of [LONG_MS, 0]) {
      const service = await gateway(store, { cache, behindPatienceMs });
      expect((await service.root("default")).treeSize).toBe(10);
      await expectCode(logMessages(service, 1), "UNAVAILABLE");
      await expectCode(service.entries("default", [15]), "UNAVAILABLE");
    }
    expect(alarms).toEqual([]);
    expect((await cache.remembered("default"))?.treeSize).toBe(20);
  });

  test("that was promoted with a loss is not written", async () => {
    const cache = new MemoryRootCache();
    await fill(await gateway(await server(0), { cache }), 20);
    const store = new FaultStore(await server(10));
    store.isFollowing = true;
    const service = await gateway(store, { cache, behindPatienceMs: 0 });
    await expectCode(logMessages(service, 1), "UNAVAILABLE");
    store.isFollowing = false;
    await expectCode(logMessages(service, 1), "ROOT_CONFLICT");
    expect(alarms).toEqual([expect.stringMatching(/^The log default has 10 entries, and a signed root of size 20\./)]);
    expect((await store.honest.head("default"))?.size).toBe(10);
  });
});

describe("a log that was found to contradict what was signed", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test.each([
    ["fewer entries", () => server(290), "ROOT_CONFLICT"],
    ["another history", () => server(310, "other"), "ROOT_CONFLICT"],
    ["no log at all", () => Promise.resolve(new MemoryLogStore()), "LOG_CORRUPT"],
  ] as const)(
    "because the store held %s is written again when the right one is back, and the end of the alarm is told",
    async (_what, wrongServer, code) => {
      const right = await server(300);
      const store = new FaultStore(right);
      const service = await gateway(store, { behindPatienceMs: 0 });
      await service.root("default");
      store.honest = await wrongServer();
      await expectCode(logMessages(service, 1), code);
      // What is there, but is not what was signed, mends nothing.
      store.honest = await server(290);
      await jest.advanceTimersByTimeAsync(SOME_LOOKS_MS);
      await expectCode(logMessages(service, 1), code);
      expect(notes).toEqual([]);
      store.honest = right;
      await expectWritten(service, 301);
      expect([alarms.length, notes]).toEqual([
        1,
        ["The log default holds everything that was signed again: it can be written."],
      ]);
      expect(await checkEverything(right)).toHaveLength(301);
    },
  );

  test("at the start, or could not be restored, is written when the store is repaired, without a restart", async () => {
    const right = await server(300);
    const store = new FaultStore(right);
    const damaged = new FaultStore(right);
    damaged.head = async (log) => {
      const head = await right.head(log);
      return head && { ...head, rootHash: new Uint8Array(32) };
    };
    store.honest = damaged;
    const service = await gateway(store);
    expect(alarms).toEqual([expect.stringMatching(/its checkpoint another size or root/)]);
    await expectCode(logMessages(service, 1), "LOG_CORRUPT");
    expect((await service.entries("default", [7])).map(({ kind }) => kind)).toEqual(["entry"]);
    await jest.advanceTimersByTimeAsync(SOME_LOOKS_MS);
    await expectCode(logMessages(service, 1), "LOG_CORRUPT");
    expect([alarms.length, notes]).toEqual([1, []]);
    store.honest = right;
    await expectWritten(service, 301);
    expect(notes).toHaveLength(1);
  });

  test("because of two signed roots of one size is not written, however long one waits", async () => {
    const [right, other] = [await server(300), await server(300, "other")];
    const cache = new MemoryRootCache();
    const store = new FaultStore(right);
    const service = await gateway(store, { cache });
    const rival = await gateway(other, { cache: new MemoryRootCache() });
    const { checkpoint, publishedAt } = await rival.root("default");
    await cache.putNewest({ log: "default", treeSize: 300, checkpoint, publishedAt, seal: "" });
    await expectCode(service.root("default"), "ROOT_CONFLICT");
    await jest.advanceTimersByTimeAsync(SOME_LOOKS_MS);
    await expectCode(logMessages(service, 1), "ROOT_CONFLICT");
    expect(alarms).toHaveLength(1);
  });
});

describe("a store that goes away while a log is being opened", () => {
  test.each<[string, (store: FaultStore) => void]>([
    ["before its leaves are read", (store) => (store.leafHashes = () => Promise.reject(new Error("gone")))],
    ["before its tiles are read", (store) => (store.tiles = () => Promise.reject(new Error("gone")))],
  ])("%s, rejects: nothing is known of the log, least of all that it is broken", async (_when, goAway) => {
    const store = new FaultStore(await server(300));
    goAway(store);
    await expect(gateway(store)).rejects.toThrow("gone");
    expect(alarms).toEqual([]);
  });
});
