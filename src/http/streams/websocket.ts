import { once } from "node:events";
import type { Server } from "node:http";
import fastifyWebsocket from "@fastify/websocket";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { handleProtocols } from "graphql-ws";
import type { WebSocket } from "@fastify/websocket";
import type { Access } from "../../access/authenticate.js";
import { AuditError } from "../../audit/errors.js";
import type { AdmitPage } from "./page-origins.js";
import type { StreamHolder } from "./stream-holder.js";
import { WebSocketSession, type StreamsOptions } from "./websocket-session.js";

export interface WebSocketOptions extends StreamsOptions {
  readonly access: Access;
  readonly admitPage: AdmitPage;
  readonly sessions: WebSocketSessions;
  /** Emits `upgrade` for WebSockets alone. */
  readonly upgrades: Server;
}

/** The bytes of one message: a subscription, not a bulk of events. */
const MAX_MESSAGE_BYTES = 262_144;
/** Where the holder of a credential in the headers is kept until the socket is open. */
const HOLDER = "holder";

/** The gateway's WebSockets, at /graphql. */
export async function webSockets(app: FastifyInstance, options: WebSocketOptions): Promise<void> {
  const { sessions, upgrades } = options;
  await app.register(fastifyWebsocket, {
    options: {
      server: upgrades,
      maxPayload: MAX_MESSAGE_BYTES,
      handleProtocols: (protocols) => handleProtocols(protocols),
    },
    errorHandler: (_error, socket) => {
      socket.terminate();
    },
  });
  app.decorateRequest(HOLDER, null);
  app.get(
    "/graphql",
    {
      websocket: true,
      constraints: { webSocket: true },
      onRequest: async (request) => {
        request.setDecorator(HOLDER, await admitted(request, options));
      },
    },
    (socket, request) => {
      const origin = { headers: request.headers, requestId: request.id };
      const holder = request.getDecorator<StreamHolder | undefined>(HOLDER);
      sessions.add(socket, new WebSocketSession({ socket, holder, origin }, options));
    },
  );
  app.get("*", { constraints: { webSocket: true }, onRequest: notHere }, notHere);
}

function notHere(): never {
  throw new AuditError("NOT_FOUND", "WebSockets are at /graphql");
}

/** A credential in the headers is checked at once; a browser cannot send one, so its first message may bring it. */
async function admitted(
  { headers }: FastifyRequest,
  { access, admitPage, admitStream, readiness, sessions, streams }: WebSocketOptions,
): Promise<StreamHolder | undefined> {
  const { maxStreams } = streams.limits;
  readiness.requireOpen();
  if (sessions.size >= maxStreams)
    throw new AuditError("UNAVAILABLE", `the gateway has its ${maxStreams} WebSockets open`, { retryAfterMs: 1_000 });
  if (!admitPage(headers)) {
    const named = "AUDITQL_CORS_ORIGINS names those that may";
    throw new AuditError("FORBIDDEN", `pages of this site may not open a WebSocket here: ${named}`);
  }
  const mayComeLater = access.kind === "required" && headers.authorization === undefined;
  return mayComeLater ? undefined : admitStream(headers);
}

/** Open WebSockets, each with what goes on over it. */
export class WebSocketSessions {
  readonly #sessions = new Map<WebSocket, WebSocketSession>();
  #isDraining = false;

  get size(): number {
    return this.#sessions.size;
  }

  add(socket: WebSocket, session: WebSocketSession): void {
    if (this.#isDraining) {
      socket.terminate();
      return;
    }
    this.#sessions.set(socket, session);
    socket.once("close", () => this.#sessions.delete(socket));
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
}
