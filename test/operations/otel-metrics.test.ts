import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { metrics as api } from "@opentelemetry/api";
import { DataPointType, MeterProvider, MetricReader, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import { countedAlarms } from "../../src/operations/counted-alarms.js";
import { instrumented } from "../../src/operations/instruments.js";
import { Metrics } from "../../src/operations/metrics.js";
import { registeredMeter } from "../../src/operations/otel-metrics.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openMemory } from "../../src/stores/memory/open.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { samples } from "./samples.js";
import { KEYRING } from "../keyring.js";

class Reader extends MetricReader {
  protected onShutdown = () => Promise.resolve();
  protected onForceFlush = () => Promise.resolve();
}

const reader = new Reader();
let gateway: TestGateway;
let metrics: Metrics;

beforeAll(async () => {
  expect(registeredMeter()).toBeUndefined();
  api.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  metrics = new Metrics();
  metrics.knowLogs(["default"]);
  const { log, index } = indexed(openMemory(), KEYRING);
  const engines = instrumented({ store: log, index, cache: new MemoryRootCache() }, metrics);
  gateway = await testGateway(countedAlarms(await openTestService(engines), metrics), { metrics });
});

afterAll(async () => {
  await gateway.close();
  api.disable();
});

/** By name: the unit, and each point as its labels and its value, or count and sum. */
function read({ scopeMetrics }: ResourceMetrics) {
  return Object.fromEntries(
    scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .map(({ descriptor, dataPointType, dataPoints }) => [
        descriptor.name,
        {
          unit: descriptor.unit,
          points: dataPoints.map(({ attributes, value }) => ({
            ...attributes,
            value: dataPointType === DataPointType.HISTOGRAM ? (value as { count: number }).count : value,
          })),
        },
      ]),
  );
}

test("an SDK gets what Prometheus gets, by the conventions' names", async () => {
  await gateway.text('mutation Login { log(event: { message: "in" }) { root { treeSize } } }');
  await (await fetch(`${gateway.url}/nothing`)).text();
  const found = read((await reader.collect()).resourceMetrics);
  expect(found).toMatchObject({
    "auditql.operation.duration": {
      unit: "s",
      points: [{ operation: "Login", type: "mutation", code: "OK", value: 1 }],
    },
    "auditql.append.duration": { unit: "s", points: [{ outcome: "appended", value: 1 }] },
    "auditql.batch.events": { points: [{ value: 1 }] },
    "auditql.events.logged": { points: [{ log: "default", value: 1 }] },
    "auditql.log.entries": { points: [{ log: "default", value: 1 }] },
    "auditql.root.age": { unit: "s", points: [{ log: "default" }] },
    "auditql.root.cache.up": { points: [{ value: 1 }] },
    "auditql.refused.requests": { points: expect.arrayContaining([{ entrance: "page", code: "NOT_FOUND", value: 1 }]) },
    "auditql.alarms": { points: expect.arrayContaining([{ code: "LOG_CORRUPT", value: 0 }]) },
  });
});

test("has the duration of each request by the conventions for HTTP servers", async () => {
  await (await fetch(`${gateway.url}/healthz`)).text();
  const { "http.server.request.duration": found } = read((await reader.collect()).resourceMetrics);
  expect(found).toMatchObject({
    unit: "s",
    points: expect.arrayContaining([
      {
        ...{ "http.request.method": "GET", "http.route": "/healthz", "url.scheme": "http" },
        ...{ "http.response.status_code": 200, value: 1 },
      },
    ]),
  });
});

test("nothing that Prometheus gets of ours is kept from an SDK", async () => {
  const ours = Object.keys(await samples(metrics)).flatMap((key) => /^auditql_\w+/.exec(key)?.[0] ?? []);
  const names = new Set(ours.map((name) => name.replace(/_(bucket|sum|count)$/, "").replace(/_(seconds|total)$/, "")));
  const told = Object.keys(read((await reader.collect()).resourceMetrics)).map((name) => name.replaceAll(".", "_"));
  expect(names.size).toBeGreaterThan(15);
  expect([...names].filter((name) => !told.includes(name))).toEqual([]);
});
