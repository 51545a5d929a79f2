import { beforeEach, describe, expect, test } from "@jest/globals";
import type { LogReads } from "../../../src/audit/store.js";
import type { AuditService } from "../../../src/audit/service.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { FaultStore } from "../fault-store.js";
import { expectCode, rejection } from "../rejection.js";
import { memoryIndex } from "../search/memory-index.js";
import { checkEverything, closedGate, logMessages, messages, NEW_YEAR, openTestService } from "../test-log.js";

/** A server whose log has so many entries; those of two servers with one prefix are the same as far as both go. */
async function server(count: number, prefix = "event"): Promise<MemoryLogStore> {
  const store = new MemoryLogStore();
  const service = await openTestService({ store, clock: () => NEW_YEAR });
  if (count > 0) await service.append({ log: "default", events: messages(count, prefix), sign: false, path: "events" });
  await service.close();
  return store;
}

let store: FaultStore;
beforeEach(async () => {
  store = new FaultStore(await server(3));
});

function gateway(): Promise<AuditService> {
  const options = { store, index: memoryIndex(store), sharedStore: true, behindPatienceMs: 0 };
  return openTestService({ ...options, clock: () => NEW_YEAR });
}

test("a look at the store waits for the batch in flight, and what is logged next does too", async () => {
  const service = await gateway();
  const shorter = await server(2);
  // What a read shows first is damaged, and the next snapshot is of a server that lags: then the newest tree is looked for.
  const [canonicals, snapshot] = [store.canonicals.bind(store), store.snapshot.bind(store)];
  store.canonicals = async (...asked) => {
    store.canonicals = canonicals;
    return (await canonicals(...asked)).map(() => "");
  };
  const looking = closedGate();
  store.snapshot = <Result>(look: (reads: LogReads) => Promise<Result>) => {
    store.snapshot = snapshot;
    looking.open();
    return look(shorter);
  };
  const gate = closedGate();
  store.beforeAppend = () => gate.passed;
  const first = logMessages(service, 1);
  const read = service.entries("default", [0]);
  await looking.passed;
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  const second = logMessages(service, 1);
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  expect(store.appends).toHaveLength(1);
  gate.open();
  expect((await read).map(({ kind }) => kind)).toEqual(["entry"]);
  expect((await Promise.all([first, second])).map(({ root }) => root.treeSize)).toEqual([4, 5]);
  expect(await checkEverything(store)).toHaveLength(5);
});

describe("a tree that nobody was told of", () => {
  test("may be lost, also when it is the first of one entry", async () => {
    store.honest = await server(1);
    store.durability = "away";
    const service = await gateway();
    expect((await service.entries("default", [0])).map(({ kind }) => kind)).toEqual(["entry"]);
    await expectCode(service.root("default"), "UNAVAILABLE");
    store.honest = await server(1, "another");
    store.durability = "durable";
    expect((await service.root("default")).treeSize).toBe(1);
  });

  test("is none that a follower has seen: who begins before it is told of it once it is confirmed", async () => {
    store.honest = await server(0);
    const service = await gateway();
    const reader = new AbortController();
    const tail = await service.tail({ log: "default", fromLeafIndex: 0 }, reader);
    const next = tail[Symbol.asyncIterator]().next();
    await logMessages(service, 1);
    expect((await next).value).toMatchObject({ kind: "entry", entry: { leafIndex: 0 } });
    reader.abort();
  });
});

describe("a log that was lost", () => {
  test("is searched as an empty one, whatever the gateway has read of it", async () => {
    const service = await gateway();
    expect((await service.root("default")).treeSize).toBe(3);
    store.honest = new MemoryLogStore();
    await expectCode(logMessages(service, 1), "LOG_CORRUPT");
    const { result } = await service.search({ log: "default", query: "" }, {});
    expect(result.treeSize).toBe(0);
  });

  test("is searched no more when the store does not say how much there is", async () => {
    const service = await gateway();
    await service.root("default");
    store.honest = await server(3, "another");
    await expectCode(logMessages(service, 1), "ROOT_CONFLICT");
    store.headFailures = 1;
    await expect(service.search({ log: "default", query: "" }, {})).rejects.toThrow("connection refused");
  });
});

test("a log whose store does not answer is not searched in part", async () => {
  const service = await gateway();
  await service.root("default");
  store.headFailures = 1;
  await expect(service.search({ log: "default", query: "" }, {})).rejects.toThrow("connection refused");
  expect((await service.search({ log: "default", query: "" }, {})).leafIndexes).toEqual([2, 1, 0]);
});

test("a log that turns out to be another than what was published is followed by nobody", async () => {
  const forked = await server(3);
  const writer = await openTestService({ store: forked, clock: () => NEW_YEAR });
  await writer.append({ log: "default", events: messages(2, "other"), sign: false, path: "events" });
  const published = new MemoryRootCache();
  const ahead = await openTestService({ store: await server(5), cache: published, clock: () => NEW_YEAR });
  const newest = await ahead.root("default");
  const cache = new MemoryRootCache();
  const options = { store, index: memoryIndex(store), sharedStore: true, behindPatienceMs: 60_000 };
  const service = await openTestService({ ...options, cache, clock: () => NEW_YEAR });
  await service.root("default");
  await cache.putNewest({ ...newest, seal: "" });
  expect((await service.root("default")).treeSize).toBe(3); // and waits for five
  store.honest = forked;
  await expectCode(service.tail({ log: "default" }, new AbortController()), "ROOT_CONFLICT");
});

describe("a size that was signed", () => {
  test("and is not in the store yet is UNAVAILABLE, and one more is not there", async () => {
    const service = await gateway();
    await service.root("default");
    store.isFollowing = true;
    store.honest = await server(2);
    expect((await rejection(service.entries("default", [2]))).code).toBe("UNAVAILABLE");
    expect((await service.entries("default", [3])).map(({ kind }) => kind)).toEqual(["missing"]);
    await expectCode(service.root("default", 3), "UNAVAILABLE");
    await expectCode(service.root("default", 4), "NOT_FOUND");
  });
});
