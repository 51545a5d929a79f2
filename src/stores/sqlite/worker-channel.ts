import { basename } from "node:path";
import { Worker } from "node:worker_threads";
import { unlessAborted } from "../../audit/calls.js";
import { AuditError } from "../../audit/errors.js";
import {
  raise,
  type CallMessage,
  type CallOf,
  type Failure,
  type FromWorker,
  type Served,
  type ToWorker,
} from "./worker-calls.js";
import type { WorkerFiles } from "./worker-thread.js";

/**
 * A call in progress. A method, so that a promise of any reply type fits: the worker answers each call with its own
 * type.
 */
interface PendingCall {
  resolve(reply: unknown): void;
  reject(error: AuditError): void;
}

/** Stands for the request to open; the ids of calls come after it. */
const OPENING = -1;

/** The cause of an AuditError from a worker: the engine's own message. */
export class WorkerError extends Error {
  override readonly name = "WorkerError";

  constructor(
    message: string,
    readonly beyondUse: boolean,
  ) {
    super(message);
  }
}

/** Called when a thread ended unexpectedly; the error's cause says why. Without the thread its store is unusable. */
export type OnDeath = (error: Error) => void;

export interface WorkerOptions<Notice> {
  /** The compiled module of the worker. */
  readonly module: URL;
  readonly files: WorkerFiles;
  readonly onNotice?: (notice: Notice) => void;
  /** Called when the thread ended unexpectedly after it had opened its files. */
  readonly onDeath?: OnDeath | undefined;
  /** What has to be open first. Meanwhile the thread starts and loads its library. */
  readonly after?: Promise<unknown>;
}

/**
 * Calls into one worker, answered in the order they were made. When the worker dies, all pending and later calls reject
 * with UNAVAILABLE; none hangs.
 */
export class WorkerChannel<S extends Served<S>, Notice = never> {
  readonly #worker: Worker;
  readonly #pending = new Map<number, PendingCall>();
  readonly #exited: Promise<void>;
  #nextId = 0;
  #gone: AuditError | undefined;
  #isOpen = false;
  #isClosing = false;

  /** Resolves when the worker has opened its files; rejects with the worker's refusal, or like `after`. */
  static async start<S extends Served<S>, Notice = never>(
    options: WorkerOptions<Notice>,
  ): Promise<WorkerChannel<S, Notice>> {
    const channel = new WorkerChannel<S, Notice>(options);
    try {
      await options.after;
      await channel.#opened(options);
      channel.#isOpen = true;
      return channel;
    } catch (error) {
      await channel.close();
      throw error;
    }
  }

  private constructor({ module, files, onDeath }: WorkerOptions<Notice>) {
    this.#worker = new Worker(module, { workerData: files });
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", (code) => {
        if (this.#isClosing) this.#abandon(new AuditError("UNAVAILABLE", "The store is closed."));
        else this.#die(new Error(`it ended with code ${code}`));
        resolve();
        if (this.#isOpen && !this.#isClosing) onDeath?.(died(module, this.#gone?.cause));
      });
    });
    this.#worker.on("error", (cause) => {
      this.#die(cause);
    });
  }

  /** Rejects with the signal's reason once it aborts; the worker then skips the call if it has not begun. */
  call<K extends CallOf<S>>(name: K, asked: Parameters<S[K]>, signal?: AbortSignal): Promise<ReturnType<S[K]>> {
    const call = { kind: "call" as const, id: this.#nextId++, name, asked };
    return signal === undefined ? this.#answer(call) : this.#answerUnlessAborted(call, signal);
  }

  /** A call as a function. */
  caller<K extends CallOf<S>>(name: K): (...asked: Parameters<S[K]>) => Promise<ReturnType<S[K]>> {
    return (...asked) => this.call(name, asked);
  }

  /** Lets the worker finish pending calls, close its files and end. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#gone === undefined) this.#post({ kind: "close" });
    await this.#exited;
  }

  #answer<Reply>(call: CallMessage): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) {
        reject(this.#gone);
        return;
      }
      this.#pending.set(call.id, { resolve, reject });
      this.#post(call);
    });
  }

  async #answerUnlessAborted<Reply>(call: CallMessage, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    const dropped = newFlag();
    try {
      return await unlessAborted(this.#answer<Reply>({ ...call, dropped }), signal);
    } finally {
      if (signal.aborted) raise(dropped);
      this.#take(call.id);
    }
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** A thread that died before it was asked to open is gone and sends nothing. */
  #opened({ onNotice }: WorkerOptions<Notice>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) {
        reject(this.#gone);
        return;
      }
      this.#pending.set(OPENING, {
        resolve: () => {
          resolve();
        },
        reject,
      });
      this.#worker.on("message", (message: FromWorker<Notice>) => {
        this.#receive(message, onNotice);
      });
      this.#post({ kind: "open" });
    });
  }

  #receive(message: FromWorker<Notice>, onNotice: ((notice: Notice) => void) | undefined): void {
    switch (message.kind) {
      case "ready":
        this.#take(OPENING)?.resolve(undefined);
        return;
      case "refused":
        this.#take(OPENING)?.reject(errorOf(message.failure));
        return;
      case "answered":
        this.#take(message.id)?.resolve(message.reply);
        return;
      case "failed":
        this.#take(message.id)?.reject(errorOf(message.failure));
        return;
      case "notice":
        onNotice?.(message.notice);
    }
  }

  #take(id: number): PendingCall | undefined {
    const call = this.#pending.get(id);
    this.#pending.delete(id);
    return call;
  }

  #die(cause: unknown): void {
    this.#abandon(new AuditError("UNAVAILABLE", "A thread of the store died.", { cause }));
  }

  #abandon(reason: AuditError): void {
    this.#gone ??= reason;
    for (const call of this.#pending.values()) call.reject(this.#gone);
    this.#pending.clear();
  }
}

function died(module: URL, cause: unknown): Error {
  const name = basename(module.pathname, ".js");
  return new Error(`The store's thread ${name} ended unexpectedly: ${String(cause)}`, { cause });
}

function errorOf({ code, message, retryAfterMs, outcome, detail, beyondUse }: Failure): AuditError {
  const cause = new WorkerError(detail, beyondUse);
  return new AuditError(code, message, { cause, retryAfterMs, outcome });
}

/** Two open workers of one file, or the first error of the two, once both are closed. */
export async function bothOpen<Writer extends Closable, Reader extends Closable>(
  writer: Promise<Writer>,
  reader: Promise<Reader>,
): Promise<{ readonly writer: Writer; readonly reader: Reader }> {
  try {
    return { writer: await writer, reader: await reader };
  } catch (error) {
    for (const worker of [reader, writer]) await worker.then((opened) => opened.close(), ignore);
    throw error;
  }
}

interface Closable {
  close(): Promise<void>;
}

function ignore(): void {
  // The first error of the two is thrown.
}

function newFlag(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}
