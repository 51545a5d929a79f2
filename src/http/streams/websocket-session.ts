import type { Socket } from "node:net";
import type { GraphQLError } from "graphql";
import { CloseCode, makeServer } from "graphql-ws";
import type { Logger } from "pino";
import type { WebSocket } from "@fastify/websocket";
import { AuditError } from "../../audit/errors.js";
import { ERRORS } from "../../graphql/error-table.js";
import type { Readiness } from "../server.js";
import { isPlainObject } from "../../core/json.js";
import { parseJson } from "../body.js";
import { unrepeated } from "../graphql/door.js";
import { HttpError } from "../answer.js";
import { refusalOf, shownRefusal, type Refusal, type Refusals } from "../refusal.js";
import { Followed, refusedIn, ShownError, shownEvents } from "./followed.js";
import { Inbox, type Frame } from "./inbox.js";
import { keepAlive } from "./keep-alive.js";
import { SLOW_READER, type OpenStreams, type Stream } from "./open-streams.js";
import { readOperation } from "./operation.js";
import type { RecordedOperations, StreamOrigin } from "./recorded-operations.js";
import type { AdmitStream, StreamHolder } from "./stream-holder.js";
import type { WebSocketSessions } from "./websocket-sessions.js";

export interface StreamsOptions {
  readonly operations: RecordedOperations;
  readonly streams: OpenStreams;
  readonly admitStream: AdmitStream;
  readonly readiness: Readiness;
  readonly refusals: Refusals;
  readonly logger: Logger;
}

export type SessionOptions = StreamsOptions & { readonly sessions: WebSocketSessions };

/** What is known of a client when its socket opens. */
export interface Arrival {
  readonly socket: WebSocket;
  /** What the socket's frames come over. */
  readonly connection: Socket;
  /** Undefined until its first message authenticates it. */
  readonly holder: StreamHolder | undefined;
  readonly origin: StreamOrigin;
}

/** How long a client may take to authenticate. */
const INIT_TIMEOUT_MS = 10_000;
/** RFC 6455 section 7.4.1. */
const GOING_AWAY = 1001;
/** RFC 6455 section 5.5: a control frame has 125 bytes, two of which are the code. */
const MAX_REASON_CHARACTERS = 123;
/** The maximum length of a subscription's id, which the client chooses; libraries use UUIDs. */
const MAX_ID_CHARACTERS = 128;
/** How many queries and mutations of one client are executed at once: as many as a browser would send by POST. */
const MAX_RUNNING = 8;
/** While a client has more than this to read, nothing is read from it. */
const MAX_WAITING_BYTES = 65_536;

/** The protocol: its messages, their order, and how violations end a connection. */
const protocol = makeServer<Record<string, unknown>, WebSocketSession>({
  connectionInitWaitTimeout: INIT_TIMEOUT_MS,
  onConnect: ({ extra, connectionParams }) => extra.letIn(connectionParams),
  onSubscribe: ({ extra }, id) => extra.subscribe(id),
  onError: (...[, , , [error]]) => refusedIn(error),
  subscribe: (args) => (args instanceof Followed ? args.events : {}),
});

/**
 * One client of the GraphQL over WebSocket protocol (graphql-transport-ws), for every operation. graphql-ws speaks it; here
 * is what it leaves to us:
 * - Each event waits until the last one was taken, and a client that takes none is cut: "is cut over WebSocket, told so by
 *   the close code, and sent no more" (test/http/slow-reader.test.ts).
 * - Messages are handled one by one, as fast as their answers are read: "a client that reads nothing is read from no
 *   further" (test/http/websocket-messages.test.ts).
 * - A credential must stay good: "is closed when it asks for nothing more, at the next look"
 *   (test/http/live-tail-revoked.test.ts).
 * - Errors have the API's codes and show nothing of the inside: "tells what is wrong with a subscription, in the API's
 *   codes" (test/http/live-tail.test.ts).
 */
