import { SpanStatusCode, type Span } from "@opentelemetry/api";
import type { Logger } from "pino";
import { ERRORS, type ErrorCode } from "../../graphql/error-table.js";
import type { OperationObserver, ResolvedOperation } from "../../graphql/operation-observer.js";
import { shortName } from "../../operations/bounded-names.js";
import type { Metrics } from "../../operations/metrics.js";

/** Where it is recorded how an operation fared. */
export interface Records {
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Whom the operation was for. */
export interface Asked {
  readonly credential: string;
  readonly requestId: string;
  /** That of the caller. The operation's own, which is told where there is one, may be another. */
  readonly traceId: string | undefined;
}

/** One operation in the metrics, in the log, and in its span: its name, never its variables or its answer. */
export class OperationRecord implements OperationObserver {
  readonly #startedAt = performance.now();
  #operation: ResolvedOperation | undefined;
  #isAnswered = false;
  #span: Span | undefined;

  constructor(
    private readonly records: Records,
    private readonly asked: Asked,
  ) {}

  /** False: nothing was recorded, for what was sent was no operation. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** The span that the operation is executed in. */
  within(span: Span): void {
    this.#span = span;
  }

  resolved(operation: ResolvedOperation): void {
    this.#operation = operation;
    // A name that clients choose is an attribute: spans are grouped by their names.
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

/** Whether the gateway is to blame, as HTTP's 5xx say. */
function isFault(code: string): boolean {
  return code in ERRORS && ERRORS[code as ErrorCode].status >= 500;
}
