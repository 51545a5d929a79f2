import { describe, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import type { RootCache } from "../../src/audit/cache.js";
import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import { instrumented, watchDamage } from "../../src/operations/instruments.js";
import { clockBehind, eachLog, meteredCache, meteredStore, rootAge } from "../../src/operations/metered-engines.js";
import { Metrics } from "../../src/operations/metrics.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openMemory } from "../../src/stores/memory/open.js";
import { fill, logMessages, openTestService } from "../engine/test-log.js";
import { replaced } from "../graphql/watched.js";
import { samples } from "./samples.js";
import { KEYRING } from "../keyring.js";

async function measured() {
  const metrics = new Metrics();
  const { log, index } = indexed(openMemory(), KEYRING);
  const store = meteredStore(log, metrics);
  return { metrics, log, index, store, service: await openTestService({ store, index }) };
}

describe("a metered store", () => {
  test("counts the events that became durable, in batches, and times them", async () => {
    const { metrics, service } = await measured();
    await logMessages(service, 3);
    await logMessages(service, 5);
    expect(await samples(metrics)).toMatchObject({
      'auditql_events_logged_total{log="default"}': 8,
      auditql_batch_events_sum: 8,
      auditql_batch_events_count: 2,
      'auditql_append_duration_seconds_count{outcome="appended"}': 2,
    });
  });

  test("counts no event of a batch that may not have become durable", async () => {
    const metrics = new Metrics();
    const { log, index } = indexed(openMemory(), KEYRING);
    const failing = replaced(log, { append: () => Promise.reject(new Error("disk full")) });
    const service = await openTestService({ store: meteredStore(failing, metrics), index });
    await expect(logMessages(service, 3)).rejects.toThrow();
    const found = await samples(metrics);
    expect(found['auditql_events_logged_total{log="default"}']).toBeUndefined();
    expect(found['auditql_append_duration_seconds_count{outcome="error"}']).toBe(1);
  });

  test("counts a turn that cannot be had as an append that failed, and has turns only where the store has", async () => {
    const { metrics, log, store } = await measured();
    expect(Reflect.get(store, "turn")).toBeUndefined();
    const turns = [Promise.resolve(log), Promise.reject(new Error("the database is away"))];
    const inTurns = meteredStore(Object.assign(log, { turn: () => turns.shift() }), metrics);
    expect(await inTurns.turn?.("default", 0)).toBe(log);
    await expect(inTurns.turn?.("default", 0)).rejects.toThrow("away");
    expect(await samples(metrics)).toMatchObject({
      'auditql_append_duration_seconds_count{outcome="error"}': 1,
      'auditql_append_duration_seconds_count{outcome="appended"}': 0,
    });
  });
});

describe("a metered cache", () => {
  test("is stale while it does not remember the newest root", async () => {
    const metrics = new Metrics();
    let isRemembering = false;
    const { log: store, index } = indexed(openMemory(), KEYRING);
    const cache: RootCache = Object.defineProperty(new MemoryRootCache(), "isRemembering", {
      get: () => isRemembering,
    });
    instrumented({ store, index, cache }, metrics);
    expect(await samples(metrics)).toMatchObject({ auditql_root_cache_stale: 1 });
    isRemembering = true;
    expect(await samples(metrics)).toMatchObject({ auditql_root_cache_stale: 0 });
  });

  test("tells a hit from a miss, and a miss from an engine that is away", async () => {
    const metrics = new Metrics();
    const root = { log: "default", treeSize: 1, checkpoint: "", publishedAt: "", seal: "" };
    const cache = new MemoryRootCache();
    await cache.put(root);
    const metered = meteredCache(cache, metrics);
    expect(await metered.get("default", 1)).toEqual(root);
    expect(await metered.get("default", 2)).toBeUndefined();
    expect(await metered.newest("default")).toBeUndefined();
    const away = replaced<RootCache>(cache, { isAnswering: false });
    await meteredCache(away, metrics).get("default", 3);
    expect(await samples(metrics)).toMatchObject({
      'auditql_root_cache_reads_total{outcome="hit"}': 1,
      'auditql_root_cache_reads_total{outcome="miss"}': 2,
      'auditql_root_cache_reads_total{outcome="unavailable"}': 1,
    });
  });
});

describe("a store and its index", () => {
  test("are told log by log: how much is logged, and how much of it searches read from there", async () => {
    const { metrics, log: store, index, service } = await measured();
    await logMessages(service, 7);
    const cache = new MemoryRootCache();
    instrumented({ store, index, cache }, metrics);
    const told = { 'auditql_log_entries{log="default"}': 7, 'auditql_index_lag_entries{log="default"}': 0 };
    expect(await samples(metrics)).toMatchObject(told);
    await fill(service, 9_000);
    const behind = replaced(index, { indexedSize: () => Promise.resolve(4_096) });
    instrumented({ store, index: behind, cache }, metrics);
    expect(await samples(metrics)).toMatchObject({ 'auditql_index_lag_entries{log="default"}': 4_096 });
  });

  test("are left out of the metrics while the store does not answer", async () => {
    const metrics = new Metrics();
    const { log, index } = indexed(openMemory(), KEYRING);
    const store = replaced(log, { heads: () => Promise.reject(new Error("away")) });
    instrumented({ store, index, cache: new MemoryRootCache() }, metrics);
    const found = Object.keys(await samples(metrics)).filter((name) => name.includes('log="default"'));
    expect(found).toEqual([]);
  });

  test("cost one read of the heads for all that is told of them", async () => {
    const metrics = new Metrics();
    const { log, index } = indexed(openMemory(), KEYRING);
    let reads = 0;
    const store = replaced(log, { heads: () => (reads++, log.heads()) });
    instrumented({ store, index, cache: new MemoryRootCache() }, metrics);
    await metrics.text();
    await metrics.text();
    expect(reads).toBe(2);
  });
});

describe("the time of a log's newest entry", () => {
  const at = async (ms: number) => {
    const { log, service } = await measured();
    const { root } = await logMessages(service, 1);
    const clock = () => (Date.parse(root.publishedAt) + ms) * 1_000;
    const each = eachLog(log);
    return [await each(clockBehind(clock)), await each(rootAge(clock))];
  };

  test("is how far it is ahead of the clock, where a clock is wrong", async () => {
    expect(await at(-90_000)).toEqual([new Map([["default", 90]]), new Map([["default", 0]])]);
  });

  test("is the age of the newest root", async () => {
    expect(await at(90_000)).toEqual([new Map([["default", 0]]), new Map([["default", 90]])]);
  });
});

test("a root cache that is away is told", async () => {
  const metrics = new Metrics();
  const { log: store, index } = indexed(openMemory(), KEYRING);
  const cache = replaced<RootCache>(new MemoryRootCache(), { isAnswering: false });
  instrumented({ store, index, cache }, metrics);
  expect(await samples(metrics)).toMatchObject({ auditql_root_cache_up: 0, auditql_root_cache_stale: 0 });
});

test("the connections of a store are told by what they do", async () => {
  const metrics = new Metrics();
  const { log: store, index } = indexed(openMemory(), KEYRING);
  const connections = () => ({ used: 3, idle: 2, max: 10, waiting: 1 });
  instrumented({ store, index, cache: new MemoryRootCache(), connections }, metrics);
  expect(await samples(metrics)).toMatchObject({
    'auditql_store_connections{state="used"}': 3,
    'auditql_store_connections{state="idle"}': 2,
    auditql_store_connections_max: 10,
    auditql_store_pending_requests: 1,
  });
});

test("a log that is not written for damage is told, beside those that are", async () => {
  const metrics = new Metrics();
  watchDamage(["default", "billing"], (log) => log === "billing", metrics);
  expect(await samples(metrics)).toMatchObject({
    'auditql_log_damaged{log="default"}': 0,
    'auditql_log_damaged{log="billing"}': 1,
  });
});

test("what is running is told by its version", async () => {
  const { version } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };
  expect(await samples(new Metrics())).toMatchObject({ [`auditql_build_info{version="${version}"}`]: 1 });
});
