import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { context, propagation, ROOT_CONTEXT, trace, SpanKind } from "@opentelemetry/api";
import { MemoryRootCache } from "../../src/caches/memory/root-cache.js";
import { MAX_TEXT_CHARACTERS } from "../../src/core/event-rules.js";
import { instrumented } from "../../src/operations/instruments.js";
import { Metrics } from "../../src/operations/metrics.js";
import { traced } from "../../src/operations/tracing.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openMemory } from "../../src/stores/memory/open.js";
import { eventually } from "../caches/redis-server.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { KEYRING } from "../keyring.js";
import { LocalContexts, RecordingTracer, spans, traceparent } from "./recording-tracer.js";

const SECRET = "hunter2";

describe("a gateway in a process with a tracer", () => {
  const contexts = new LocalContexts();
  let gateway: TestGateway;

  beforeAll(async () => {
    context.setGlobalContextManager(contexts);
    propagation.setGlobalPropagator(traceparent);
    trace.setGlobalTracerProvider({ getTracer: () => new RecordingTracer() });
    const { log, index } = indexed(openMemory(), KEYRING);
    const engines = instrumented({ store: log, index, cache: new MemoryRootCache() }, new Metrics());
    gateway = await testGateway(traced(await openTestService(engines), "audit"));
  });

  afterEach(() => {
    spans.length = 0;
  });

  afterAll(async () => {
    await gateway.close();
    trace.disable();
    propagation.disable();
    context.disable();
  });

  /** Without the looks at the store that a gateway takes each second, with or without requests. */
  const requested = () => spans.filter(({ name }) => name !== "store.heads");
  const parents = () => Object.fromEntries(spans.map(({ name, parent }) => [name, parent]));

  test("puts what the audit service does for an operation under the operation's span", async () => {
    await gateway.text('mutation Login { log(event: { message: "in" }) { root { treeSize } } }');
    const query = 'query Find { search(query: "in", first: 1) { edges { membershipProof { leafIndex } } } }';
    const { errors } = await gateway.text(query);
    expect(errors).toBeUndefined();
    expect(parents()).toMatchObject({
      "POST /graphql": undefined,
      mutation: "POST /graphql",
      "audit.append": "mutation",
      query: "POST /graphql",
      "audit.search": "query",
      "index.page": "audit.search",
      "audit.membershipProofs": "query",
    });
    await eventually(() => Promise.resolve(spans.every(({ isEnded }) => isEnded)));
  });

  test("names what it does as the conventions for GraphQL and HTTP have it", async () => {
    await gateway.text("query Alive { __typename }");
    await eventually(() => Promise.resolve(spans.every(({ isEnded }) => isEnded)));
    expect(requested()).toMatchObject([
      {
        ...{ name: "POST /graphql", kind: SpanKind.SERVER },
        attributes: {
          ...{ "http.request.method": "POST", "http.route": "/graphql", "http.response.status_code": 200 },
          ...{ "url.scheme": "http", "url.path": "/graphql", "client.address": "127.0.0.1" },
        },
      },
      {
        ...{ name: "query", kind: SpanKind.SERVER },
        attributes: { "graphql.operation.type": "query", "graphql.operation.name": "Alive" },
      },
    ]);
    expect(requested().map(({ attributes }) => attributes["error.type"])).toEqual([undefined, undefined]);
  });

  test("says by its code what a client did wrong, which is no error of the server's", async () => {
    await gateway.text("query { nothing }");
    const [, operation] = requested();
    expect(operation).toMatchObject({
      name: "GraphQL Operation",
      attributes: { "error.type": "GRAPHQL_VALIDATION_FAILED" },
    });
    expect(operation?.attributes).not.toHaveProperty("status");
  });

  test("says of a link or a page that is not there no more than its route", async () => {
    await (await fetch(`${gateway.url}/downloads/${SECRET}?${SECRET}`)).text();
    await (await fetch(`${gateway.url}/${SECRET}`, { method: "PROPFIND" })).text();
    await eventually(() => Promise.resolve(spans.every(({ isEnded }) => isEnded)));
    expect(requested().map(({ name }) => name)).toEqual(["GET /downloads/*", "HTTP"]);
    expect(requested()[0]?.attributes["http.response.status_code"]).toBe(404);
    expect(JSON.stringify(spans)).not.toContain(SECRET);
  });

  test("adds no span for HTTP where the server itself is instrumented, and puts the operation under that one", async () => {
    const outer = new RecordingTracer().startSpan("instrumented");
    contexts.around = trace.setSpan(ROOT_CONTEXT, outer);
    await gateway.text("query Alive { __typename }");
    contexts.around = ROOT_CONTEXT;
    expect(requested().map(({ name, parent }) => [name, parent])).toEqual([
      ["instrumented", undefined],
      ["query", "instrumented"],
    ]);
  });

  test("gives a batch a trace of its own, for it carries the events of many operations", async () => {
    await gateway.text('mutation { log(event: { message: "in" }) { root { treeSize } } }');
    expect(parents()).toMatchObject({ mutation: "POST /graphql", "store.append": undefined });
  });

  test("continues the trace that a request's headers name", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
      body: '{"query":"query Alive { __typename }"}',
    });
    expect(requested()).toMatchObject([
      { name: "POST /graphql", traceId, parent: "elsewhere" },
      { name: "query", traceId, parent: "POST /graphql" },
    ]);
  });

  test("ends the span of a subscription when its stream begins", async () => {
    const abort = new AbortController();
    const response = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: '{"query":"subscription Follow { entryLogged { leafIndex } }"}',
      signal: abort.signal,
    });
    expect(response.status).toBe(200);
    const attributes = { "graphql.operation.type": "subscription", "graphql.operation.name": "Follow" };
    expect(spans.find(({ name }) => name === "subscription")).toMatchObject({ isEnded: true, attributes });
    expect(parents()).toMatchObject({ subscription: undefined, "audit.tail": "subscription" });
    abort.abort();
  });

  test("says that a call failed by its code, and nothing of any event", async () => {
    await gateway.text(
      `mutation { log(event: { message: "${SECRET}", timestampp: "${SECRET}" }) { root { treeSize } } }`,
    );
    await gateway.text(`mutation($e: AuditEventInput!) { log(event: $e) { root { treeSize } } }`, {
      e: { message: SECRET, actor: SECRET.repeat(MAX_TEXT_CHARACTERS) },
    });
    await gateway.text(`{ search(query: "${SECRET} (", first: 1) { totalCount } }`);
    const failed = spans.filter(({ name }) => name === "audit.append" || name === "audit.search");
    expect(failed.map(({ attributes }) => attributes["error.type"])).toEqual(["BAD_USER_INPUT", "BAD_USER_INPUT"]);
    expect(JSON.stringify(spans)).not.toContain(SECRET);
  });
});

test("without a tracer a port stays itself, so that nothing is spent on spans", () => {
  const port = { read: () => Promise.resolve(1) };
  expect(traced(port, "store")).toBe(port);
});
