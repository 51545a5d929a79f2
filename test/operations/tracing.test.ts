import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import {
  context,
  propagation,
  ROOT_CONTEXT,
  trace,
  type Context,
  type ContextManager,
  SpanKind,
  type Span,
  type SpanOptions,
  type TextMapPropagator,
  type Tracer,
} from "@opentelemetry/api";
import { AsyncLocalStorage } from "node:async_hooks";
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

interface RecordedSpan {
  name: string;
  readonly parent: string | undefined;
  readonly traceId: string;
  readonly kind: SpanKind | undefined;
  readonly attributes: Record<string, unknown>;
  isEnded: boolean;
}

const SECRET = "hunter2";
const spans: RecordedSpan[] = [];

/** As much of an SDK as shows names, parents and attributes. */
class RecordingTracer implements Tracer {
  startSpan(name: string, options: SpanOptions = {}, parentContext: Context = context.active()): Span {
    const parent = options.root === true ? undefined : trace.getSpanContext(parentContext);
    const traceId = parent?.traceId ?? spans.length.toString(16).padStart(32, "1");
    const record: RecordedSpan = {
      name,
      traceId,
      parent: parent && (spans[Number.parseInt(parent.spanId, 16)]?.name ?? "elsewhere"),
      kind: options.kind,
      attributes: { ...options.attributes },
      isEnded: false,
    };
    const spanId = spans.length.toString(16).padStart(16, "0");
    spans.push(record);
    return recordingSpan(record, { traceId, spanId, traceFlags: 1 });
  }

  startActiveSpan<Task extends (span: Span) => unknown>(name: string, ...rest: readonly unknown[]): ReturnType<Task> {
    const [options, parent, task] = rest as [SpanOptions, Context, Task];
    const span = this.startSpan(name, options, parent);
    return context.with(trace.setSpan(parent, span), () => task(span)) as ReturnType<Task>;
  }
}

function recordingSpan(record: RecordedSpan, spanContext: ReturnType<Span["spanContext"]>): Span {
  const span: Span = {
    spanContext: () => spanContext,
    updateName: (name) => ((record.name = name), span),
    setAttribute: (key, value) => ((record.attributes[key] = value), span),
    setAttributes: (attributes) => (Object.assign(record.attributes, attributes), span),
    setStatus: (status) => ((record.attributes["status"] = status), span),
    addEvent: (name) => ((record.attributes["event"] = name), span),
    addLink: () => span,
    addLinks: () => span,
    recordException: (error) => ((record.attributes["exception"] = error), span),
    isRecording: () => true,
    end: () => {
      record.isEnded = true;
    },
  };
  return span;
}

class LocalContexts implements ContextManager {
  readonly #contexts = new AsyncLocalStorage<Context>();
  /** What code runs in that nobody gave a context, as in a server that an SDK has instrumented. */
  around = ROOT_CONTEXT;
  active = () => this.#contexts.getStore() ?? this.around;
  with: ContextManager["with"] = (inner, task, ...rest) => {
    const [self, ...args] = rest;
    return this.#contexts.run(inner, () => Reflect.apply(task, self, args));
  };
  bind: ContextManager["bind"] = (_context, target) => target;
  enable = () => this;
  disable = () => this;
}

/** The header of the W3C's Trace Context. */
const traceparent: TextMapPropagator = {
  inject: () => undefined,
  extract(parent, carrier, getter) {
    const [, traceId = "", spanId = ""] = String(getter.get(carrier, "traceparent")).split("-");
    return traceId === "" ? parent : trace.setSpanContext(parent, { traceId, spanId, traceFlags: 1, isRemote: true });
  },
  fields: () => ["traceparent"],
};

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
    expect(spans).toMatchObject([
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
    expect(spans.map(({ attributes }) => attributes["error.type"])).toEqual([undefined, undefined]);
  });

  test("says by its code what a client did wrong, which is no error of the server's", async () => {
    await gateway.text("query { nothing }");
    const [, operation] = spans;
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
    expect(spans.map(({ name }) => name)).toEqual(["GET /downloads/*", "HTTP"]);
    expect(spans[0]?.attributes["http.response.status_code"]).toBe(404);
    expect(JSON.stringify(spans)).not.toContain(SECRET);
  });

  test("adds no span for HTTP where the server itself is instrumented, and puts the operation under that one", async () => {
    const outer = new RecordingTracer().startSpan("instrumented");
    contexts.around = trace.setSpan(ROOT_CONTEXT, outer);
    await gateway.text("query Alive { __typename }");
    contexts.around = ROOT_CONTEXT;
    expect(spans.map(({ name, parent }) => [name, parent])).toEqual([
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
    expect(spans).toMatchObject([
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
