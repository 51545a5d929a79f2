import type { IncomingHttpHeaders } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import type { ApolloServer, HTTPGraphQLRequest, HTTPGraphQLResponse } from "@apollo/server";
import { mayIntrospect, type IntrospectionPolicy } from "../../audit/principal.js";
import type { MakeLink } from "../../audit/download-link.js";
import { auditContext, type AuditContext } from "../../graphql/context.js";
import { registeredTracer } from "../../operations/tracing.js";
import { traceIdOf, type Caller } from "../admission.js";
import { interruptible } from "../interruptible-service.js";
import type { Refusals } from "../refusal.js";
import { OperationRecord, type Records } from "./operation-record.js";
import { inOperationSpan } from "./operation-span.js";

export interface ExecutionOptions extends Records {
  readonly apollo: ApolloServer<AuditContext>;
  readonly downloadLinks: (caller: Caller) => MakeLink;
  readonly introspection: IntrospectionPolicy;
  readonly refusals: Refusals;
}

/** An operation that has one result. */
export interface Execution {
  readonly caller: Caller;
  readonly httpGraphQLRequest: HTTPGraphQLRequest;
  /** Of the request, or of the handshake of its WebSocket: they may name a trace. */
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  /** The client's IP address. */
  readonly address: string;
  /** The bytes that it was sent in. */
  readonly bodyBytes: number;
  /** Aborts, with an AuditError as its reason, when nobody waits for the result any more. */
  readonly signal: AbortSignal;
}

export type Execute = (execution: Execution) => Promise<HTTPGraphQLResponse>;

/** To parse so much JSON takes milliseconds: others have their turn before it is executed. */
const LONG_BODY_BYTES = 64 * 1_024;

/** The one way that queries and mutations are executed and recorded, whatever they came over. */
export function execution(options: ExecutionOptions): Execute {
  const { apollo, downloadLinks, introspection, refusals } = options;
  const tracer = registeredTracer();
  return async ({ caller: { principal, service }, httpGraphQLRequest, requestId, bodyBytes, ...asked }) => {
    const { headers, address, signal } = asked;
    if (bodyBytes > LONG_BODY_BYTES) await turn();
    const served = interruptible(service, signal);
    const operation = new OperationRecord(options, {
      credential: principal.id,
      requestId,
      traceId: traceIdOf(headers),
    });
    const forAsker = auditContext(served, mayIntrospect(principal, introspection));
    const downloadLink = downloadLinks({ principal, service: served });
    const context = () => Promise.resolve({ ...forAsker, operation, downloadLink, bodyBytes });
    const execute = () => apollo.executeHTTPGraphQLRequest({ httpGraphQLRequest, context });
    const answered = await (tracer ? inOperationSpan(tracer, { headers, operation }, execute) : execute());
    const sender = { requestId, address, headers, credential: principal.id };
    if (!operation.isAnswered) refusals.add({ ...refusedBy(answered), sender });
    return answered;
  };
}

/** What Apollo refuses before it looks for an operation is a bad request, such as a form that a browser sent. */
function refusedBy({ status = 400 }: HTTPGraphQLResponse) {
  const code = status < 500 ? "BAD_REQUEST" : "INTERNAL_SERVER_ERROR";
  return { entrance: "graphql", refusal: { code }, status } as const;
}
