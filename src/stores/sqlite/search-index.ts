import { AuditError } from "../../audit/errors.js";
import type { IndexQuery, SearchIndex, Slice } from "../../audit/search-index.js";
import { Watermarks } from "../../audit/watermarks.js";
import { dropIndex } from "./index-opening.js";
import type { IndexReader } from "./index-reader.js";
import type { IndexNotice, IndexWriter } from "./index-writer.js";
import type { CallOf } from "./worker-calls.js";
import { bothOpen, WorkerChannel, WorkerError, type OnDeath } from "./worker-channel.js";
import type { WorkerFiles } from "./worker-thread.js";

interface Threads {
  readonly writer: WorkerChannel<IndexWriter, IndexNotice>;
  readonly reader: WorkerChannel<IndexReader>;
}

/** Finds leaves in an SQLite file beside the log's: one worker follows the log, another answers searches. */
export class SqliteSearchIndex implements SearchIndex {
  readonly #files: WorkerFiles;
  readonly #watermarks = new Watermarks();
  #threads: Promise<Threads>;
  #rebuilding = false;
  /** Counts the index files: what the indexer of a dropped one still says is not heard. */
  #generation = 0;
  #closed = false;

  private constructor(
    files: WorkerFiles,
    logFile: Promise<unknown>,
    private readonly onDeath: OnDeath | undefined,
  ) {
    this.#files = files;
    this.#threads = this.#start(logFile);
  }

  /**
   * `logFile` resolves when the log file is there; this rejects as it does. What of the log is not indexed yet is indexed
   * from here on, while searches are answered. `onDeath` is called when a thread ends by itself.
   */
  static async open(files: WorkerFiles, logFile: Promise<unknown>, onDeath?: OnDeath): Promise<SqliteSearchIndex> {
    const index = new SqliteSearchIndex(files, logFile, onDeath);
    await index.#threads;
    index.wake();
    return index;
  }

  /** Tells the indexer that the log has grown. */
  wake(): void {
    this.#threads.then(({ writer }) => writer.call("wake", [])).catch(() => undefined);
  }

  reached(log: string, size: number, timeoutMs: number): Promise<boolean> {
    // The indexer may have stopped at an error that has passed by now.
    if (!this.#watermarks.covers(log, size)) this.wake();
    return this.#watermarks.reached(log, size, timeoutMs);
  }

  indexedSize(log: string): Promise<number> {
    return Promise.resolve(this.#watermarks.size(log));
  }

  page(query: IndexQuery, slice: Slice, signal?: AbortSignal): Promise<readonly number[]> {
    return this.#ask("page", [query, slice], signal);
  }

  count(query: IndexQuery, cap: number, signal?: AbortSignal): Promise<number> {
    return this.#ask("count", [query, cap], signal);
  }

  leavesByHash(log: string, leafHash: Uint8Array, size: number): Promise<readonly number[]> {
    return this.#ask("leavesByHash", [log, new Uint8Array(leafHash), size]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watermarks.close();
    await this.#threads.then(closeThreads, () => undefined);
  }

  async #ask<K extends CallOf<IndexReader>>(
    name: K,
    asked: Parameters<IndexReader[K]>,
    signal?: AbortSignal,
  ): Promise<ReturnType<IndexReader[K]>> {
    const { reader } = await this.#threads;
    try {
      return await reader.call(name, asked, signal);
    } catch (error) {
      throw isBeyondUse(error) ? this.#rebuild() : error;
    }
  }

  /** Replaces the threads by new ones on an empty file. Answers what a search that came upon the damage is told. */
  #rebuild(): AuditError {
    if (!this.#rebuilding && !this.#closed) {
      this.#rebuilding = true;
      this.#forget();
      this.#threads = this.#restart(this.#threads);
      this.wake();
    }
    return new AuditError("UNAVAILABLE", "The search index was damaged and is being rebuilt from the log: try again.", {
      retryAfterMs: 1_000,
    });
  }

  #forget(): void {
    this.#generation++;
    this.#watermarks.reset();
  }

  async #restart(old: Promise<Threads>): Promise<Threads> {
    await closeThreads(await old);
    dropIndex(this.#files.indexPath);
    const threads = await this.#startThreads();
    this.#rebuilding = false;
    return threads;
  }

  async #start(logFile: Promise<unknown>): Promise<Threads> {
    try {
      return await this.#startThreads(logFile);
    } catch (error) {
      // What is wrong with the log's file is not mended by another index.
      await logFile;
      if (!isBeyondUse(error)) throw error;
      this.#forget();
      dropIndex(this.#files.indexPath);
      return await this.#startThreads();
    }
  }

  /** The writer opens first: it creates the file. */
  async #startThreads(after?: Promise<unknown>): Promise<Threads> {
    const files = this.#files;
    const { onDeath } = this;
    const generation = this.#generation;
    const onNotice = (notice: IndexNotice): void => {
      if (generation === this.#generation) this.#hear(notice);
    };
    const writer = WorkerChannel.start<IndexWriter, IndexNotice>({
      module: new URL("./index-writer-worker.js", import.meta.url),
      ...{ files, onNotice, onDeath, ...(after && { after }) },
    });
    const module = new URL("./index-reader-worker.js", import.meta.url);
    return bothOpen(writer, WorkerChannel.start<IndexReader>({ module, files, onDeath, after: writer }));
  }

  #hear(notice: IndexNotice): void {
    switch (notice.kind) {
      case "indexed":
        this.#watermarks.advance(notice.log, notice.size);
        return;
      case "beyond use":
        this.#rebuild();
        return;
      case "stopped":
        process.emitWarning(`indexing has stopped: ${notice.reason}`, "AuditQLWarning");
    }
  }
}

async function closeThreads({ writer, reader }: Threads): Promise<void> {
  await Promise.all([writer.close(), reader.close()]);
}

function isBeyondUse(error: unknown): boolean {
  return error instanceof AuditError && error.cause instanceof WorkerError && error.cause.beyondUse;
}
