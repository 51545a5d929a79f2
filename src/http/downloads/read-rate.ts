import type { ServerResponse } from "node:http";

export interface ReadRate {
  /** The bytes that a reader must take per second, averaged over the window. */
  readonly leastBytes: number;
  readonly windowMs: number;
}

/** Slower than any connection on which a whole result is of use. */
export const READ_RATE: ReadRate = { leastBytes: 16_384, windowMs: 60_000 };

/** The parts of a window that are looked at one by one. */
const PARTS = 60;

/**
 * Calls `tooSlow` once when the reader of a response took less than required within the last window. Only the reader
 * counts: a part of the window in which nothing waited for it counts as fast enough.
 */
export function watchReadRate(response: ServerResponse, { leastBytes, windowMs }: ReadRate, tooSlow: () => void): void {
  const partMs = windowMs / PARTS;
  const enough = (leastBytes * partMs) / 1_000;
  const parts: number[] = [];
  let before = takenOf(response);
  const timer = setInterval(() => {
    // Its client may have gone before it was watched.
    if (response.destroyed) {
      stop();
      return;
    }
    const taken = takenOf(response);
    parts.push(response.writableNeedDrain ? taken - before : Math.max(taken - before, enough));
    before = taken;
    if (parts.length > PARTS) parts.shift();
    const sum = parts.reduce((some, more) => some + more, 0);
    if (parts.length < PARTS || sum >= enough * PARTS) return;
    stop();
    tooSlow();
  }, partMs);
  const stop = () => {
    clearInterval(timer);
  };
  response.once("close", stop);
}

/** The bytes that the system took from this process, for this response and those before it on the connection. */
function takenOf({ socket }: ServerResponse): number {
  return socket === null ? 0 : socket.bytesWritten - socket.writableLength;
}
