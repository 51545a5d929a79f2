import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as passed } from "node:timers/promises";
import { promisify } from "node:util";
import type { FastifyInstance } from "fastify";

/**
 * How long a draining server still serves clients that do not know yet that it stops. A client may send a request at
 * the moment its idle connection, or the port, is closed, and would get no response.
 */
const LINGER_MS = 250;

/** How often a draining server looks for connections that have nothing more to answer. */
const SWEEP_MS = 20;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Listener {
  /** The port that was taken, when 0 was asked for. */
  readonly port: number;
  /**
   * Asks clients to leave, lets running requests finish, closes the port, and cuts what is not done after `graceMs`.
   */
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
  /** Responses that have not been sent completely. */
  responses: number;
  /**
   * How many bytes had been read when the last of them ended. If there are more, a request is on its way, or the
   * connection became a WebSocket.
   */
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
    if (connections.has(connection)) return; // It fires again when a request is put back.
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

/** A connection becomes idle when its running request is answered; nothing else would close it then. */
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
