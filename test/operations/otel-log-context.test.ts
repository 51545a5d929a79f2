import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { context, propagation, trace } from "@opentelemetry/api";
import { logs } from "@opentelemetry/api-logs";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { pino } from "pino";
import { alsoToSdk } from "../../src/operations/otel-logs.js";
import { eventually } from "../caches/redis-server.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { LocalContexts, RecordingTracer, spans, traceparent } from "./recording-tracer.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const headers = { "content-type": "application/json", traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
const exporter = new InMemoryLogRecordExporter();
let gateway: TestGateway;

beforeAll(async () => {
  context.setGlobalContextManager(new LocalContexts());
  propagation.setGlobalPropagator(traceparent);
  trace.setGlobalTracerProvider({ getTracer: () => new RecordingTracer() });
  logs.setGlobalLoggerProvider(new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }));
  const logger = pino({ level: "info" }, alsoToSdk({ write: () => undefined }));
  gateway = await testGateway(await openTestService(), { logger });
});

beforeEach(() => {
  spans.length = 0;
  exporter.reset();
});

afterAll(async () => {
  await gateway.close();
  for (const api of [logs, trace, propagation, context]) api.disable();
});

/** The context of the only log record, when the request is over, and the span that has this name. */
async function recordAnd(name: string) {
  await eventually(() => Promise.resolve(exporter.getFinishedLogRecords().length > 0));
  const [record, ...others] = exporter.getFinishedLogRecords();
  expect(others).toEqual([]);
  return { record, span: spans.find((span) => span.name === name) };
}

async function post(body: object, more: object = {}): Promise<number> {
  const request = { method: "POST", headers: { ...headers, ...more }, body: JSON.stringify(body) };
  const response = await fetch(`${gateway.url}/graphql`, request);
  await response.text();
  return response.status;
}

test("an operation's log record is in its span, in the trace of its request", async () => {
  expect(await post({ query: "query Alive { __typename }" })).toBe(200);
  const { record, span } = await recordAnd("query");
  expect(record).toMatchObject({ body: "operation", attributes: { operation: "Alive", traceId: TRACE } });
  expect(record?.spanContext).toMatchObject({ traceId: TRACE, spanId: span?.spanId });
});

test("a refused request's log record is in the span of the request, in its trace", async () => {
  expect(await post({ query: "{ __typename }" }, { "content-type": "text/plain" })).toBe(415);
  const { record, span } = await recordAnd("POST /graphql");
  expect(record).toMatchObject({ body: "refused", attributes: { code: "UNSUPPORTED_MEDIA_TYPE", traceId: TRACE } });
  expect(record?.spanContext).toMatchObject({ traceId: TRACE, spanId: span?.spanId });
});

test("a request that names no trace has a log record in the trace that its spans are in", async () => {
  await gateway.text('mutation { log(event: { message: "in" }) { root { treeSize } } }');
  const { record, span } = await recordAnd("mutation");
  expect(span?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(record?.spanContext).toMatchObject({ traceId: span?.traceId, spanId: span?.spanId });
  expect(record?.attributes).toMatchObject({ traceId: span?.traceId });
});
