import {
  context,
  ROOT_CONTEXT,
  trace,
  type Context,
  type ContextManager,
  type Span,
  type SpanKind,
  type SpanOptions,
  type TextMapPropagator,
  type Tracer,
} from "@opentelemetry/api";
import { AsyncLocalStorage } from "node:async_hooks";

export interface RecordedSpan {
  name: string;
  readonly parent: string | undefined;
  readonly traceId: string;
  readonly spanId: string;
  readonly kind: SpanKind | undefined;
  readonly attributes: Record<string, unknown>;
  isEnded: boolean;
}

/** Of every RecordingTracer, as they were started. */
export const spans: RecordedSpan[] = [];

/** As much of an SDK as shows names, parents and attributes. */
export class RecordingTracer implements Tracer {
  startSpan(name: string, options: SpanOptions = {}, parentContext: Context = context.active()): Span {
    const parent = options.root === true ? undefined : trace.getSpanContext(parentContext);
    const traceId = parent?.traceId ?? spans.length.toString(16).padStart(32, "1");
    // Zero would be no id.
    const spanId = (spans.length + 1).toString(16).padStart(16, "0");
    const record: RecordedSpan = {
      ...{ name, traceId, spanId },
      parent: parent && (spans[Number.parseInt(parent.spanId, 16) - 1]?.name ?? "elsewhere"),
      kind: options.kind,
      attributes: { ...options.attributes },
      isEnded: false,
    };
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

/** Keeps the context over asynchronous calls, as an SDK does. */
export class LocalContexts implements ContextManager {
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
export const traceparent: TextMapPropagator = {
  inject: () => undefined,
  extract(parent, carrier, getter) {
    const [, traceId = "", spanId = ""] = String(getter.get(carrier, "traceparent")).split("-");
    return traceId === "" ? parent : trace.setSpanContext(parent, { traceId, spanId, traceFlags: 1, isRemote: true });
  },
  fields: () => ["traceparent"],
};
