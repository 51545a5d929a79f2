import { existsSync, rmSync } from "node:fs";
import { AuditError } from "../../audit/errors.js";
import type { BlockStore } from "../../audit/block-store.js";
import type { BlockReader } from "./block-reader.js";
import type { BlockWriter } from "./block-writer.js";
import { WorkerChannel, WorkerError, type OnDeath } from "./worker-channel.js";
import type { WorkerFiles } from "./worker-thread.js";

interface Threads {
  readonly reader: WorkerChannel<BlockReader>;
  /** Starts with the first call. */
  readonly writer: () => Promise<WorkerChannel<BlockWriter>>;
  readonly close: () => Promise<void>;
}

/**
 * Keeps segments in an SQLite file beside the log's: one worker writes, another reads. A file that cannot be used is
 * replaced by an empty one, at any time: segments are built again.
 */
export class SqliteBlockStore implements BlockStore {
  #threads: Promise<Threads> | undefined;
  #isClosed = false;

  private constructor(
    private readonly files: WorkerFiles,
    private readonly onDeath: OnDeath | undefined,
  ) {}

  /**
   * `logFile` resolves when the log file is there; this rejects as it does. `onDeath` is called when a thread ends by itself.
   * A new log has no index to check: its threads start when they are first needed, for a first start is half thread starts.
   */
  static async open(files: WorkerFiles, logFile: Promise<unknown>, onDeath?: OnDeath): Promise<SqliteBlockStore> {
    const store = new SqliteBlockStore(files, onDeath);
    await (existsSync(files.indexPath) ? store.#started(logFile) : logFile);
    return store;
  }

  readonly segments: BlockStore["segments"] = (log) => this.#ask(({ reader }) => reader.call("segments", [log]));

  readonly blocks: BlockStore["blocks"] = (log, ids) => this.#ask(({ reader }) => reader.call("blocks", [log, ids]));

  readonly put: BlockStore["put"] = (log, segment) =>
    this.#ask(async ({ writer }) => (await writer()).call("put", [log, segment]));

  readonly remove: BlockStore["remove"] = (log, ids) =>
    this.#ask(async ({ writer }) => (await writer()).call("remove", [log, ids]));

  readonly stage: BlockStore["stage"] = (log, id, blocks) =>
    this.#ask(async ({ writer }) => (await writer()).call("stage", [log, id, blocks]));

  readonly publish: BlockStore["publish"] = (log, segment) =>
    this.#ask(async ({ writer }) => (await writer()).call("publish", [log, segment]));

  /** The log file's lock keeps other processes out. */
  claim(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#threads?.then(
      (threads) => threads.close(),
      () => undefined,
    );
  }

  /** Asks again with an empty file when the file is unusable. */
  async #ask<T>(call: (threads: Threads) => Promise<T>): Promise<T> {
    const threads = this.#started();
    try {
      return await call(await threads);
    } catch (error) {
      if (!isBeyondUse(error)) throw error;
      if (this.#threads === threads)
        this.#threads = threads.then((used) => used.close()).then(() => this.#startAgain(error));
      return call(await this.#started());
    }
  }

  /** The threads, started if they are not. What fails is tried again when it is next needed. */
  #started(after: Promise<unknown> = Promise.resolve()): Promise<Threads> {
    if (this.#threads !== undefined) return this.#threads;
    if (this.#isClosed) return Promise.reject(closed());
    const starting = this.#start(after).catch(async (error: unknown) => {
      await after; // what is wrong with the log's file is not mended by another index
      return this.#startAgain(error);
    });
    this.#threads = starting;
    starting.catch(() => {
      if (this.#threads === starting) this.#threads = undefined;
    });
    return starting;
  }

  #startAgain(error: unknown): Promise<Threads> {
    if (!isBeyondUse(error)) throw error;
    for (const suffix of ["", "-wal", "-shm"]) rmSync(this.files.indexPath + suffix, { force: true });
    return this.#start();
  }

  /** A new file is made by the writer, which then opens first. It is else started by what is first written: a thread is a tenth of a start. */
  async #start(after: Promise<unknown> = Promise.resolve()): Promise<Threads> {
    const { files, onDeath } = this;
    let writer: Promise<WorkerChannel<BlockWriter>> | undefined;
    let isClosed = false;
    const startWriter = (): Promise<WorkerChannel<BlockWriter>> => {
      if (isClosed) return Promise.reject(closed());
      const module = new URL("./block-writer-worker.js", import.meta.url);
      writer = WorkerChannel.start<BlockWriter>({ module, files, onDeath, after });
      writer.catch(() => (writer = undefined)); // tried again when it is next needed
      return writer;
    };
    const file = existsSync(files.indexPath) ? after : startWriter();
    const module = new URL("./block-reader-worker.js", import.meta.url);
    try {
      const reader = await WorkerChannel.start<BlockReader>({ module, files, onDeath, after: file });
      const close = async (): Promise<void> => {
        isClosed = true;
        await Promise.all([reader.close(), writer?.then(closeChannel, ignore)]);
      };
      return { reader, writer: () => writer ?? startWriter(), close };
    } catch (error) {
      await writer?.then(closeChannel, ignore);
      throw error;
    }
  }
}

const closed = (): AuditError => new AuditError("UNAVAILABLE", "The store is closed.");

function closeChannel(channel: { close(): Promise<void> }): Promise<void> {
  return channel.close();
}

function ignore(): void {
  // what did not open is closed
}

function isBeyondUse(error: unknown): boolean {
  return error instanceof AuditError && error.cause instanceof WorkerError && error.cause.beyondUse;
}