export class WebSocketSession {
  readonly #socket: WebSocket;
  readonly #streams = new Set<Stream>();
  readonly #running = new Set<Promise<void>>();
  #holder: StreamHolder | undefined;
  /** Call it when the subscription of the message in progress has started. */
  #message: Buffer = Buffer.alloc(0);
  #begun: () => void = () => undefined;
  #lastSent = Promise.resolve();
  /** Why the credential is no longer valid. */
  #dismissal: AuditError | undefined;

  constructor(
    private readonly arrival: Arrival,
    private readonly options: SessionOptions,
  ) {
    this.#socket = arrival.socket;
    this.#holder = arrival.holder;
    const closed = protocol.opened(
      {
        protocol: this.#socket.protocol,
        send: (text) => this.#send(text),
        close: (code, reason) => {
          this.#close(code ?? CloseCode.InternalServerError, reason ?? "");
        },
        onMessage: (receive) => new Inbox(this.#socket, (frame) => this.#handle(frame, receive)),
      },
      this,
    );
    const stopPinging = keepAlive(this.#socket, options.streams.limits);
    this.#socket.once("close", (code, reason) => {
      stopPinging();
      this.#endAll();
      void closed(code, reason.toString());
    });
  }

  /** Resolves when every subscription has been completed and the client asked to go. */
  async drain(): Promise<void> {
    for (const stream of this.#streams) stream.drain();
    await Promise.all(this.#running);
    this.#close(GOING_AWAY, "the gateway is stopping");
  }

  turnOut(): void {
    this.#refuse(new AuditError("UNAVAILABLE", "too many WebSockets wait to authenticate: do so at once"));
    // A client that is silent would not close it.
    this.#socket.terminate();
  }

  /** Whether the client's first message, or the headers of its handshake, authenticate it. */
  async letIn(payload: Readonly<Record<string, unknown>> = {}): Promise<boolean> {
    const authorization = textOf(payload["authorization"] ?? payload["Authorization"]);
    try {
      this.#holder ??= await this.#known(authorization);
      return true;
    } catch (error) {
      this.#refuse(error, authorization);
      return false;
    }
  }

  async #known(authorization: string | undefined): Promise<StreamHolder> {
    const { socket, connection, origin } = this.arrival;
    const headers = { host: origin.headers.host, authorization };
    const holder = await this.options.admitStream({ headers, address: origin.address });
    this.options.sessions.take(holder.sharer, connection);
    this.options.sessions.becameKnown(socket);
    return holder;
  }

  /** The events, or the errors. The credential was valid at the handshake; it must be valid at each subscription. */
  async subscribe(id: string): Promise<Followed | readonly GraphQLError[]> {
    let stream: Stream | undefined;
    try {
      if (id.length > MAX_ID_CHARACTERS) {
        const got = `got ${id.length}`;
        throw new HttpError("BAD_REQUEST", `id: expected at most ${MAX_ID_CHARACTERS} characters, ${got}`);
      }
      if (this.#holder === undefined)
        throw new AuditError("UNAUTHENTICATED", "not authenticated: wait for connection_ack before you subscribe");
      const opened = (stream = this.options.streams.open(this.#holder));
      this.#streams.add(opened);
      const operation = readOperation(payloadOf(this.#message));
      const sent = { ...this.arrival.origin, bodyBytes: this.#message.length };
      const reason = await opened.recheck();
      if (reason !== undefined) throw reason;
      const subscribed = await this.options.operations.start(operation, opened, sent);
      if (subscribed.kind === "events") {
        if (!this.#isBusy()) this.#begun();
        const { isSingle } = opened;
        return new Followed(
          shownEvents(subscribed.events, {
            isSingle,
            ended: () => {
              this.#ended(opened);
            },
          }),
        );
      }
      this.#ended(opened);
      return subscribed.errors.map((error) => new ShownError(error));
    } catch (error) {
      if (stream !== undefined) this.#ended(stream);
      return [new ShownError(shownRefusal(this.#recorded(error)))];
    }
  }

  #ended(stream: Stream): void {
    const reason: unknown = stream.signal.reason;
    if (reason instanceof AuditError) this.#dismissal ??= reason;
    stream.end();
    this.#streams.delete(stream);
    if (stream.isSingle) this.#begun();
  }

  /** Whether reading from the client stops until one of its queries and mutations has its result. */
  #isBusy(): boolean {
    return [...this.#streams].filter(({ isSingle }) => isSingle).length >= MAX_RUNNING;
  }

  async #run(received: Promise<void>): Promise<void> {
    const running = received
      .catch(() => {
        this.#close(CloseCode.BadRequest, "Invalid message received");
      })
      .finally(() => {
        this.#running.delete(running);
        if (this.#dismissal !== undefined) void this.#dismiss(this.#dismissal);
      });
    this.#running.add(running);
    await running;
  }

  /** Every subscription is told why it ends before the socket closes. */
  async #dismiss(reason: AuditError): Promise<void> {
    for (const stream of this.#streams) stream.end(reason);
    await Promise.all(this.#running);
    this.#close(ERRORS[reason.code].close, reason.message);
  }

  #refuse(error: unknown, authorization?: string): void {
    const { code, message } = this.#recorded(error, authorization);
    this.#close(ERRORS[code].close, message);
  }

  /** What the client is told about a failure before its operation started. */
  #recorded(error: unknown, authorization = this.arrival.origin.headers.authorization): Refusal {
    const { logger, refusals } = this.options;
    const { origin } = this.arrival;
    const refusal = refusalOf(error, logger.child({ requestId: origin.requestId }));
    const { status } = ERRORS[refusal.code];
    const headers = { ...origin.headers, authorization };
    const sender = { ...origin, headers, credential: this.#holder?.credential };
    refusals.add({ entrance: "websocket", refusal, status, sender });
    return refusal;
  }

  /** Resolves when the result is on its way, or the subscription has started, and the client has little to read. */
  async #handle(frame: Frame, receive: (text: string) => Promise<void>): Promise<void> {
    if (frame.kind === "ping") {
      await this.#sent((done) => {
        this.#socket.pong(frame.data, false, done);
      });
    } else {
      this.#message = frame.data;
      const begun = new Promise<void>((resolve) => (this.#begun = resolve));
      await Promise.race([this.#run(receive(frame.data.toString())), begun]);
    }
    while (this.#socket.bufferedAmount > MAX_WAITING_BYTES) await this.#lastSent;
  }

  #send(text: string): Promise<void> {
    return this.#sent((done) => {
      this.#socket.send(text, done);
    });
  }

  /** Resolves when what is sent is on its way; a client that does not read is disconnected meanwhile. */
  #sent(send: (done: () => void) => void): Promise<void> {
    this.#lastSent = new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#cut();
        resolve();
      }, this.options.streams.limits.slowMs);
      send(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return this.#lastSent;
  }

  /** The reason is queued behind what the client has not read; a client that never reads is not waited for. */
  #cut(): void {
    this.#endAll();
    this.#close(ERRORS.SLOW_READER.close, SLOW_READER);
    const timer = setTimeout(() => {
      this.#socket.terminate();
    }, this.options.streams.limits.slowMs);
    this.#socket.once("close", () => {
      clearTimeout(timer);
    });
  }

  #endAll(): void {
    for (const stream of this.#streams) stream.end();
  }

  #close(code: number, reason: string): void {
    this.#socket.close(code, reason.slice(0, MAX_REASON_CHARACTERS));
  }
}

/** The parameters of the operation in a message, read again: the library's JSON.parse changes numbers without a word. */
function payloadOf(message: Buffer): unknown {
  const parsed = parseJson(message);
  return isPlainObject(parsed) ? unrepeated(parsed["payload"]) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
