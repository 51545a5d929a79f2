import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as passed } from "node:timers/promises";
import { promisify } from "node:util";
import fastify, { type FastifyInstance } from "fastify";
import type { Readiness } from "./operations/readiness.js";
import type { Refusals } from "./refusal.js";
import { observeRequests } from "./observed-requests.js";
import { refuseUnreadable } from "./refusing.js";
import { keepSenders } from "./admission.js";
import { isWebSocket, TRANSPORTS } from "./streams/transport.js";

/** How long a client may take over the head of a request, and over all of it. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than load balancers keep idle connections, so that it is they who close them. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/**
 * How long a draining server still answers who does not know yet that it stops. A client may send a request at the moment
 * its idle connection, or the port, is closed; that request would be lost without a word.
 */
const LINGER_MS = 250;
/** How often a draining server looks for connections that have nothing more to answer. */
const SWEEP_MS = 20;
/** The header that carries the name of a request. */
const REQUEST_ID = "x-request-id";
/** Nothing that could break out of a line of a log, in whatever it is read with. */
const GOOD_ID = /^[A-Za-z0-9._:-]{1,128}$/;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface HttpServer {
  readonly app: FastifyInstance;
  /** Emits `upgrade` for WebSockets alone; it listens nowhere itself. */
  readonly upgrades: Server;
}

export interface HttpServerOptions {
  readonly maxBodyBytes: number;
  readonly readiness: Readiness;
  readonly refusals: Refusals;
  /** The addresses of proxies that say where their requests come from. Default: none. */
  readonly trustedProxies?: readonly string[] | undefined;
}

/** Fastify without routes, on a server with our limits. Every request has a name, and its answer tells it. */
export function httpServer({ maxBodyBytes, readiness, refusals, trustedProxies = [] }: HttpServerOptions): HttpServer {
  const upgrades = createServer();
  const app = fastify({
    serverFactory: (listener) => nodeServer(listener, upgrades),
    routerOptions: { maxParamLength: Number.MAX_SAFE_INTEGER },
    bodyLimit: maxBodyBytes,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    exposeHeadRoutes: false,
    return503OnClosing: false,
    genReqId: nameOf,
    clientErrorHandler: refuseUnreadable(refusals),
    frameworkErrors: (error, request, reply) => {
      app.errorHandler(error, request, reply);
    },
  });
  observeRequests(app);
  keepSenders(app);
  for (const transport of TRANSPORTS) app.addConstraintStrategy(transport);
  app.addHook("onRequest", (request, reply, done) => {
    reply.header(REQUEST_ID, request.id);
    if (readiness.isDraining) reply.header("connection", "close");
    done();
  });
  return { app, upgrades };
}

/** The name that the request's sender gave it, or a new one. */
function nameOf({ headers }: Pick<IncomingMessage, "headers">): string {
  const sent = headers[REQUEST_ID];
  return typeof sent === "string" && GOOD_ID.test(sent) ? sent : randomUUID();
}

