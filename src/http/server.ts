import { randomUUID } from "node:crypto";
import { createServer, IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import fastify, { type FastifyInstance } from "fastify";
import { deadline } from "../audit/calls.js";
import { AuditError } from "../audit/errors.js";
import { keepSenders } from "./admission.js";
import { isWebSocket, TRANSPORTS, jsonAnswer, type Answer } from "./answer.js";
import { observeRequests } from "./observed-requests.js";
import type { Refusals } from "./refusal.js";
import { refuseUnreadable } from "./refusing.js";

/** How long a client may take to send the headers of a request, and all of it. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than load balancers keep idle connections, so that they are the ones to close them. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** The header that carries the name of a request. */
const REQUEST_ID = "x-request-id";
/** No character that could break out of a log line, whatever reads it. */
const GOOD_ID = /^[A-Za-z0-9._:-]{1,128}$/;

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

/** Fastify without routes, on a server with our limits. Every request has a name, which its response repeats. */
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
    // The offer was ignored, and node:http drops data that came with it in one piece: the sender has to ask again.
    if (headers.upgrade !== undefined) answer.shouldKeepAlive = false;
  });
  server.on("upgrade", (request, connection, head) => {
    if (isWebSocket(request)) upgrades.emit("upgrade", request, connection, head);
    else server.emit("connection", withoutOffer(request, connection, head));
  });
  return server;
}

/** The newest response on each connection: responses are sent in the order of their requests. */
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

/** A store slower than this is of no use to a caller who waits for a receipt. */
const PROBE_TIMEOUT_MS = 2_000;

/** A part that does not work, although a log can be read. */
export interface Degradation {
  /** `writes`; `reads`, of one log of several; or an optional part, such as `redis`. */
  readonly what: string;
  /** For anyone to read. */
  readonly reason?: string | undefined;
}

/** The health of the engine behind the audit service. */
export interface EngineHealth {
  /** Reads something small of every log, and resolves with what does not work. Rejects when no log can be read. */
  readonly probe: () => Promise<readonly Degradation[]>;
}

/** Whether requests should be sent to this gateway: not while it stops, nor while its logs cannot be read. */
export class Readiness {
  #isDraining = false;
  /** Others that ask meanwhile get the same result: asking costs the store no more than one look at a time. */
  #probing: Promise<Answer> | undefined;

  constructor(
    private readonly health: EngineHealth,
    private readonly timeoutMs = PROBE_TIMEOUT_MS,
  ) {}

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Makes it not ready, permanently. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Throws AuditError UNAVAILABLE while the gateway stops. */
  requireOpen(): void {
    if (!this.#isDraining) return;
    const message = "the gateway is stopping, nothing was done: send it again";
    throw new AuditError("UNAVAILABLE", message, { retryAfterMs: 1_000 });
  }

  /** It is ready without the parts that reads do not need, and names them. */
  async answer(): Promise<Answer> {
    if (this.#isDraining) return notReady("the gateway is stopping");
    this.#probing ??= this.#probe().finally(() => (this.#probing = undefined));
    return this.#probing;
  }

  async #probe(): Promise<Answer> {
    try {
      return ready(await deadline(this.health.probe(), this.timeoutMs));
    } catch (error) {
      return notReady(error instanceof AuditError ? reasonOf(error) : "the log does not answer");
    }
  }
}

/** Anyone may read it: an AuditError's message is written for clients. */
function reasonOf({ code, message, passing }: AuditError): string {
  const what = code === "UNAVAILABLE" ? message : `${code}: ${message}`;
  return passing === undefined ? what : `${what}: ${passing}`;
}

function ready(degradations: readonly Degradation[]): Answer {
  const degraded = [...new Set(degradations.map(({ what }) => what))];
  const reasons = degradations.flatMap(({ reason }) => reason ?? []);
  return jsonAnswer(200, {
    status: "ready",
    ...(degraded.length > 0 && { degraded }),
    ...(reasons.length > 0 && { reasons }),
  });
}

function notReady(reason: string): Answer {
  return jsonAnswer(503, { status: "not ready", reason }, { "retry-after": "1" });
}
