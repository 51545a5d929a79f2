import type { Writable } from "node:stream";
import { EvidenceError } from "../core/evidence/reader.js";

/** Where a command writes whose result may be larger than memory: text for scripts, notes for people. */
export interface Output {
  /** Resolves when more may be written; rejects when nobody reads any more. */
  readonly write: (text: string | Uint8Array) => Promise<void>;
  readonly note: (text: string) => void;
  /** Shows how far a long run is, if it is a terminal. */
  readonly bar: Pick<NodeJS.WriteStream, "isTTY" | "write">;
}

/** A command cannot be done; the message says why in one sentence. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
}

/** Writes to a stream no faster than it takes; rejects once it takes nothing more, as a pipe that was closed. */
export function writerTo(stream: Writable): Output["write"] {
  // Each write is told of its failure; without a listener, the same failure would end the process with a code of its own.
  stream.on("error", () => undefined);
  return (text) =>
    new Promise((resolve, reject) => {
      stream.write(text, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
}

/** What the user can do something about is one sentence; anything else is a fault of ours and shows where. */
export function explanation(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof CommandError || error instanceof EvidenceError || "code" in error
    ? error.message
    : (error.stack ?? error.message);
}
