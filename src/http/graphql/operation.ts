import type { ServerResponse, IncomingHttpHeaders } from "node:http";
import { SpanStatusCode, SpanKind, type Span, type Tracer } from "@opentelemetry/api";
import type { Logger } from "pino";
import { replaced, wrapped, type Call } from "../../audit/calls.js";
import { AuditError, withOutcome } from "../../audit/errors.js";
import type { AuditService, LogRequest } from "../../audit/service.js";
import { ERRORS, type ErrorCode } from "../../graphql/error-table.js";
import type { OperationObserver, ResolvedOperation } from "../../graphql/operation-observer.js";
import { shortName } from "../../operations/bounded-names.js";
import type { Metrics } from "../../operations/metrics.js";
import { incomingContext, inSpan } from "../../operations/tracing.js";

/** Where the outcome of an operation is recorded. */
export interface Records {
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** The caller of the operation. */
export interface Asked {
  readonly credential: string;
  readonly requestId: string;
  /** The caller's trace. The operation's own span, reported if there is one, may have another. */
  readonly traceId: string | undefined;
}

/** One operation in the metrics, in the log and in its span: its name, never its variables or its result. */
export class OperationRecord implements OperationObserver {
  readonly #startedAt = performance.now();
  #operation: ResolvedOperation | undefined;
  #isAnswered = false;
  #span: Span | undefined;

  constructor(
    private readonly records: Records,
    private readonly asked: Asked,
  ) {}

  /** False: nothing was recorded, because the request was not an operation. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** The span that the operation is executed in. */
  within(span: Span): void {
    this.#span = span;
  }

  resolved(operation: ResolvedOperation): void {
    this.#operation = operation;
    // A name chosen by a client is an attribute, because spans are grouped by their names.
    this.#span?.updateName(operation.type);
  }

  /** The stream of a subscription begins. */
  begun(): void {
    this.#outcome("OK");
  }

  answered(code: string, hash: string | undefined, events?: number): void {
    this.#isAnswered = true;
    const { name, type = "unknown" } = this.#operation ?? {};
    const ms = performance.now() - this.#startedAt;
    const { metrics, logger } = this.records;
    metrics.operation({ name, type, code, ms });
    const what = { ...(name === undefined ? { hash } : { operation: shortName(name) }), type, code };
    const howMuch = { ms: Math.round(1_000 * ms) / 1_000, ...(events !== undefined && { events }) };
    const traceId = this.#span?.spanContext().traceId ?? this.asked.traceId;
    logger.info({ ...what, ...howMuch, ...this.asked, traceId }, "operation");
    this.#outcome(code);
  }

  #outcome(code: string): void {
    const { type, name } = this.#operation ?? {};
    this.#span?.setAttributes({
      ...(type !== undefined && { "graphql.operation.type": type }),
      ...(name !== undefined && { "graphql.operation.name": shortName(name) }),
      ...(code !== "OK" && { "error.type": code }),
    });
    if (isFault(code)) this.#span?.setStatus({ code: SpanStatusCode.ERROR });
  }
}

/** Whether the gateway is at fault, as HTTP's 5xx codes say. */
function isFault(code: string): boolean {
  return code in ERRORS && ERRORS[code as ErrorCode].status >= 500;
}

/** The position of `asking` in each call that a request makes. A tail is not listed: it has its own signal. */
const ASKING_PLACE: Readonly<Record<string, number>> = {
  ...{ identity: 1, append: 1, appendLater: 1, bulkRequest: 1, download: 1, membershipProofs: 1, checkpointVerdict: 1 },
  ...{ membershipVerdicts: 1, consistencyProof: 1, completeness: 1, indexRecords: 1 },
  ...{ indexRoot: 2, search: 2, results: 2, entries: 2, entryByHash: 2, root: 2, consistency: 2 },
} satisfies Record<Exclude<keyof AuditService, "tail" | "close">, number>;

/**
 * The audit service for one request that may be interrupted, by its deadline or by its client's leaving: from then on
 * no call goes on to the service, and what waits for one is rejected with UNAVAILABLE. Searches and reads of entries are
 * stopped down to the engine. What an append has begun is not undone: an interrupted one says that nobody knows its outcome.
 * The signal aborts with an AuditError as its reason.
 */
