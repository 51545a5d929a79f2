import type { AuditErrorCode, WriteOutcome } from "../../audit/errors.js";

/** What a worker serves: an object whose methods are its calls. Arguments and results are copied between the threads. */
export type Served<S> = { readonly [K in keyof S]: (...asked: never[]) => unknown } & { close(): void };

/** The calls of what a worker serves. */
export type CallOf<S> = Exclude<keyof S, "close">;

/** Methods of a port as a worker serves them: they return what the port promises. */
export type InWorker<Port, Name extends keyof Port> = {
  readonly [K in Name]: Port[K] extends (...asked: infer Asked) => Promise<infer Reply>
    ? (...asked: Asked) => Reply
    : never;
};

/** An error as it crosses between threads; structured clone would keep only its message. */
export interface Failure {
  readonly code: AuditErrorCode;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
  readonly outcome: WriteOutcome | undefined;
  /** The engine's own message, for the operator's log. */
  readonly detail: string;
  /** The content of the worker's file is unusable: derived data has to be rebuilt. */
  readonly beyondUse: boolean;
}

/**
 * Main thread to worker. `open` comes first, unless the worker is to close at once; `close` is last, and the worker
 * ends after it.
 */
export type ToWorker = CallMessage | { readonly kind: "open" | "close" };

export interface CallMessage {
  readonly kind: "call";
  readonly id: number;
  readonly name: PropertyKey;
  readonly asked: readonly unknown[];
  /**
   * A flag in shared memory, raised when no one waits for the reply any more: a call that has not begun is then
   * skipped.
   */
  readonly dropped?: Int32Array;
}

export function raise(flag: Int32Array): void {
  Atomics.store(flag, 0, 1);
}

export function isRaised(flag: Int32Array): boolean {
  return Atomics.load(flag, 0) === 1;
}

/** Worker to main thread. `open` is answered by `ready` or `refused`; a notice is unsolicited. */
export type FromWorker<Notice> =
  | { readonly kind: "ready" }
  | { readonly kind: "refused"; readonly failure: Failure }
  | { readonly kind: "answered"; readonly id: number; readonly reply: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly failure: Failure }
  | { readonly kind: "notice"; readonly notice: Notice };
