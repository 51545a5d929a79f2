import { describe, expect, test } from "@jest/globals";
import type { RootCache } from "../../src/audit/cache.js";
import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import { instrumented } from "../../src/operations/instruments.js";
import { clockBehind, indexLag, meteredCache, meteredStore } from "../../src/operations/metered-engines.js";
import { Metrics } from "../../src/operations/metrics.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openMemory } from "../../src/stores/memory/open.js";
import { fill, logMessages, openTestService } from "../engine/test-log.js";
import { replaced } from "../graphql/watched.js";
import { samples } from "./samples.js";

async function measured() {
  const metrics = new Metrics();
  const { log, index } = indexed(openMemory());
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
    const { log, index } = indexed(openMemory());
    const failing = replaced(log, { append: () => Promise.reject(new Error("disk full")) });
    const service = await openTestService({ store: meteredStore(failing, metrics), index });
    await expect(logMessages(service, 3)).rejects.toThrow();
    const found = await samples(metrics);
    expect(found['auditql_events_logged_total{log="default"}']).toBeUndefined();
    expect(found['auditql_append_duration_seconds_count{outcome="error"}']).toBe(1);
  });
});

describe("a metered cache", () => {
  test("is stale while it does not remember the newest root", async () => {
    const metrics = new Metrics();
    let isRemembering = false;
    const { log: store, index } = indexed(openMemory());
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

describe("the lag of an index", () => {
  test("is the entries whose segments it has still to store", async () => {
    const { log, index, service } = await measured();
    await logMessages(service, 7);
    expect(await indexLag(log, index)).toEqual(new Map([["default", 0]]));
    await fill(service, 9_000);
    const behind = replaced(index, { indexedSize: () => Promise.resolve(4_096) });
    expect(await indexLag(log, behind)).toEqual(new Map([["default", 4_096]]));
  });

  test("is left out of the metrics when the store does not answer", async () => {
    const metrics = new Metrics();
    metrics.watchIndexLag(() => Promise.reject(new Error("away")));
    expect(Object.keys(await samples(metrics)).filter((name) => name.startsWith("auditql_index_lag"))).toEqual([]);
  });
});

test("how far a log's newest entry is ahead of the clock is told for each log", async () => {
  const { metrics, log, service } = await measured();
  const { root } = await logMessages(service, 1);
  const behind = (ms: number) => clockBehind(log, () => (Date.parse(root.publishedAt) - ms) * 1_000);
  expect(await behind(90_000)).toEqual(new Map([["default", 90]]));
  expect(await behind(-90_000)).toEqual(new Map([["default", 0]]));
  metrics.watchClockBehind(() => behind(90_000));
  expect(await samples(metrics)).toMatchObject({ 'auditql_clock_behind_seconds{log="default"}': 90 });
});
