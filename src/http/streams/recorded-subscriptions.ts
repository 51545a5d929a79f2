import type { IncomingHttpHeaders } from "node:http";
import type { Subscribed, SubscriptionRequest, Subscriptions } from "../../graphql/subscriptions.js";
import { registeredTracer } from "../../operations/tracing.js";
import type { Stream } from "./open-streams.js";
import { OperationRecord, type Records } from "../graphql/operation-record.js";
import { inOperationSpan } from "../graphql/operation-span.js";

/** The request that a subscription came with, or the handshake of its WebSocket. */
export interface StreamOrigin {
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
}

/**
 * Subscriptions, recorded as other operations are: in the log and the metrics when the stream has ended. The span ends
 * when the stream begins, for one that is open for days would be seen by nobody until then.
 */
export class RecordedSubscriptions {
  readonly #tracer = registeredTracer();

  constructor(
    private readonly subscriptions: Subscriptions,
    private readonly records: Records,
  ) {}

  subscribe(request: SubscriptionRequest, stream: Stream, { headers, requestId }: StreamOrigin): Promise<Subscribed> {
    const { holder, signal } = stream;
    const operation = new OperationRecord(this.records, { credential: holder.credential, requestId });
    const subscriber = { service: () => holder.service(), signal, operation };
    const subscribe = () => this.subscriptions.subscribe(request, subscriber);
    if (this.#tracer === undefined) return subscribe();
    return inOperationSpan(this.#tracer, { headers, operation }, async () => {
      const subscribed = await subscribe();
      if (subscribed.kind === "events") operation.begun();
      return subscribed;
    });
  }
}
