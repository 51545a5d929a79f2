import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import type { RootCache } from "../../../src/audit/cache.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import type { LocalAuditService } from "../../../src/engine/log-health.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { FaultStore } from "../fault-store.js";
import { closedGate, logMessages, NEW_YEAR, openTestService } from "../test-log.js";

async function server(count: number): Promise<MemoryLogStore> {
  const store = new MemoryLogStore();
  const service = await openTestService({ store, clock: () => NEW_YEAR });
  if (count > 0) await logMessages(service, count);
  await service.close();
  return store;
}

let store: FaultStore;
let cache: MemoryRootCache;
beforeEach(async () => {
  store = new FaultStore(await server(3));
  cache = new MemoryRootCache();
});

function gateway(over: RootCache = cache): Promise<LocalAuditService> {
  const options = { store, cache: over, sharedStore: true, alarm: () => undefined };
  return openTestService({ ...options, clock: () => NEW_YEAR });
}

describe("a log that cannot be opened, for its store went away", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test("is looked at no more", async () => {
    const ahead = await openTestService({ store: await server(5), cache });
    await cache.putNewest({ ...(await ahead.root("default")), seal: "" });
    await ahead.close();
    const head = store.head.bind(store);
    let reads = 0;
    store.head = (log) => ((reads += 1) > 2 ? Promise.reject(new Error("away")) : head(log)); // when it looks for five
    await expect(gateway()).rejects.toThrow("away");
    await jest.advanceTimersByTimeAsync(60_000);
    expect(reads).toBe(3);
  });
});

test("a log that is closed is told no more of what other gateways put, nor held by who would tell it", async () => {
  let listeners = 0;
  const counted = replaced<RootCache>(cache, {
    onNewest: () => {
      listeners += 1;
      return () => (listeners -= 1);
    },
  });
  const service = await gateway(counted);
  expect(listeners).toBe(1);
  await service.close();
  expect(listeners).toBe(0);
});

test("a broken log is not looked at for what another gateway says that it has", async () => {
  let publish: (treeSize: number) => void = () => undefined;
  const listened = replaced<RootCache>(cache, {
    onNewest: (_, listener) => {
      publish = listener;
      return () => undefined;
    },
  });
  store.leafHashes = () => Promise.resolve(new Uint8Array());
  store.canonicals = () => Promise.resolve([undefined]);
  const service = await gateway(listened);
  expect(service.broken("default")?.code).toBe("LOG_CORRUPT");
  expect(() => {
    publish(9);
  }).not.toThrow();
  await service.close();
});

test("a log is idle when everything is stored that came while it was waited for, too", async () => {
  const service = await gateway();
  const gates = [closedGate(), closedGate()];
  let appends = 0;
  store.beforeAppend = () => gates[appends++]?.passed ?? Promise.resolve();
  const first = logMessages(service, 1);
  let isIdle = false;
  const closed = service.close().then(() => {
    isIdle = true;
  });
  const second = logMessages(service, 1);
  gates[0]?.open();
  await first;
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  expect(isIdle).toBe(false);
  gates[1]?.open();
  await second;
  await closed;
});
