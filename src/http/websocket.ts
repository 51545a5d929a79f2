import { once } from "node:events";
import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, handleProtocols } from "graphql-ws";
import type { Logger } from "pino";
import { WebSocketServer, type WebSocket } from "ws";
import type { Access } from "../access/authenticate.js";
import { isLoopback } from "../access/loopback.js";
import { errorAnswer, HttpError } from "./answer.js";
import { WebSocketSession, type SessionOptions } from "./websocket-session.js";
import type { StreamOrigin } from "./recorded-subscriptions.js";
import { nameOf } from "./request-id.js";
import type { StreamHolder } from "./stream-admission.js";

export interface WebSocketOptions extends SessionOptions {
  readonly access: Access;
  readonly logger: Logger;
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
    this.#admit(request).then(
      (holder) => {
        this.#server.handleUpgrade(request, connection, head, (socket) => {
          this.#open(socket, holder, { headers: request.headers, requestId: nameOf(request) });
        });
      },
      (error: unknown) => {
        if (!(error instanceof HttpError)) this.options.logger.error("websocket upgrade failed");
        refuse(connection, error instanceof HttpError ? error : new HttpError(500, "unexpected error"));
      },
    );
  };

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
    const { access, admitStream, streams } = this.options;
    const { headers, url = "" } = request;
    if (url.split("?", 1)[0] !== "/graphql") throw new HttpError(404, "WebSockets are at /graphql");
    const { maxStreams } = streams.limits;
    if (this.#isDraining) throw new HttpError(503, "the gateway is stopping");
    if (this.#sessions.size >= maxStreams)
      throw new HttpError(503, `the gateway has its ${maxStreams} WebSockets open`);
    if (access.kind === "open") requireOwnOrigin(headers.origin);
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

/**
 * A browser opens a WebSocket to any server for any page, without asking (RFC 6455 section 10.2). Where no credential is
 * asked for, the page must be of this machine too.
 */
function requireOwnOrigin(origin: string | undefined): void {
  if (origin === undefined) return;
  const { hostname } = URL.canParse(origin) ? new URL(origin) : { hostname: "" };
  if (!isLoopback(hostname)) throw new HttpError(403, "pages of other sites may not follow the log of this machine");
}

/** A client that does not close its side is not waited for. */
function refuse(connection: Duplex, error: HttpError): void {
  const { status, headers, body } = errorAnswer(error);
  const fields = { ...headers, connection: "close", "content-length": Buffer.byteLength(body) };
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
