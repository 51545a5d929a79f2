import { unlessAborted } from "../../audit/calls.js";
import type {
  AppendBatch,
  AppendOutcome,
  Confirmed,
  LogHead,
  LogReads,
  LogStore,
  NewEntry,
  StoredEntry,
  StoredText,
  RequestReceipt,
} from "../../audit/store.js";
import { equalBytes, HASH_BYTES } from "../../core/bytes.js";
import type { TileId, LeafRange } from "../../core/tree.js";

/** One log's data. `entries` is never replaced and only grows. */
interface MemoryLog {
  head: LogHead;
  readonly entries: NewEntry[];
  readonly tiles: Map<string, Uint8Array>;
  readonly receipts: Map<string, RequestReceipt>;
}

const tileKey = ({ level, index }: TileId): string => `${level}/${index}`;
const nameOf = (key: Uint8Array): string => key.join();

/**
 * Keeps logs in memory, for tests and trials: nothing survives the process. Every method finishes its work before it
 * returns.
 */
export class MemoryLogStore implements LogStore {
  readonly #logs = new Map<string, MemoryLog>();

  /** There is one server. */
  snapshot<Result>(look: (reads: LogReads) => Promise<Result>): Promise<Result> {
    return look(this);
  }

  createLog(initial: LogHead): Promise<LogHead> {
    const existing = this.#logs.get(initial.log);
    if (existing !== undefined) return Promise.resolve(existing.head);
    this.#logs.set(initial.log, { head: initial, entries: [], tiles: new Map(), receipts: new Map() });
    return Promise.resolve(initial);
  }

  heads(): Promise<readonly LogHead[]> {
    return Promise.resolve([...this.#logs.values()].map((log) => log.head));
  }

  headless(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  head(log: string): Promise<LogHead | undefined> {
    return Promise.resolve(this.#logs.get(log)?.head);
  }

  append(batch: AppendBatch): Promise<AppendOutcome> {
    const log = this.#logs.get(batch.log);
    const { expectedSize, expectedRoot, receipts = [] } = batch;
    if (log?.head.size !== expectedSize) return Promise.resolve({ kind: "conflict" });
    if (expectedRoot !== undefined && !equalBytes(log.head.rootHash, expectedRoot)) {
      return Promise.resolve({ kind: "conflict" });
    }
    if (receipts.some(({ key }) => log.receipts.has(nameOf(key)))) return Promise.resolve({ kind: "repeated" });
    for (const entry of batch.entries) log.entries.push(entry);
    for (const tile of batch.tiles) log.tiles.set(tileKey(tile.id), tile.bytes);
    log.head = headAfter(log.head, batch);
    for (const receipt of receipts) log.receipts.set(nameOf(receipt.key), receipt);
    return Promise.resolve({ kind: "appended" });
  }

  /** Data in memory never becomes more durable than it is. */
  confirm(log: string): Promise<Confirmed> {
    return Promise.resolve({ durability: "durable", head: this.#logs.get(log)?.head });
  }

  entries(
    log: string,
    leafIndexes: readonly number[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredEntry | undefined)[]> {
    const found = leafIndexes.map((leafIndex) => this.#storedEntry(log, leafIndex));
    return unlessAborted(Promise.resolve(found), signal);
  }

  receipts(log: string, keys: readonly Uint8Array[]): Promise<readonly (RequestReceipt | undefined)[]> {
    return Promise.resolve(keys.map((key) => this.#logs.get(log)?.receipts.get(nameOf(key))));
  }

  receiptsBehind(log: string, key: Uint8Array, limit: number): Promise<readonly RequestReceipt[]> {
    const receipts = [...(this.#logs.get(log)?.receipts.values() ?? [])];
    const behind = receipts.filter((receipt) => Buffer.compare(receipt.key, key) > 0);
    return Promise.resolve(behind.sort((a, b) => Buffer.compare(a.key, b.key)).slice(0, limit));
  }

  keepReceipts(log: string, receipts: readonly RequestReceipt[]): Promise<void> {
    const kept = this.#logs.get(log)?.receipts;
    for (const receipt of receipts) {
      const name = nameOf(receipt.key);
      if (kept?.has(name) === false) kept.set(name, receipt);
    }
    return Promise.resolve();
  }

  async canonicals(
    log: string,
    leafIndexes: readonly number[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredText | undefined)[]> {
    const entries = await this.entries(log, leafIndexes, signal);
    return entries.map((entry) => entry?.canonical);
  }

  leafHashes(log: string, { start, end }: LeafRange): Promise<Uint8Array> {
    const entries = this.#logs.get(log)?.entries.slice(start, end) ?? [];
    const packed = new Uint8Array(entries.length * HASH_BYTES);
    entries.forEach(({ leafHash }, place) => {
      packed.set(leafHash, place * HASH_BYTES);
    });
    return Promise.resolve(packed);
  }

  tiles(log: string, ids: readonly TileId[]): Promise<readonly (Uint8Array | undefined)[]> {
    return Promise.resolve(ids.map((id) => this.#logs.get(log)?.tiles.get(tileKey(id))));
  }

  firstAtOrAfter(log: string, receivedAt: string, size: number): Promise<number> {
    const entries = this.#logs.get(log)?.entries.slice(0, size) ?? [];
    const found = entries.findIndex((entry) => entry.receivedAt >= receivedAt);
    return Promise.resolve(found === -1 ? entries.length : found);
  }

  isStandby(): Promise<boolean> {
    return Promise.resolve(false);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #storedEntry(log: string, leafIndex: number): StoredEntry | undefined {
    const entry = this.#logs.get(log)?.entries[leafIndex];
    return entry && { leafIndex, canonical: entry.canonical, leafHash: entry.leafHash, receivedAt: entry.receivedAt };
  }
}

function headAfter(head: LogHead, { entries, rootHash, checkpoint }: AppendBatch): LogHead {
  const lastReceivedAt = entries.at(-1)?.receivedAt ?? head.lastReceivedAt;
  return { ...head, size: head.size + entries.length, rootHash, checkpoint, lastReceivedAt };
}
