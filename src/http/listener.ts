import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Handler } from "./handler.js";

/** How long a client may take over the head of a request, and over all of it. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than load balancers keep idle connections, so that it is they who close them. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** How often a draining server looks for connections that have nothing more to answer. */
const SWEEP_MS = 20;

export interface Listener {
  /** The port that was taken, when 0 was asked for. */
  readonly port: number;
  /** Takes no new requests, lets the running ones finish, and cuts those that are not done after `graceMs`. */
  drain(graceMs: number): Promise<void>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Takes over a connection whose client asked to speak another protocol on it. */
export type Upgrade = (request: IncomingMessage, connection: Duplex, head: Buffer) => void;

/** Serves until drained. Rejects with the system's error if the address cannot be taken. */
export async function listen(handler: Handler, upgrade: Upgrade, { host, port }: Address): Promise<Listener> {
  const state = { draining: false };
  const server = createServer((request, response) => {
    if (state.draining) response.setHeader("connection", "close");
    handler(request, response);
  });
  server.on("upgrade", upgrade);
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: portOf(server),
    drain: (graceMs) => {
      state.draining = true;
      return drain(server, graceMs);
    },
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** A connection becomes idle when its running request is answered; nobody else would close it then. */
async function drain(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const sweep = setInterval(() => {
    server.closeIdleConnections();
  }, SWEEP_MS);
  const cut = setTimeout(() => {
    server.closeAllConnections();
  }, graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}
