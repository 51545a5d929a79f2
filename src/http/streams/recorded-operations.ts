import type { IncomingHttpHeaders } from "node:http";
import { HeaderMap } from "@apollo/server";
import { OperationTypeNode, type FormattedExecutionResult } from "graphql";
import type { Subscribed, SubscriptionRequest, Subscriptions } from "../../graphql/subscriptions.js";
import type { TrustedDocuments } from "../../graphql/trusted-documents.js";
import { registeredTracer } from "../../operations/tracing.js";
import { trustedBody, type Execute } from "../graphql/door.js";
import { streamLifetime, OperationRecord, inOperationSpan, type Records } from "../graphql/operation.js";
import { HttpError } from "../answer.js";
import type { Stream } from "./open-streams.js";
import { traceIdOf } from "../admission.js";

/** The request that operations come with, or the handshake of their WebSocket. */
export interface StreamOrigin {
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  /** The client's IP address. */
  readonly address: string;
}

export interface SentOperation extends StreamOrigin {
  /** The size of the body that it was sent in. */
  readonly bodyBytes: number;
  /** Whether it must change nothing, like a GET: a page of another site could have sent it. */
  readonly isSafe?: boolean;
}

export interface RecordedOperationsOptions extends Records {
  readonly subscriptions: Subscriptions;
  readonly execute: Execute;
  /** How long a query or a mutation may be executed. */
  readonly requestTimeoutMs: number;
  readonly trusted: TrustedDocuments | undefined;
}

/** Operations over streams: a subscription with its events, a query or a mutation with its one result. */
export class RecordedOperations {
  readonly #tracer = registeredTracer();

  constructor(private readonly options: RecordedOperationsOptions) {}

  /** Rejects with HttpError METHOD_NOT_ALLOWED where a mutation may not be sent. */
  async start(request: SubscriptionRequest, stream: Stream, origin: SentOperation): Promise<Subscribed> {
    const type = this.options.subscriptions.typeOf(request);
    if (type === undefined || type === OperationTypeNode.SUBSCRIPTION) return this.#subscribed(request, stream, origin);
    if (type === OperationTypeNode.MUTATION && origin.isSafe === true)
      throw new HttpError("METHOD_NOT_ALLOWED", "a mutation cannot be sent by GET: use POST", { allow: "POST" });
    stream.hasOneResult();
    return { kind: "events", events: this.#result(request, stream, origin) };
  }

  /** Executes it as if it had come by POST: with the same rights, limits, deadline and records. */
  async *#result(
    { document, operationName, variables }: SubscriptionRequest,
    { holder, signal }: Stream,
    { bodyBytes, headers, requestId, address }: SentOperation,
  ): AsyncGenerator<FormattedExecutionResult, void> {
    const { execute, requestTimeoutMs, trusted } = this.options;
    const lifetime = streamLifetime(signal, requestTimeoutMs);
    const sent = definedIn({ ...document, operationName, variables });
    const body = trusted === undefined ? sent : trustedBody(sent, trusted);
    const type = new HeaderMap([["content-type", "application/json"]]);
    const httpGraphQLRequest = { method: "POST", headers: type, search: "", body };
    try {
      const caller = holder.caller();
      const { signal: wanted } = lifetime;
      const answered = await execute({
        ...{ caller, httpGraphQLRequest, bodyBytes, signal: wanted },
        ...{ headers, requestId, address },
      });
      if (answered.body.kind === "complete") yield JSON.parse(answered.body.string) as FormattedExecutionResult;
    } finally {
      lifetime.end();
    }
  }

  /**
   * In the log and the metrics when the stream has ended. The span ends when the stream begins, for one that is open for
   * days would be seen by nobody until then.
   */
  #subscribed(request: SubscriptionRequest, stream: Stream, { headers, requestId }: StreamOrigin): Promise<Subscribed> {
    const { holder, signal } = stream;
    const operation = new OperationRecord(this.options, {
      credential: holder.credential,
      requestId,
      traceId: traceIdOf(headers),
    });
    const subscriber = { service: () => holder.service(), signal, operation };
    const subscribe = () => this.options.subscriptions.subscribe(request, subscriber);
    if (this.#tracer === undefined) return subscribe();
    return inOperationSpan(this.#tracer, { headers, operation }, async () => {
      const subscribed = await subscribe();
      if (subscribed.kind === "events") operation.begun();
      return subscribed;
    });
  }
}

/** Apollo treats a parameter that is undefined as one of the wrong type. */
function definedIn(parameters: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null));
}
