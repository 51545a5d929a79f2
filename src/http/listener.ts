import { once } from "node:events";
import { setTimeout as passed } from "node:timers/promises";
import { promisify } from "node:util";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Handler } from "./handler.js";

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

export interface Listener {
  /** The port that was taken, when 0 was asked for. */
  readonly port: number;
  /** Has clients leave, lets running requests finish, closes the port, and cuts what is not done after `graceMs`. */
  drain(graceMs: number): Promise<void>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Takes over a connection whose client asked for a WebSocket. */
export type Upgrade = (request: IncomingMessage, connection: Duplex, head: Buffer) => void;

/** Serves until drained. Rejects with the system's error if the address cannot be taken. */
export async function listen(handler: Handler, upgrade: Upgrade, { host, port }: Address): Promise<Listener> {
  const state = { draining: false };
  const server = createServer((request, response) => {
    if (state.draining) response.setHeader("connection", "close");
    handler(request, response);
  });
  const silent = silentConnections(server);
  server.on("upgrade", (request, connection, head) => {
    if (request.headers.upgrade?.toLowerCase() === "websocket") upgrade(request, connection, head);
    else server.emit("connection", withoutOffer(request, connection, head));
  });
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: portOf(server),
    drain: (graceMs) => {
      state.draining = true;
      return drain(server, silent, graceMs);
    },
  };
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

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/**
 * Connections that nothing has come over: browsers and load balancers open some ahead of need. The server counts them as
 * busy, for as long as a head may take.
 */
function silentConnections(server: Server): () => readonly Socket[] {
  const connections = new Set<Socket>();
  server.on("connection", (connection: Socket) => {
    connections.add(connection);
    connection.once("close", () => connections.delete(connection));
  });
  return () => [...connections].filter(({ bytesRead }) => bytesRead === 0);
}

/** A connection becomes idle when its running request is answered; nobody else would close it then. */
async function drain(server: Server, silent: () => readonly Socket[], graceMs: number): Promise<void> {
  const closed = once(server, "close");
  const cut = setTimeout(() => {
    server.closeAllConnections();
  }, graceMs);
  if (await hasConnections(server)) await passed(Math.min(LINGER_MS, graceMs));
  server.close();
  const close = (): void => {
    server.closeIdleConnections();
    for (const connection of silent()) connection.destroy();
  };
  close();
  const sweep = setInterval(close, SWEEP_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

async function hasConnections(server: Server): Promise<boolean> {
  return (await promisify(server.getConnections.bind(server))()) > 0;
}
