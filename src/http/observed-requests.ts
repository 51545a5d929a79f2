import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Histogram,
  type Span,
} from "@opentelemetry/api";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { registeredMeter } from "../operations/otel-metrics.js";
import { incomingContext, registeredTracer } from "../operations/tracing.js";
import { isStream } from "./answer.js";

/** The bounds that the conventions advise, in seconds. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"]);

interface Observed {
  readonly startedAt: number;
  readonly attributes: Attributes;
  readonly span: Span | undefined;
}

/**
 * Each request in a span and in `http.server.request.duration`, by OpenTelemetry's conventions for HTTP servers 1.23: where an
 * SDK is registered that has not instrumented Node's HTTP server itself. Streams are left out, for one that is open for days
 * would be seen by nobody until it ends; their operations have spans.
 */
export function observeRequests(app: FastifyInstance): void {
  const [tracer, meter] = [registeredTracer(), registeredMeter()];
  if (tracer === undefined && meter === undefined) return;
  const advice = { explicitBucketBoundaries: SECONDS };
  const duration = meter?.createHistogram("http.server.request.duration", {
    ...{ description: "Duration of HTTP server requests.", unit: "s", advice },
  });
  const observed = new WeakMap<FastifyRequest, Observed>();
  app.addHook("onRequest", (request, _reply, done) => {
    if (isStream(request.raw) || trace.getActiveSpan() !== undefined) {
      done();
      return;
    }
    const attributes = attributesOf(request);
    const options = { kind: SpanKind.SERVER, attributes: { ...attributes, ...detailOf(request) } };
    const parent = incomingContext(request.headers);
    const span = tracer?.startSpan(nameOf(attributes), options, parent);
    observed.set(request, { startedAt: performance.now(), attributes, span });
    if (span === undefined) done();
    else context.with(trace.setSpan(parent, span), done);
  });
  const ended = (request: FastifyRequest, reply: FastifyReply): void => {
    const found = observed.get(request);
    if (found === undefined) return;
    observed.delete(request);
    end(found, reply.statusCode, duration);
  };
  app.addHook("onResponse", (request, reply, done) => {
    ended(request, reply);
    done();
  });
  app.addHook("onRequestAbort", (request, done) => {
    const found = observed.get(request);
    found?.span?.end();
    observed.delete(request);
    done();
  });
}

function end({ startedAt, attributes, span }: Observed, status: number, duration: Histogram | undefined): void {
  const outcome = {
    "http.response.status_code": status,
    // A client's mistake is not an error of the server's span.
    ...(status >= 500 && { "error.type": String(status) }),
  };
  span?.setAttributes(outcome);
  if (status >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
  span?.end();
  duration?.record((performance.now() - startedAt) / 1_000, { ...attributes, ...outcome });
}

/** Attributes that name a request, with few different values. */
function attributesOf({ method, protocol, routeOptions: { url: route } }: FastifyRequest): Attributes {
  return {
    "http.request.method": METHODS.has(method) ? method : "_OTHER",
    "url.scheme": protocol,
    ...(route !== undefined && { "http.route": route }),
  };
}

/** Further attributes, without anything from a link or a query: both may be secret. */
function detailOf({ ip, raw, routeOptions: { url: route } }: FastifyRequest): Attributes {
  return {
    "client.address": ip,
    "network.protocol.version": raw.httpVersion,
    ...(route !== undefined && !route.includes("*") && !route.includes(":") && { "url.path": route }),
  };
}

function nameOf({ "http.request.method": method, "http.route": route }: Attributes): string {
  const known = method === "_OTHER" ? "HTTP" : String(method);
  return route === undefined ? known : `${known} ${String(route)}`;
}