export function interruptible(service: AuditService, signal: AbortSignal): AuditService {
  const interruption = rejectionBy(signal);
  let hasLogged = false;

  const run = async (call: Call, args: readonly unknown[]): Promise<unknown> => {
    try {
      signal.throwIfAborted();
      return await Promise.race([call(...args), interruption]);
    } catch (error) {
      const isLate = error === signal.reason && hasLogged;
      throw isLate ? interrupted(signal, "what this request logged before is logged") : error;
    }
  };

  const write = async <T>(request: LogRequest, call: () => Promise<T>): Promise<T> => {
    if (signal.aborted) throw withOutcome(interrupted(signal, "nothing was logged here"), "NONE");
    try {
      const answer = await Promise.race([call(), interruption]);
      hasLogged = true;
      return answer;
    } catch (error) {
      throw error === signal.reason ? withOutcome(interrupted(signal, doubt(request)), "UNKNOWN") : error;
    }
  };

  const interrupting = wrapped(service, (method, call) => {
    const place = ASKING_PLACE[method];
    if (place === undefined) return call;
    return (...args) => {
      const asking = { ...Object.assign({}, args[place]), signal };
      return run(call, [...Array.from({ length: place }, (_, i) => args[i]), asking]);
    };
  });
  return replaced(interrupting, {
    append: (request, asking) => write(request, () => service.append(request, { ...asking, signal })),
    appendLater: (request, asking) => write(request, () => service.appendLater(request, { ...asking, signal })),
  });
}

/** Rejects when the signal aborts, whether or not anyone waits for it. */
function rejectionBy(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) => {
    const stop = () => {
      reject(reasonOf(signal));
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  promise.catch(ignore);
  return promise;
}

function ignore(): void {
  // the caller is told
}

function reasonOf({ reason }: AbortSignal): AuditError {
  return reason instanceof AuditError ? reason : new AuditError("UNAVAILABLE", "the request was stopped");
}

function interrupted(signal: AbortSignal, consequence: string): AuditError {
  const { message, retryAfterMs } = reasonOf(signal);
  return new AuditError("UNAVAILABLE", `${message}; ${consequence}`, { retryAfterMs });
}

function doubt({ events, idempotencyKey }: LogRequest): string {
  const what = events.length === 1 ? "whether the event was logged" : "whether the events were logged";
  const advice = idempotencyKey === undefined ? "search for it before you repeat it" : "repeat it with the same key";
  return `${what} is not known: ${advice}`;
}

const RETRY_AFTER_MS = 1_000;

/** Aborts, with an AuditError as its reason, when the answer takes too long or its client no longer waits for it. */
export function lifetime(response: ServerResponse, timeoutMs: number): AbortSignal {
  const { signal, end, leave } = deadline(timeoutMs);
  response.once("close", () => {
    end();
    if (!response.writableFinished) leave();
  });
  return signal;
}

interface StreamLifetime {
  readonly signal: AbortSignal;
  readonly end: () => void;
}

/** The same for a result on a stream, whose client stops waiting when the stream ends. Call `end` when it is done. */
export function streamLifetime(stream: AbortSignal, timeoutMs: number): StreamLifetime {
  const { signal, end, leave } = deadline(timeoutMs);
  if (stream.aborted) leave();
  stream.addEventListener("abort", leave, { once: true });
  return { signal, end };
}

function deadline(timeoutMs: number) {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const message = `the request took longer than ${timeoutMs} ms and was stopped`;
    controller.abort(new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS }));
  }, timeoutMs);
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
    },
    leave: () => {
      controller.abort(new AuditError("UNAVAILABLE", "the client has gone away"));
    },
  };
}

export interface Traced {
  readonly headers: IncomingHttpHeaders;
  readonly operation: OperationRecord;
}

/** Runs an operation in its span, by OpenTelemetry's conventions for GraphQL servers, which continues the caller's trace, if its headers name one. */
export function inOperationSpan<T>(tracer: Tracer, { headers, operation }: Traced, task: () => Promise<T>): Promise<T> {
  const options = { kind: SpanKind.SERVER };
  return inSpan({ tracer, name: "GraphQL Operation", options, parent: incomingContext(headers) }, (span) => {
    operation.within(span);
    return task();
  });
}
