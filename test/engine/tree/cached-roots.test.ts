import { beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { CachedRoot, RootCache } from "../../../src/audit/cache.js";
import type { AuditService, Root } from "../../../src/audit/service.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { RedisRootCache } from "../../../src/caches/redis/root-cache.js";
import { keyringOfSeed } from "../../../src/keys/keyring.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { expectCode, rejection } from "../rejection.js";
import { eventually, redisProgram, RedisServer } from "../../caches/redis-server.js";
import { describeWith } from "../../service.js";
import { FaultStore } from "../fault-store.js";
import { KEYRING } from "../../keyring.js";
import { closedGate, fill, logMessages, openTestService, ORIGIN } from "../test-log.js";

const SIZE = 600;
const STRANGER = keyringOfSeed(new Uint8Array(32).fill(99));

let store: FaultStore;
let cache: MemoryRootCache;
let alarms: string[];
let truth: Root;

beforeEach(async () => {
  store = new FaultStore(new MemoryLogStore());
  cache = new MemoryRootCache();
  alarms = [];
  const writer = await openTestService({ store });
  await fill(writer, SIZE);
  truth = await writer.root("default", 100);
});

/** A gateway that has not yet seen anything but the log and the cache. */
function gateway(over: RootCache = cache, sharedStore = false): Promise<AuditService> {
  return openTestService({
    ...{ store, cache: over, sharedStore, behindPatienceMs: 0 },
    alarm: (text) => alarms.push(text),
  });
}

/** What the log's key, or another, would have signed. */
function checkpoint(treeSize: number, hash: Uint8Array, { log = "default", keyring = KEYRING } = {}): string {
  return new LogKey(`${ORIGIN}/${log}`, keyring, nodeEd25519()).sign(treeSize, hash);
}

async function put(changes: Partial<CachedRoot>): Promise<void> {
  const { log, treeSize, publishedAt } = truth;
  await cache.put({ log, treeSize, checkpoint: truth.checkpoint, publishedAt, seal: "", ...changes });
}

/** Which methods of a cache were called with what. */
function spied(honest: RootCache): { readonly cache: RootCache; readonly calls: string[] } {
  const calls: string[] = [];
  const spy: RootCache = {
    isAnswering: true,
    isRemembering: true,
    get: (log, treeSize) => (calls.push(`get ${treeSize}`), honest.get(log, treeSize)),
    put: (root) => (calls.push(`put ${root.treeSize}`), honest.put(root)),
    newest: (log) => (calls.push("newest"), honest.newest(log)),
    putNewest: (root) => (calls.push(`putNewest ${root.treeSize}`), honest.putNewest(root)),
    remembered: (log) => honest.remembered(log),
    onNewest: (log, listener) => honest.onNewest(log, listener),
    close: () => honest.close(),
  };
  return { cache: spy, calls };
}

describe("the root that a cache remembers", () => {
  test.each([1, 3])("of %i entries must be one that the log leads to, when it is opened", async (size) => {
    const memory = new MemoryRootCache();
    const lost = await openTestService({ store: new MemoryLogStore(), cache: memory });
    await logMessages(lost, size);
    await eventually(async () => (await memory.remembered("default"))?.treeSize === size);
    const service = await gateway(memory);
    await expectCode(logMessages(service, 1), "ROOT_CONFLICT");
  });

  test("of an empty log says nothing", async () => {
    const memory = new MemoryRootCache();
    const empty = await openTestService({ store: new MemoryLogStore(), cache: memory });
    const { checkpoint: signed, publishedAt } = await empty.root("default");
    await memory.putNewest({ log: "default", treeSize: 0, checkpoint: signed, publishedAt, seal: "" });
    expect((await logMessages(await gateway(memory), 1)).root.treeSize).toBe(SIZE + 1);
  });
});

describe("the root of an earlier size", () => {
  test("is the same from the log, from a cache and from memory", async () => {
    const first = await gateway();
    expect(await first.root("default", 100)).toEqual(truth);
    expect(await first.root("default", 100)).toEqual(truth);
    expect(await (await gateway()).root("default", 100)).toEqual(truth);
  });

  test("is put into the cache once, and asked of it once by each gateway", async () => {
    const { cache: spy, calls } = spied(cache);
    const first = await gateway(spy);
    await first.root("default", 100);
    await first.root("default", 100);
    await (await gateway(spy)).root("default", 100);
    const ofIt = calls.filter((call) => call.endsWith(" 100")); // the newest is published whenever a gateway has learnt it
    expect(ofIt).toEqual(["get 100", "put 100", "get 100"]);
  });

  test("from a cache costs no read of an entry", async () => {
    await (await gateway()).root("default", 100);
    const second = await gateway();
    store.entries = () => Promise.reject(new TypeError("nobody should ask"));
    expect(await second.root("default", 100)).toEqual(truth);
  });
});

describe("a cache that lies", () => {
  const wrongHash = new Uint8Array(32).fill(0xee);

  test.each<readonly [string, () => Partial<CachedRoot>]>([
    ["garbage for a checkpoint", () => ({ checkpoint: "garbage" })],
    ["a checkpoint with one character changed", () => ({ checkpoint: truth.checkpoint.replace("100", "101") })],
    ["a root that another key signed", () => ({ checkpoint: checkpoint(100, wrongHash, { keyring: STRANGER }) })],
    ["a root of another log of ours", () => ({ checkpoint: checkpoint(100, wrongHash, { log: "other" }) })],
    ["a root of another size of ours", () => ({ checkpoint: checkpoint(99, wrongHash) })],
    ["the true root with another time", () => ({ publishedAt: "1999-01-01T00:00:00.000000Z" })],
    ["the true root with a forged seal", () => ({ seal: "A".repeat(43) })],
    ["the true root under another log's name", () => ({ log: "default", treeSize: 100, seal: "x" })],
  ])("about a size, with %s, is a miss", async (_name, lie) => {
    await put(lie());
    expect(await (await gateway()).root("default", 100)).toEqual(truth);
    expect(alarms).toEqual([]);
  });

  test("with a root that our own key signed, and that is not the log's, is an alarm and no answer", async () => {
    await put({ checkpoint: checkpoint(100, wrongHash) });
    const service = await gateway();
    const error = await rejection(service.root("default", 100));
    const sentence = `The log default has two signed roots of size 100: ${truth.hash} and ${"ee".repeat(32)}. Nothing is`;
    expect([error.code, error.message]).toEqual(["ROOT_CONFLICT", expect.stringContaining(sentence)]);
    expect(alarms).toEqual([error.message]);
  });

  test("so, while a batch is in flight, has whoever comes next refused at once", async () => {
    await (await gateway()).root("default");
    await eventually(async () => (await cache.remembered("default")) !== undefined); // nobody looks for it any more
    await put({ checkpoint: checkpoint(100, wrongHash) });
    const service = await gateway();
    const gate = closedGate();
    store.beforeAppend = () => gate.passed;
    const inFlight = logMessages(service, 1);
    await expectCode(service.root("default", 100), "ROOT_CONFLICT");
    await expectCode(logMessages(service, 1), "ROOT_CONFLICT");
    gate.open();
    expect((await inFlight).root.treeSize).toBe(SIZE + 1); // it was signed before anybody knew
  });

  test("and contradicts between our read and our write is an alarm too", async () => {
    const { publishedAt } = truth;
    const rival = { log: "default", treeSize: 100, checkpoint: checkpoint(100, wrongHash), publishedAt, seal: "" };
    const late: RootCache = { ...spied(cache).cache, get: () => Promise.resolve(undefined), put: async () => rival };
    expect((await rejection((await gateway(late)).root("default", 100))).code).toBe("ROOT_CONFLICT");
  });

  test("about the newest root is not believed", async () => {
    const service = await gateway(cache, true);
    await cache.putNewest({ ...truth, checkpoint: checkpoint(900, wrongHash, { keyring: STRANGER }), seal: "" });
    expect((await service.root("default")).treeSize).toBe(SIZE);
    expect(alarms).toEqual([]);
  });

  test("with our own signature under a log longer than the store's means that entries were lost", async () => {
    const service = await gateway(cache, true);
    await cache.putNewest({ ...truth, checkpoint: checkpoint(900, wrongHash), seal: "" });
    const error = await rejection(service.root("default"));
    expect([error.code, error.message]).toEqual([
      "ROOT_CONFLICT",
      expect.stringContaining("The log default has 600 entries, and a signed root of size 900. Nothing is"),
    ]);
    expect(alarms).toHaveLength(1);
  });

  test("with our own signature under another newest root is an alarm", async () => {
    const service = await gateway(cache, true);
    await cache.putNewest({ ...truth, checkpoint: checkpoint(SIZE, wrongHash), seal: "" });
    expect((await rejection(service.root("default"))).code).toBe("ROOT_CONFLICT");
  });
});

describe("the newest root", () => {
  test("is published after each append, the newest of a burst last", async () => {
    const { cache: spy, calls } = spied(cache);
    const service = await gateway(spy);
    await Promise.all([1, 1, 1].map((count) => logMessages(service, count)));
    await sleep(0);
    expect(calls.at(-1)).toBe(`putNewest ${SIZE + 3}`);
    expect((await cache.newest("default"))?.treeSize).toBe(SIZE + 3);
  });

  test("of another gateway's append is answered as soon as it is asked for", async () => {
    const [one, two] = [await gateway(cache, true), await gateway(cache, true)];
    const { root } = await logMessages(one, 5);
    expect(await two.root("default")).toEqual(root);
    expect(await two.root("default", SIZE + 5)).toEqual(root);
    expect((await two.entries("default", [SIZE + 4]))[0]?.kind).toBe("entry");
  });

  test("is asked of the store only when the cache does not know it, or knows a newer one", async () => {
    const [one, two] = [await gateway(cache, true), await gateway(cache, true)];
    await logMessages(one, 5);
    await two.root("default");
    const reads = store.headReads;
    await two.root("default");
    expect(store.headReads).toBe(reads);
    await logMessages(one, 1);
    expect((await two.root("default")).treeSize).toBe(SIZE + 6);
    expect(store.headReads).toBe(reads + 2); // the second in the snapshot that the tree is read in
  });

  test("is published again when it is asked for, after a cache did not keep it", async () => {
    const { cache: spy, calls } = spied(cache);
    let isFull = true;
    const full: RootCache = {
      ...spy,
      get isRemembering() {
        return !isFull;
      },
    };
    const service = await gateway(full);
    await logMessages(service, 1);
    const published = () => calls.filter((call) => call === `putNewest ${SIZE + 1}`).length;
    await eventually(() => Promise.resolve(published() === 1));
    await service.root("default");
    await eventually(() => Promise.resolve(published() === 2));
    isFull = false;
    await service.root("default");
    await sleep(0);
    expect(published()).toBe(2);
  });

  test("does not give way to an older one whose gateway was slow to tell", async () => {
    const fast = await gateway(cache, true);
    const told: number[] = [];
    const slow: RootCache = {
      ...spied(cache).cache,
      putNewest: async (root) => {
        if (told.length === 0) {
          await logMessages(fast, 1);
          await eventually(async () => (await cache.remembered("default"))?.treeSize === SIZE + 2);
        }
        told.push(root.treeSize);
        return cache.putNewest(root);
      },
    };
    const [writer, reader] = [await gateway(slow, true), await gateway(cache, true)];
    await logMessages(writer, 1);
    await eventually(() => Promise.resolve(told.length === 2));
    expect(told).toEqual([SIZE + 1, SIZE + 2]);
    expect((await cache.remembered("default"))?.treeSize).toBe(SIZE + 2);
    expect((await reader.root("default")).treeSize).toBe(SIZE + 2);
  });

  test("of the store alone is answered while the cache is silent", async () => {
    const silent: RootCache = { ...spied(cache).cache, newest: () => Promise.resolve(undefined) };
    const [one, two] = [await gateway(silent, true), await gateway(silent, true)];
    await logMessages(one, 5);
    expect((await two.root("default")).treeSize).toBe(SIZE + 5);
  });
});

describeWith("redis-server", redisProgram !== undefined, () => {
  test("a Redis that is flushed, frozen, thawed and killed never changes an answer", async () => {
    const server = await RedisServer.start();
    const redis = new RedisRootCache({ url: server.url, origin: ORIGIN });
    try {
      await eventually(async () => (await redis.put({ ...truth, log: "probe", seal: "" })) !== undefined);
      const ask = async () => (await gateway(redis)).root("default", 100);
      expect(await ask()).toEqual(truth);
      expect((await redis.get("default", 100))?.checkpoint).toBe(truth.checkpoint);
      await server.command("FLUSHALL");
      expect(await ask()).toEqual(truth);
      await server.command(`SET auditql:1:${ORIGIN}/default:root:100 lies`);
      expect(await ask()).toEqual(truth);
      server.freeze();
      expect(await ask()).toEqual(truth);
      server.thaw();
      expect(await ask()).toEqual(truth);
      await server.kill();
      expect(await ask()).toEqual(truth);
      expect(alarms).toEqual([]);
    } finally {
      await redis.close();
      await server.kill();
    }
  });
});
