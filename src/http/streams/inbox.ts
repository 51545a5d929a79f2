import { setImmediate as othersTurn } from "node:timers/promises";
import type { WebSocket } from "@fastify/websocket";

/** Something that a client sent: a message of the protocol, or a ping of WebSocket itself. */
export type Frame =
  { readonly kind: "message"; readonly data: Buffer } | { readonly kind: "ping"; readonly data: Buffer };

/**
 * What comes over a WebSocket, handed on one frame after the other. While one is handled nothing more is read from the
 * connection, so that a client's messages wait with the client: here, no more than came in one piece (64 KiB) do. Between
 * two frames it is the turn of whatever else the process has to do.
 */
export class Inbox {
  #waiting: Frame[] = [];
  #isHandling = false;

  /** `handle` resolves when the next frame may be handled, and never rejects. */
  constructor(
    private readonly socket: WebSocket,
    private readonly handle: (frame: Frame) => Promise<void>,
  ) {
    socket.on("message", (data) => {
      this.#take({ kind: "message", data: Buffer.isBuffer(data) ? data : Buffer.alloc(0) });
    });
    socket.on("ping", (data) => {
      this.#take({ kind: "ping", data });
    });
  }

  #take(frame: Frame): void {
    this.#waiting.push(frame);
    if (!this.#isHandling) void this.#handleAll();
  }

  /** A closing socket is still read, for the client's close frame; everything else is dropped. */
  async #handleAll(): Promise<void> {
    this.#isHandling = true;
    this.socket.pause();
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      await this.handle(frame);
      await othersTurn();
    }
    this.#isHandling = false;
    this.socket.resume();
  }

  #next(): Frame | undefined {
    if (this.socket.readyState !== this.socket.OPEN) this.#waiting = [];
    return this.#waiting.shift();
  }
}
