import { once } from "node:events";
import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, handleProtocols } from "graphql-ws";
import { WebSocketServer, type WebSocket } from "ws";
import type { Access } from "../access/authenticate.js";
import { errorAnswer, HttpError, SAFE } from "./answer.js";
import type { AdmitPage } from "./page-origins.js";
import { httpError } from "./unexpected.js";
import { WebSocketSession, type SessionOptions } from "./websocket-session.js";
import type { StreamOrigin } from "./recorded-subscriptions.js";
import { nameOf, REQUEST_ID } from "./request-id.js";
import type { StreamHolder } from "./stream-admission.js";

export interface WebSocketOptions extends SessionOptions {
  readonly access: Access;
  readonly admitPage: AdmitPage;
}

/** The bytes of one message: a subscription, not a bulk of events. */
const MAX_MESSAGE_BYTES = 262_144;

/** The gateway's WebSockets, at /graphql. */
export class WebSockets {
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  readonly #sessions = new Map<WebSocket, WebSocketSession>();
  #isDraining = false;

  constructor(private readonly options: WebSocketOptions) {}

  /** Takes over a connection whose client asked for another protocol. */
  readonly upgrade = (request: IncomingMessage, connection: Duplex, head: Buffer): void => {
    connection.on("error", () => connection.destroy());
    const requestId = nameOf(request);
    this.#admit(request).then(
      (holder) => {
        this.#server.handleUpgrade(request, connection, head, (socket) => {
          this.#open(socket, holder, { headers: request.headers, requestId });
        });
      },
      (error: unknown) => {
        refuse(connection, this.#recorded(error, requestId), requestId);
      },
    );
  };

  #recorded(error: unknown, requestId: string): HttpError {
    const { logger, refusals } = this.options;
    const refusal = httpError(error, logger.child({ requestId }));
    refusals.add({ entrance: "websocket", code: refusal.code, status: refusal.status, requestId });
    return refusal;
  }

  /** Completes every subscription, asks every client to go, and cuts those that are still there after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    const closed = [...this.#sessions.keys()].map((socket) => once(socket, "close"));
    const cut = setTimeout(() => {
      for (const socket of this.#sessions.keys()) socket.terminate();
    }, graceMs);
    for (const session of this.#sessions.values()) void session.drain();
    await Promise.all(closed);
    clearTimeout(cut);
  }

  /** A credential in the headers is checked at once; a browser cannot send one, so its first message may bring it. */
  async #admit(request: IncomingMessage): Promise<StreamHolder | undefined> {
    const { access, admitPage, admitStream, streams } = this.options;
    const { headers, url = "" } = request;
    if (url.split("?", 1)[0] !== "/graphql") throw new HttpError(404, "WebSockets are at /graphql");
    const { maxStreams } = streams.limits;
    if (this.#isDraining) throw new HttpError(503, "the gateway is stopping");
    if (this.#sessions.size >= maxStreams)
      throw new HttpError(503, `the gateway has its ${maxStreams} WebSockets open`);
    if (!admitPage(headers))
      throw new HttpError(
        403,
        "pages of this site may not open a WebSocket here: AUDITQL_CORS_ORIGINS names those that may",
      );
    const mayComeLater = access.kind === "required" && headers.authorization === undefined;
    return mayComeLater ? undefined : admitStream(headers);
  }

  #open(socket: WebSocket, holder: StreamHolder | undefined, origin: StreamOrigin): void {
    if (this.#isDraining) {
      socket.terminate();
      return;
    }
    if (socket.protocol !== GRAPHQL_TRANSPORT_WS_PROTOCOL) {
      socket.close(CloseCode.SubprotocolNotAcceptable, `the protocol here is ${GRAPHQL_TRANSPORT_WS_PROTOCOL}`);
      return;
    }
    const session = new WebSocketSession({ socket, holder, origin }, this.options);
    this.#sessions.set(socket, session);
    const stopPinging = keepAlive(socket, this.options.streams.limits);
    socket.on("error", () => {
      socket.terminate();
    });
    socket.once("close", () => {
      stopPinging();
      this.#sessions.delete(socket);
    });
  }
}

/** A client that does not close its side is not waited for. */
function refuse(connection: Duplex, error: HttpError, requestId: string): void {
  const { status, headers, body } = errorAnswer(error);
  const fields = {
    ...headers,
    ...SAFE,
    [REQUEST_ID]: requestId,
    connection: "close",
    "content-length": Buffer.byteLength(body),
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  connection.once("finish", () => connection.destroy());
  connection.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${body.toString()}`);
}

/** Pings the client, and gives it up when it has not answered for as long as a slow one may take. */
function keepAlive(socket: WebSocket, { keepAliveMs, slowMs }: SessionOptions["streams"]["limits"]): () => void {
  let seenAtMs = performance.now();
  socket.on("pong", () => {
    seenAtMs = performance.now();
  });
  const timer = setInterval(() => {
    if (performance.now() - seenAtMs > keepAliveMs + 2 * slowMs) socket.terminate();
    else socket.ping();
  }, keepAliveMs);
  return () => {
    clearInterval(timer);
  };
}
