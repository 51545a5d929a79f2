import type { AppendBatch, LogStore, NewEntry } from "../../audit/store.js";
import { HASH_BYTES } from "../../core/bytes.js";
import type { LogReader, PackedTexts } from "./log-reader.js";
import type { LogWriter, PackedBatch } from "./log-writer.js";
import { bothOpen, WorkerChannel, type OnDeath } from "./worker-channel.js";
import type { WorkerFiles } from "./worker-thread.js";

/**
 * Keeps logs in one SQLite file: one worker commits, another reads, and this thread only passes messages. `onDeath` is
 * called when a thread ends by itself. Rejects with UNAVAILABLE when the file cannot be used.
 */
export async function openSqliteLog(files: WorkerFiles, onDeath?: OnDeath): Promise<LogStore> {
  const { writer, reader } = await startThreads(files, onDeath);
  const head = writer.caller("head");
  const store: LogStore = {
    head,
    heads: writer.caller("heads"),
    headless: writer.caller("headless"),
    createLog: writer.caller("createLog"),
    keepReceipts: writer.caller("keepReceipts"),
    receipts: reader.caller("receipts"),
    receiptsBehind: reader.caller("receiptsBehind"),
    leafHashes: reader.caller("leafHashes"),
    tiles: reader.caller("tiles"),
    firstAtOrAfter: reader.caller("firstAtOrAfter"),
    entries: (log, leafIndexes, signal) => reader.call("entries", [log, leafIndexes], signal),
    canonicals: async (log, leafIndexes, signal) =>
      unpacked(await reader.call("canonicals", [log, leafIndexes], signal)),
    append: (batch) => writer.call("append", [packed(batch)]),
    confirm: async (log) => {
      await writer.call("confirm", []);
      return { durability: "durable", head: await head(log) };
    },
    snapshot: (look) => look(store), // there is one server
    isStandby: () => Promise.resolve(false),
    close: async () => {
      await reader.close(); // first: the writer, as the last connection, then folds the WAL into the file
      await writer.close();
    },
  };
  return store;
}

interface Threads {
  readonly writer: WorkerChannel<LogWriter>;
  readonly reader: WorkerChannel<LogReader>;
}

/** The writer opens first because it creates the file and takes the lock. */
async function startThreads(files: WorkerFiles, onDeath: OnDeath | undefined): Promise<Threads> {
  const writer = WorkerChannel.start<LogWriter>({
    module: new URL("./log-writer-worker.js", import.meta.url),
    ...{ files, onDeath },
  });
  const module = new URL("./log-reader-worker.js", import.meta.url);
  const reader = WorkerChannel.start<LogReader>({ module, files, onDeath, after: writer });
  return bothOpen(writer, reader);
}

function unpacked({ bytes, lengths }: PackedTexts): readonly (Uint8Array | undefined)[] {
  let at = 0;
  return lengths.map((length) => (length < 0 ? undefined : bytes.subarray(at, (at += length))));
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
