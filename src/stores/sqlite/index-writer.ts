import { EVENT_FIELDS } from "../../core/event.js";
import type { SqliteDatabase, SqliteStatement } from "./driver.js";
import { isBeyondUse, storeFailure } from "./failure.js";
import { inTransaction } from "./file.js";
import { indexDocument } from "./index-document.js";
import { SORTED_FIELDS } from "./index-file.js";
import type { LoggedEntry, LoggedSize, LogFollower } from "./log-follower.js";
import { integerIn, textIn } from "./row.js";

export type IndexNotice =
  | { readonly kind: "indexed"; readonly log: string; readonly size: number }
  /** The index file is unusable; nothing more is written to it. */
  | { readonly kind: "beyond use" }
  /** Until the next wake. */
  | { readonly kind: "stopped"; readonly reason: string };

/**
 * Entries of one transaction: enough to spread its cost, few enough that a search waits only a moment for a new entry.
 */
const BATCH_ENTRIES = 2_000;
/** A transaction ends with the entry that takes it beyond this many bytes of canonical text. */
const BATCH_BYTES = 8_000_000;

/** Follows the log, one batch per turn of the worker's event loop, so that messages are handled between batches. */
export class IndexWriter {
  readonly #log: LogFollower;
  readonly #index: SqliteDatabase;
  readonly #notify: (notice: IndexNotice) => void;
  readonly #sizes: Map<string, number>;
  readonly #insertSearch: SqliteStatement;
  readonly #insertDocs: SqliteStatement;
  readonly #moveWatermark: SqliteStatement;
  #turn: NodeJS.Immediate | undefined;

  constructor(log: LogFollower, index: SqliteDatabase, notify: (notice: IndexNotice) => void) {
    this.#log = log;
    this.#index = index;
    this.#notify = notify;
    this.#sizes = indexedSizes(index);
    this.#insertSearch = index.prepare(insertion("search", "rowid", [...EVENT_FIELDS, "tokens"]));
    this.#insertDocs = index.prepare(insertion("docs", "id", SORTED_FIELDS));
    this.#moveWatermark = index.prepare(
      `INSERT INTO logs (number, id, size, last_leaf_hash) VALUES (?, ?, ?, ?)
       ON CONFLICT (number) DO UPDATE SET size = excluded.size, last_leaf_hash = excluded.last_leaf_hash`,
    );
    for (const [name, size] of this.#sizes) notify({ kind: "indexed", log: name, size });
  }

  /** The log has grown, or someone waits: looks for entries that are not indexed. */
  wake(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#takeTurn();
    });
  }

  close(): void {
    clearImmediate(this.#turn);
    this.#log.close();
    this.#index.close();
  }

  /** After a failure that may pass (a full disk, a lock) the next wake tries again; waiting searches time out. */
  #takeTurn(): void {
    try {
      if (this.#indexNextBatch()) this.wake();
    } catch (error) {
      if (isBeyondUse(error)) this.#notify({ kind: "beyond use" });
      else this.#notify({ kind: "stopped", reason: storeFailure(error, "the search index").message });
    }
  }

  /** Returns whether there was anything to index. */
  #indexNextBatch(): boolean {
    const behind = this.#log.sizes().find(({ log, size }) => size > this.#indexedSize(log));
    if (behind === undefined) return false;
    const start = this.#indexedSize(behind.log);
    const most = { start, end: Math.min(behind.size, start + BATCH_ENTRIES) };
    const range = this.#log.within(behind.number, most, BATCH_BYTES);
    const { end } = range;
    const entries = this.#log.entries(behind.number, range);
    inTransaction(this.#index, () => {
      this.#insert({ ...behind, size: end }, entries);
    });
    this.#sizes.set(behind.log, end);
    this.#notify({ kind: "indexed", log: behind.log, size: end });
    return true;
  }

  #insert({ number, log, size }: LoggedSize, entries: readonly LoggedEntry[]): void {
    for (const entry of entries) {
      const { search, docs } = indexDocument(entry);
      this.#insertSearch.run(entry.id, ...search);
      this.#insertDocs.run(entry.id, ...docs);
    }
    this.#moveWatermark.run(number, log, size, entries.at(-1)?.leafHash ?? new Uint8Array(0));
  }

  #indexedSize(log: string): number {
    return this.#sizes.get(log) ?? 0;
  }
}

function indexedSizes(index: SqliteDatabase): Map<string, number> {
  const rows = index.prepare("SELECT CAST(id AS BLOB) id, size FROM logs").all();
  return new Map(rows.map((row) => [textIn(row, "id"), integerIn(row, "size")]));
}

function insertion(table: string, key: string, columns: readonly string[]): string {
  const names = [key, ...columns].map((name) => `"${name}"`);
  return `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
}
