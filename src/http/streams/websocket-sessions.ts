import { once } from "node:events";
import type { Socket } from "node:net";
import type { WebSocket } from "@fastify/websocket";
import { Places, tenthOf } from "../places.js";
import { Strangers } from "./strangers.js";

/** An open WebSocket. */
interface Session {
  /** Resolves when every operation has ended and the client was asked to go. */
  drain(): Promise<void>;
  /** Closes the socket of a client that has not authenticated, to make room for another. */
  turnOut(): void;
}

/** The open WebSockets of a gateway. */
export class WebSocketSessions {
  readonly #sessions = new Map<WebSocket, Session>();
  readonly #strangers = new Strangers<WebSocket>();
  readonly #places: Places;
  #isDraining = false;

  constructor(maxStreams: number) {
    this.#places = new Places({
      ...{ what: "WebSockets", most: maxStreams, share: tenthOf(maxStreams) },
      retryAfterMs: 1_000,
    });
  }

  /** Call when a client is authenticated: it takes a place until its connection ends. Throws AuditError UNAVAILABLE. */
  take(sharer: string, connection: Socket): void {
    const free = this.#places.take(sharer);
    if (connection.destroyed) free();
    else connection.once("close", free);
  }

  add(socket: WebSocket, session: Session): void {
    if (this.#isDraining) {
      socket.terminate();
      return;
    }
    this.#sessions.set(socket, session);
    socket.once("close", () => {
      this.#sessions.delete(socket);
      this.#strangers.delete(socket);
    });
  }

  /**
   * Call when a client opened a socket and has yet to authenticate; closes another such socket if there are too many.
   */
  addStranger(socket: WebSocket, address: string): void {
    const oldest = this.#strangers.add(socket, address);
    if (oldest !== undefined) this.#sessions.get(oldest)?.turnOut();
  }

  /** Call when the socket's client has authenticated. */
  becameKnown(socket: WebSocket): void {
    this.#strangers.delete(socket);
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
