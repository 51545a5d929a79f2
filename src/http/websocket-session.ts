import {
  CloseCode,
  MessageType,
  parseMessage,
  stringifyMessage,
  type ConnectionInitMessage,
  type Message,
  type SubscribeMessage,
} from "graphql-ws";
import type { Logger } from "pino";
import type { WebSocket } from "ws";
import { AuditError } from "../audit/errors.js";
import type { Subscribed } from "../graphql/subscriptions.js";
import { HttpError } from "./answer.js";
import { SLOW_READER, type OpenStreams, type Stream } from "./open-streams.js";
import { readOperation } from "./operation.js";
import type { RecordedSubscriptions, StreamOrigin } from "./recorded-subscriptions.js";
import type { Refusals } from "./refusals.js";
import type { AdmitStream, StreamHolder } from "./stream-admission.js";
import { httpError } from "./unexpected.js";

export interface SessionOptions {
  readonly subscriptions: RecordedSubscriptions;
  readonly streams: OpenStreams;
  readonly admitStream: AdmitStream;
  readonly refusals: Refusals;
  readonly logger: Logger;
}

/** What is known of a client when its socket opens. */
export interface Arrival {
  readonly socket: WebSocket;
  /** Undefined until its first message says who it is. */
  readonly holder: StreamHolder | undefined;
  readonly origin: StreamOrigin;
}

type State =
  { readonly kind: "new" | "authenticating" } | { readonly kind: "acknowledged"; readonly holder: StreamHolder };

/** How long a client may take to say who it is. */
const INIT_TIMEOUT_MS = 10_000;
/** RFC 6455 section 7.4.1 and its registry. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;
/** RFC 6455 section 5.5: a control frame has 125 bytes, two of which are the code. */
const MAX_REASON_CHARACTERS = 123;
/** Answers to pings may wait for a client so far, and no further. */
const MAX_WAITING_BYTES = 65_536;

/**
 * One client of the GraphQL over WebSocket protocol (graphql-transport-ws), for subscriptions. Each event waits until the
 * last one was taken, so that a slow client costs no memory.
 */
export class WebSocketSession {
  readonly #socket: WebSocket;
  readonly #operations = new Map<string, Stream>();
  readonly #running = new Set<Promise<void>>();
  readonly #initTimer: NodeJS.Timeout;
  #state: State = { kind: "new" };

