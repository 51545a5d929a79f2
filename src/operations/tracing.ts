import {
  context,
  isSpanContextValid,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type SpanOptions,
  type Tracer,
} from "@opentelemetry/api";
import { AuditError } from "../audit/errors.js";
import { wrapped } from "../audit/calls.js";

const NAME = "auditql";

const PROBE = createContextKey("auditql");

/** The tracer of the SDK that the process was started with. Undefined without one, so that spans cost nothing. */
export function registeredTracer(): Tracer | undefined {
  // The API does not say whether an SDK is present, but only an SDK keeps a context while a task runs.
  const isKept = () => context.active().getValue(PROBE) === true;
  return context.with(ROOT_CONTEXT.setValue(PROBE, true), isKept) ? trace.getTracer(NAME) : undefined;
}

/** The trace context of a request: that of the span that it is served in, if there is one, else of its caller's headers. */
export function incomingContext(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Context {
  const active = context.active();
  return trace.getSpan(active) === undefined ? propagation.extract(active, headers) : active;
}

/** The trace of the span that this code runs in. Undefined without an SDK. */
export function activeTraceId(): string | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  return span !== undefined && isSpanContextValid(span) ? span.traceId : undefined;
}

export interface SpanPlace {
  readonly tracer: Tracer;
  readonly name: string;
  readonly options?: SpanOptions;
  /** Default: the active one. */
  readonly parent?: Context;
}

/** Runs a task inside its own span, and ends the span with it. */
export function inSpan<T>(
  { tracer, name, options = {}, parent = context.active() }: SpanPlace,
  task: (span: Span) => Promise<T>,
): Promise<T> {
  return tracer.startActiveSpan(name, options, parent, async (span) => {
    try {
      return await task(span);
    } catch (error) {
      // An error's message may quote an event; its code does not.
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute("error.type", error instanceof AuditError ? error.code : "unexpected");
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Batches carry the events of many requests, so the work on one belongs to no request's trace. */
const ROOT_SPANS: ReadonlySet<string> = new Set(["store.append", "store.turn"]);

/** The port, with each call in a span `<family>.<method>` that reveals nothing about the call's arguments. */
export function traced<T extends object>(port: T, family: string, tracer = registeredTracer()): T {
  if (tracer === undefined) return port;
  return wrapped(port, (method, call) => {
    const name = `${family}.${method}`;
    const place = { tracer, name, options: { root: ROOT_SPANS.has(name) } };
    return (...args) => inSpan(place, () => Promise.resolve(call(...args)));
  });
}
