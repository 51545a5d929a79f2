import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditService } from "../../../src/audit/service.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { rejection } from "../rejection.js";
import { eventually } from "../../caches/redis-server.js";
import { FaultStore } from "../fault-store.js";
import { logMessages, openTestService } from "../test-log.js";

let store: FaultStore;
let cache: MemoryRootCache;
/** Shares the log with `service`, and no cache. */
let other: AuditService;
let service: AuditService;

beforeEach(async () => {
  store = new FaultStore(new MemoryLogStore());
  cache = new MemoryRootCache();
  other = await openTestService({ store: store.honest, sharedStore: true });
  await logMessages(other, 3);
  service = await openTestService({ store, cache, sharedStore: true });
});
afterEach(async () => {
  await service.close();
  await other.close();
});

const rememberedSize = async (): Promise<number> => (await cache.remembered("default"))?.treeSize ?? 0;
/** Nobody waits for a root to be published. */
async function untilRemembered(treeSize: number): Promise<void> {
  while ((await rememberedSize()) !== treeSize) await sleep(10);
}
const proofs = (treeSize: number) => service.membershipProofs({ log: "default", treeSize, leafIndexes: [0] });

describe("what a store shows and cannot confirm", () => {
  beforeEach(() => {
    store.durability = "away";
  });

  test("is read, but no root and no proof of it leaves, to a client or to a cache, until it is confirmed", async () => {
    expect((await service.entries("default", [2]))[0]?.kind).toBe("entry");
    for (const refused of [service.root("default"), service.root("default", 2), proofs(3)]) {
      const error = await rejection(refused);
      expect([error.code, error.outcome]).toEqual(["UNAVAILABLE", undefined]);
    }
    expect(await rememberedSize()).toBe(0);
    store.durability = "durable";
    expect((await service.root("default")).treeSize).toBe(3);
    await untilRemembered(3);
  });

  test("is durable once an append of this gateway on top of it is", async () => {
    expect((await logMessages(service, 1)).root.treeSize).toBe(4);
    expect((await service.root("default")).treeSize).toBe(4);
    expect(await proofs(3)).toHaveLength(1);
    expect(store.confirmations).toBe(0);
    await untilRemembered(4);
  });

  test("hides no root or proof of a size that was confirmed before", async () => {
    store.durability = "durable";
    await service.root("default");
    store.durability = "away";
    await logMessages(other, 2);
    expect((await service.root("default", 2)).treeSize).toBe(2);
    expect(await proofs(3)).toHaveLength(1);
    expect((await rejection(proofs(5))).code).toBe("UNAVAILABLE");
  });

  test("is not shown to who follows the log, who waits on, and sees it once it is confirmed", async () => {
    store.durability = "durable";
    const reader = new AbortController();
    const tail = await service.tail({ log: "default" }, reader);
    store.durability = "away";
    await logMessages(other, 1);
    const next = tail[Symbol.asyncIterator]().next();
    const asked = store.confirmations;
    while (store.confirmations === asked) await sleep(10);
    store.durability = "durable";
    expect((await next).value).toMatchObject({ kind: "entry", entry: { leafIndex: 3 } });
    reader.abort();
  });
});

test("what a replica shows is told of with its root, but published by nobody before a primary has confirmed it", async () => {
  store.durability = "replica";
  expect((await service.root("default")).treeSize).toBe(3);
  expect(await proofs(3)).toHaveLength(1);
  expect(await rememberedSize()).toBe(0);
  store.durability = "durable";
  await logMessages(other, 1);
  expect((await service.root("default")).treeSize).toBe(4);
  await untilRemembered(4);
});

test("what a replica showed and was told of is not confirmed again", async () => {
  store.durability = "replica";
  expect((await service.root("default")).treeSize).toBe(3);
  const asked = store.confirmations;
  store.durability = "away";
  for (const size of [1, 3]) expect((await service.root("default", size)).treeSize).toBe(size);
  expect(store.confirmations).toBe(asked);
});

test("what a replica shows is shown to who follows the log", async () => {
  store.durability = "replica";
  const reader = new AbortController();
  const tail = await service.tail({ log: "default" }, reader);
  const next = tail[Symbol.asyncIterator]().next();
  await logMessages(other, 1);
  expect((await next).value).toMatchObject({ kind: "entry", entry: { leafIndex: 3 } });
  reader.abort();
});

test("a log that nobody else writes is confirmed once, after that its own appends are enough", async () => {
  await service.root("default");
  await logMessages(service, 2);
  await service.root("default");
  await logMessages(service, 2);
  await service.root("default", 1);
  expect(store.confirmations).toBe(1);
});

describe("a failover between the read of a tree and its confirmation", () => {
  /** Stores that a promoted standby may hold: entries that were shown and not replicated are lost. */
  const promoted: [string, string[]][] = [
    ["a shorter log", ["message 0", "message 1"]],
    ["other entries", ["message 0", "message 1", "another"]],
    ["a longer log of other entries", ["message 0", "message 1", "another", "and one more"]],
  ];

  test.each(promoted)(
    "to %s acknowledges nothing, signs no root of what was lost, and ends in no conflict",
    async (_, texts) => {
      const survivor = new MemoryLogStore();
      const there = await openTestService({ store: survivor, sharedStore: true });
      for (const message of texts)
        await there.append({ log: "default", events: [{ event: { message } }], sign: false, path: "event" });
      store.beforeConfirm = async () => {
        await Promise.resolve();
        store.honest = survivor;
      };
      const error = await rejection(service.root("default"));
      expect([error.code, error.outcome]).toEqual(["UNAVAILABLE", undefined]);
      expect(await rememberedSize()).toBe(0);
      await eventually(async () => (await service.root("default")).treeSize === texts.length);
      expect((await logMessages(service, 1)).root.treeSize).toBe(texts.length + 1);
      await there.close();
    },
  );

  test.each([
    ["never shown is no conflict", "away", undefined],
    ["shown is a conflict", "durable", "ROOT_CONFLICT"],
  ] as const)("to other entries than those of a tree that was %s", async (_, durability, code) => {
    const survivor = new MemoryLogStore();
    const there = await openTestService({ store: survivor, sharedStore: true });
    await logMessages(there, 4);
    store.durability = durability;
    await logMessages(other, 1);
    const seen = service.root("default"); // it reads 4 entries
    if (durability === "away") expect((await rejection(seen)).code).toBe("UNAVAILABLE");
    else expect((await seen).treeSize).toBe(4);
    store.honest = survivor;
    store.durability = "durable";
    if (code === undefined) expect((await service.root("default")).treeSize).toBe(4);
    else expect((await rejection(service.root("default"))).code).toBe(code);
    await there.close();
  });

  test("to one that has all of it, and more, is not noticed", async () => {
    store.beforeConfirm = async () => {
      store.beforeConfirm = () => Promise.resolve();
      await logMessages(other, 2);
    };
    expect((await service.root("default")).treeSize).toBe(3);
    expect((await service.root("default")).treeSize).toBe(5);
  });
});
