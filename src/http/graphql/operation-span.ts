import type { IncomingHttpHeaders } from "node:http";
import { SpanKind, type Tracer } from "@opentelemetry/api";
import { incomingContext, inSpan } from "../../operations/tracing.js";
import type { OperationRecord } from "./operation-record.js";

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
