import type { Server } from "node:http";
import fastifyWebsocket from "@fastify/websocket";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { handleProtocols } from "graphql-ws";
import type { Access } from "../../access/authenticate.js";
import { AuditError } from "../../audit/errors.js";
import { becameKnown } from "../admission.js";
import type { AdmitPage } from "./page-origins.js";
import type { StreamHolder } from "./stream-holder.js";
import { WebSocketSession, type SessionOptions } from "./websocket-session.js";

export interface WebSocketOptions extends SessionOptions {
  readonly access: Access;
  readonly admitPage: AdmitPage;
  /** Emits `upgrade` for WebSockets alone. */
  readonly upgrades: Server;
}

/** The maximum bytes of one message: a subscription, not a bulk of events. */
const MAX_MESSAGE_BYTES = 262_144;
/** Where a request keeps the holder of the credential in its headers until the socket is open. */
const HOLDER = "holder";

/** The gateway's WebSockets, at /graphql. */
export async function webSockets(app: FastifyInstance, options: WebSocketOptions): Promise<void> {
  const { sessions, upgrades } = options;
  await app.register(fastifyWebsocket, {
    options: {
      server: upgrades,
      maxPayload: MAX_MESSAGE_BYTES,
      // A session answers them in their turn.
      autoPong: false,
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
      const { ip: address, id: requestId, headers } = request;
      const connection = request.raw.socket;
      const holder = request.getDecorator<StreamHolder | undefined>(HOLDER);
      const arrival = { socket, connection, holder, origin: { headers, requestId, address } };
      sessions.add(socket, new WebSocketSession(arrival, options));
      if (holder === undefined) sessions.addStranger(socket, address);
    },
  );
  app.get("*", { constraints: { webSocket: true }, onRequest: notHere }, notHere);
}

function notHere(): never {
  throw new AuditError("NOT_FOUND", "WebSockets are at /graphql");
}

/** A credential in the headers is checked at once; browsers cannot send one, so their first message may bring it. */
async function admitted(
  request: FastifyRequest,
  { access, admitPage, admitStream, readiness, sessions }: WebSocketOptions,
): Promise<StreamHolder | undefined> {
  const { headers, ip, raw } = request;
  readiness.requireOpen();
  if (!admitPage(headers)) {
    const named = "AUDITQL_CORS_ORIGINS names those that may";
    throw new AuditError("FORBIDDEN", `pages of this site may not open a WebSocket here: ${named}`);
  }
  if (access.kind === "required" && headers.authorization === undefined) return undefined;
  const holder = await admitStream({ headers, address: ip });
  becameKnown(request, holder.credential);
  sessions.take(holder.sharer, raw.socket);
  return holder;
}