  constructor(
    private readonly arrival: Arrival,
    private readonly options: SessionOptions,
  ) {
    this.#socket = arrival.socket;
    this.#initTimer = setTimeout(() => {
      this.#close(CloseCode.ConnectionInitialisationTimeout, "Connection initialisation timeout");
    }, INIT_TIMEOUT_MS);
    this.#socket.once("close", () => {
      clearTimeout(this.#initTimer);
      this.#endAll();
    });
    this.#socket.on("message", (data) => {
      this.#receive(Buffer.isBuffer(data) ? data.toString() : "");
    });
  }

  /** Resolves when every subscription has been completed and the client asked to go. */
  async drain(): Promise<void> {
    this.#endAll();
    await Promise.all(this.#running);
    this.#close(GOING_AWAY, "the gateway is stopping");
  }

  #receive(text: string): void {
    let message: Message;
    try {
      message = parseMessage(text);
    } catch {
      this.#close(CloseCode.BadRequest, "Invalid message received");
      return;
    }
    this.#handle(message);
  }

  #handle(message: Message): void {
    switch (message.type) {
      case MessageType.ConnectionInit:
        void this.#initialise(message);
        return;
      case MessageType.Ping:
        this.#answerPing();
        return;
      case MessageType.Pong:
        return;
      case MessageType.Subscribe:
        this.#subscribe(message);
        return;
      case MessageType.Complete:
        this.#forget(message.id)?.end();
        return;
      default:
        this.#close(CloseCode.BadRequest, "Invalid message received");
    }
  }

  async #initialise({ payload }: ConnectionInitMessage): Promise<void> {
    if (this.#state.kind !== "new") {
      this.#close(CloseCode.TooManyInitialisationRequests, "Too many initialisation requests");
      return;
    }
    this.#state = { kind: "authenticating" };
    try {
      const authorization = payload?.["authorization"] ?? payload?.["Authorization"];
      const headers = { host: this.arrival.origin.headers.host, authorization: textOf(authorization) };
      const holder = this.arrival.holder ?? (await this.options.admitStream(headers));
      this.#state = { kind: "acknowledged", holder };
      clearTimeout(this.#initTimer);
      await this.#send({ type: MessageType.ConnectionAck });
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    const { status, message } = this.#recorded(error);
    if (status === 503) this.#close(TRY_AGAIN_LATER, message);
    else this.#close(status === 500 ? CloseCode.InternalServerError : CloseCode.Forbidden, message);
  }

  /** The credential is good no more: every subscription is told so before the socket closes. */
  async #dismiss(reason: AuditError): Promise<void> {
    for (const stream of this.#operations.values()) stream.end(reason);
    await Promise.all(this.#running);
    this.#close(reason.code === "UNAVAILABLE" ? TRY_AGAIN_LATER : CloseCode.Forbidden, reason.message);
  }

  /** What the client is told of a failure before its operation began. */
  #recorded(error: unknown): HttpError {
    const { logger, refusals } = this.options;
    const { requestId } = this.arrival.origin;
    const refusal = httpError(error, logger.child({ requestId }));
    refusals.add({ entrance: "websocket", code: refusal.code, status: refusal.status, requestId });
    return refusal;
  }

  #answerPing(): void {
    if (this.#socket.bufferedAmount > MAX_WAITING_BYTES) this.#cut();
    else void this.#send({ type: MessageType.Pong });
  }

  #subscribe(message: SubscribeMessage): void {
    if (this.#state.kind !== "acknowledged") {
      this.#close(CloseCode.Unauthorized, "Unauthorized");
      return;
    }
    if (this.#operations.has(message.id)) {
      this.#close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${message.id} already exists`);
      return;
    }
    const running = this.#run(message, this.#state.holder).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #run(message: SubscribeMessage, holder: StreamHolder): Promise<void> {
    const { id } = message;
    try {
      const stream = this.options.streams.open(holder);
      this.#operations.set(id, stream);
      try {
        await this.#serve(message, stream);
      } finally {
        stream.end();
        if (this.#operations.get(id) === stream) this.#operations.delete(id);
        const reason: unknown = stream.signal.reason;
        if (reason instanceof AuditError) void this.#dismiss(reason);
      }
    } catch (error) {
      const { code, message } = this.#recorded(error);
      await this.#send({ id, type: MessageType.Error, payload: [{ message, extensions: { code } }] });
    }
  }

  /** The credential was good when the socket opened: whoever subscribes later must have it still. */
  async #serve({ id, payload }: SubscribeMessage, stream: Stream): Promise<void> {
    const { subscriptions } = this.options;
    const operation = readOperation(payload);
    const reason = await stream.recheck();
    if (reason !== undefined) throw new HttpError(reason.code === "UNAVAILABLE" ? 503 : 401, reason.message);
    if (stream.signal.aborted) return;
    await this.#follow(id, stream, await subscriptions.subscribe(operation, stream, this.arrival.origin));
  }

  /** What the client has completed itself it hears no more of. */
  async #follow(id: string, stream: Stream, subscribed: Subscribed): Promise<void> {
    if (subscribed.kind === "refused") {
      await this.#send({ id, type: MessageType.Error, payload: subscribed.errors });
      return;
    }
    for await (const payload of subscribed.events) {
      if (this.#operations.get(id) !== stream) return;
      await this.#send({ id, type: MessageType.Next, payload });
    }
    if (this.#operations.get(id) === stream) await this.#send({ id, type: MessageType.Complete });
  }

  /** Resolves when the message is on its way; a client that does not read is cut meanwhile. */
  #send(message: Message): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#cut();
        resolve();
      }, this.options.streams.limits.slowMs);
      this.#socket.send(stringifyMessage(message), () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** The reason waits behind what the client has not read; a client that never does is not waited for. */
  #cut(): void {
    this.#endAll();
    this.#close(TRY_AGAIN_LATER, SLOW_READER);
    const timer = setTimeout(() => {
      this.#socket.terminate();
    }, this.options.streams.limits.slowMs);
    this.#socket.once("close", () => {
      clearTimeout(timer);
    });
  }

  #forget(id: string): Stream | undefined {
    const stream = this.#operations.get(id);
    this.#operations.delete(id);
    return stream;
  }

  #endAll(): void {
    for (const stream of this.#operations.values()) stream.end();
  }

  #close(code: number, reason: string): void {
    this.#socket.close(code, reason.slice(0, MAX_REASON_CHARACTERS));
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
