import type {
  AppendBatch,
  AppendOutcome,
  Confirmed,
  LogHead,
  LogReads,
  LogStore,
  NewEntry,
  StoredEntry,
  RequestReceipt,
} from "../../audit/store.js";
import { HASH_BYTES } from "../../core/bytes.js";
import type { TileId } from "../../core/tile.js";
import type { LeafRange } from "../../core/tree.js";
import type { LogReaderProtocol } from "./log-reader.js";
import type { LogWriterProtocol, PackedBatch } from "./log-writer.js";
import { bothOpen, WorkerChannel, type OnDeath } from "./worker-channel.js";
import type { WorkerFiles } from "./worker-thread.js";

/** Keeps logs in one SQLite file: one worker commits, another reads, and this thread only passes messages. */
export class SqliteLogStore implements LogStore {
  readonly #writer: WorkerChannel<LogWriterProtocol>;
  readonly #reader: WorkerChannel<LogReaderProtocol>;
  readonly #onAppend: () => void;

  private constructor({ writer, reader, onAppend }: Threads & { readonly onAppend: () => void }) {
    this.#writer = writer;
    this.#reader = reader;
    this.#onAppend = onAppend;
  }

  /**
   * `onAppend` is called after each durable append, `onDeath` when a thread ends by itself. Rejects with UNAVAILABLE
   * when the file cannot be used.
   */
  static async open(files: WorkerFiles, onAppend: () => void, onDeath?: OnDeath): Promise<SqliteLogStore> {
    return new SqliteLogStore({ ...(await startThreads(files, onDeath)), onAppend });
  }

  /** There is one server. */
  snapshot<Result>(look: (reads: LogReads) => Promise<Result>): Promise<Result> {
    return look(this);
  }

  createLog(initial: LogHead): Promise<LogHead> {
    return this.#writer.call("createLog", initial);
  }

  heads(): Promise<readonly LogHead[]> {
    return this.#writer.call("heads", undefined);
  }

  headless(): Promise<readonly string[]> {
    return this.#writer.call("headless", undefined);
  }

  head(log: string): Promise<LogHead | undefined> {
    return this.#writer.call("head", log);
  }

  async append(batch: AppendBatch): Promise<AppendOutcome> {
    const outcome = await this.#writer.call("append", packed(batch));
    if (outcome.kind === "appended") this.#onAppend();
    return outcome;
  }

  async confirm(log: string): Promise<Confirmed> {
    await this.#writer.call("confirm", undefined);
    return { durability: "durable", head: await this.head(log) };
  }

  entries(
    log: string,
    leafIndexes: readonly number[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredEntry | undefined)[]> {
    return this.#reader.call("entries", { log, leafIndexes }, signal);
  }

  receipts(log: string, keys: readonly Uint8Array[]): Promise<readonly (RequestReceipt | undefined)[]> {
    return this.#reader.call("receipts", { log, keys });
  }

  receiptsBehind(log: string, key: Uint8Array, limit: number): Promise<readonly RequestReceipt[]> {
    return this.#reader.call("receiptsBehind", { log, key, limit });
  }

  keepReceipts(log: string, receipts: readonly RequestReceipt[]): Promise<void> {
    return this.#writer.call("keepReceipts", { log, receipts });
  }

  leafHashes(log: string, range: LeafRange): Promise<Uint8Array> {
    return this.#reader.call("leafHashes", { log, range });
  }

  tiles(log: string, ids: readonly TileId[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#reader.call("tiles", { log, ids });
  }

  firstAtOrAfter(log: string, receivedAt: string, size: number): Promise<number> {
    return this.#reader.call("firstAtOrAfter", { log, receivedAt, size });
  }

  isStandby(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** The reader first: the writer, as the last connection, then folds the WAL into the file. */
  async close(): Promise<void> {
    await this.#reader.close();
    await this.#writer.close();
  }
}

interface Threads {
  readonly writer: WorkerChannel<LogWriterProtocol>;
  readonly reader: WorkerChannel<LogReaderProtocol>;
}

/** The writer opens first because it creates the file and takes the lock. */
async function startThreads(files: WorkerFiles, onDeath: OnDeath | undefined): Promise<Threads> {
  const writer = WorkerChannel.start<LogWriterProtocol>({
    module: new URL("./log-writer-worker.js", import.meta.url),
    ...{ files, onDeath },
  });
  const module = new URL("./log-reader-worker.js", import.meta.url);
  const reader = WorkerChannel.start<LogReaderProtocol>({ module, files, onDeath, after: writer });
  return bothOpen(writer, reader);
}

/** Copies every hash into its own buffer: a view into a shared pool would be posted with the whole pool. */
function packed({ entries, rootHash, tiles, ...rest }: AppendBatch): PackedBatch {
  return {
    ...rest,
    canonicals: entries.map((entry) => entry.canonical),
    receivedAts: entries.map((entry) => entry.receivedAt),
    leafHashes: packedHashes(entries),
    rootHash: new Uint8Array(rootHash),
    tiles: tiles.map(({ id, bytes }) => ({ id, bytes: new Uint8Array(bytes) })),
  };
}

function packedHashes(entries: readonly NewEntry[]): Uint8Array {
  const hashes = new Uint8Array(entries.length * HASH_BYTES);
  entries.forEach((entry, place) => {
    hashes.set(entry.leafHash, place * HASH_BYTES);
  });
  return hashes;
}