function nodeServer(listener: RequestListener, upgrades: Server): Server {
  const server = createServer(
    {
      IncomingMessage: Request,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    listener,
  );
  server.prependListener("request", ({ socket, headers }, answer) => {
    newestAnswers.set(socket, answer);
    // The offer was ignored, and node:http drops what came in one piece with it: its sender has to ask again.
    if (headers.upgrade !== undefined) answer.shouldKeepAlive = false;
  });
  server.on("upgrade", (request, connection, head) => {
    if (isWebSocket(request)) upgrades.emit("upgrade", request, connection, head);
    else server.emit("connection", withoutOffer(request, connection, head));
  });
  return server;
}

/** The newest answer on each connection: they are sent in the order of their requests. */
const newestAnswers = new WeakMap<Socket, ServerResponse>();

/**
 * An offer of another protocol hands the whole connection over. While an earlier answer is due on it that would never be
 * sent, so node:http, which sets `upgrade` and then asks it, is told of no offer: it may be ignored (RFC 9110 section 7.8).
 */
class Request extends IncomingMessage {
  declare private isOffer: boolean | null;

  set upgrade(isOffer: boolean | null) {
    this.isOffer = isOffer;
  }

  get upgrade(): boolean {
    const answer = newestAnswers.get(this.socket);
    const isDue = answer !== undefined && !(answer.writableFinished && answer.socket === null);
    return this.isOffer === true && !isDue;
  }
}

/** Headers that offer another protocol (RFC 9110 section 7.8, RFC 7540 section 3.2). */
const OFFER = new Set(["upgrade", "connection", "http2-settings"]);

/**
 * A server that takes WebSockets is handed every request that offers any other protocol, as Java's HttpClient does with
 * each first one. An offer may be ignored, so the request is put back without it, to be read again from its beginning.
 */
function withoutOffer({ method, url, rawHeaders }: IncomingMessage, connection: Duplex, head: Buffer): Duplex {
  const lines = rawHeaders.flatMap((name, place) => {
    const isKept = place % 2 === 0 && !OFFER.has(name.toLowerCase());
    return isKept ? [`${name}: ${rawHeaders[place + 1] ?? ""}\r\n`] : [];
  });
  const text = `${method ?? "GET"} ${url ?? "/"} HTTP/1.1\r\n${lines.join("")}\r\n`;
  connection.unshift(Buffer.concat([Buffer.from(text, "latin1"), head]));
  return connection;
}

export interface Listener {
  /** The port that was taken, when 0 was asked for. */
  readonly port: number;
  /** Has clients leave, lets running requests finish, closes the port, and cuts what is not done after `graceMs`. */
  drain(graceMs: number): Promise<void>;
}

/** Serves until drained. Rejects with the system's error if the address cannot be taken. */
export async function listen({ server }: FastifyInstance, { host, port }: Address): Promise<Listener> {
  server.closeIdleConnections = idleConnectionsOf(server);
  server.listen(port, host);
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, drain: (graceMs) => drain(server, graceMs) };
}

/** What a connection is busy with. */
interface Business {
  /** Responses that are not sent to their end yet. */
  responses: number;
  /** What had been read of it when the last of them ended. Of more, a request is on its way, or it became a WebSocket. */
  bytesRead: number;
}

/**
 * Closes the connections that nothing is to be sent over. Node's own method also cuts a response that is written and waits
 * for a slow reader, because it takes that for finished; and it takes a connection that nothing has come over for busy:
 * browsers and load balancers open some ahead of need.
 */
function idleConnectionsOf(server: Server): () => void {
  const connections = new Map<Socket, Business>();
  server.on("connection", (connection: Socket) => {
    if (connections.has(connection)) return; // it comes again when a request is put back
    connections.set(connection, { responses: 0, bytesRead: 0 });
    connection.once("close", () => connections.delete(connection));
  });
  server.on("request", ({ socket }, response) => {
    const business = connections.get(socket);
    if (business === undefined) return;
    business.responses += 1;
    response.once("close", () => {
      business.responses -= 1;
      business.bytesRead = socket.bytesRead;
    });
  });
  return () => {
    for (const [connection, { responses, bytesRead }] of connections)
      if (responses === 0 && connection.bytesRead === bytesRead) connection.destroy();
  };
}

/** A connection becomes idle when its running request is answered; nobody else would close it then. */
async function drain(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, "close");
  const cut = setTimeout(() => {
    server.closeAllConnections();
  }, graceMs);
  if (await hasConnections(server)) await passed(Math.min(LINGER_MS, graceMs));
  server.close();
  const sweep = setInterval(() => {
    server.closeIdleConnections();
  }, SWEEP_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

async function hasConnections(server: Server): Promise<boolean> {
  return (await promisify(server.getConnections.bind(server))()) > 0;
}
