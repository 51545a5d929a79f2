import type { LogStore, RequestReceipt, StoredEntry } from "../../audit/store.js";
import { concatBytes, HASH_BYTES } from "../../core/bytes.js";
import type { TileId, LeafRange } from "../../core/tree.js";
import type { SqliteDatabase, SqliteStatement, SqlRow } from "./driver.js";
import { LOG_STRIDE } from "./log-file.js";
import { bytesIn, integerIn, optionalBytesIn, textIn } from "./row.js";
import type { InWorker } from "./worker-calls.js";

/** Texts of entries in one buffer: to pass one between threads costs as much as to read an entry. */
export interface PackedTexts {
  readonly bytes: Uint8Array;
  /** Of each entry asked for, in bytes; -1 for one that is not there. */
  readonly lengths: readonly number[];
}

type Reads = InWorker<LogStore, "entries" | "receipts" | "receiptsBehind" | "leafHashes" | "tiles" | "firstAtOrAfter">;

/** Reads the log file on its own connection, so that no read waits for a commit. */
export class LogReader implements Reads {
  readonly #database: SqliteDatabase;
  readonly #numbers = new Map<string, number>();
  readonly #selectNumber: SqliteStatement;
  readonly #selectEntries: SqliteStatement;
  readonly #selectCanonicals: SqliteStatement;
  readonly #selectReceipt: SqliteStatement;
  readonly #selectReceiptsBehind: SqliteStatement;
  readonly #selectLeafHashes: SqliteStatement;
  readonly #selectTiles: SqliteStatement;
  readonly #selectReceivedAt: SqliteStatement;

  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#selectNumber = database.prepare("SELECT number FROM logs WHERE id = ?");
    this.#selectEntries = database.prepare(
      `SELECT id, leaf_hash, CAST(received_at AS BLOB) received_at, CAST(canonical AS BLOB) canonical FROM entries
       WHERE id IN (SELECT value FROM json_each(?))`,
    );
    this.#selectCanonicals = database.prepare(
      "SELECT id, CAST(canonical AS BLOB) canonical FROM entries WHERE id IN (SELECT value FROM json_each(?))",
    );
    this.#selectReceipt = database.prepare("SELECT * FROM receipts WHERE log = ? AND key = ?");
    this.#selectReceiptsBehind = database.prepare(
      "SELECT * FROM receipts WHERE log = ? AND key > ? ORDER BY key LIMIT CAST(? AS INTEGER)",
    );
    this.#selectLeafHashes = database.prepare("SELECT leaf_hash FROM entries WHERE id >= ? AND id < ? ORDER BY id");
    // One statement for all, because running one costs more than finding a tile. CROSS JOIN: each is looked up by its
    // key.
    this.#selectTiles = database.prepare(
      `SELECT asked.key, data FROM json_each(?) AS asked CROSS JOIN tiles
       WHERE log = ? AND level = json_extract(asked.value, '$[0]') AND idx = json_extract(asked.value, '$[1]')`,
    );
    this.#selectReceivedAt = database.prepare("SELECT CAST(received_at AS BLOB) received_at FROM entries WHERE id = ?");
  }

  entries(log: string, leafIndexes: readonly number[]): readonly (StoredEntry | undefined)[] {
    const found = this.#found(this.#selectEntries, log, leafIndexes, entryOf);
    return leafIndexes.map((leafIndex) => found.get(leafIndex));
  }

  canonicals(log: string, leafIndexes: readonly number[]): PackedTexts {
    const found = this.#found(this.#selectCanonicals, log, leafIndexes, (row) => bytesIn(row, "canonical"));
    const texts = leafIndexes.map((leafIndex) => found.get(leafIndex));
    const bytes = concatBytes(texts.filter((text) => text !== undefined));
    return { bytes, lengths: texts.map((text) => text?.length ?? -1) };
  }

  receipts(log: string, keys: readonly Uint8Array[]): readonly (RequestReceipt | undefined)[] {
    const number = this.#numberOf(log);
    if (number === undefined) return keys.map(() => undefined);
    return keys.map((key) => {
      const [row] = this.#selectReceipt.all(number, key);
      return row && receiptOf(row);
    });
  }

  receiptsBehind(log: string, key: Uint8Array, limit: number): readonly RequestReceipt[] {
    const number = this.#numberOf(log);
    return number === undefined ? [] : this.#selectReceiptsBehind.all(number, key, limit).map(receiptOf);
  }

  leafHashes(log: string, range: LeafRange): Uint8Array {
    const firstId = this.#firstId(log);
    if (firstId === undefined) return new Uint8Array(0);
    const end = Math.min(range.end, LOG_STRIDE);
    const rows = this.#selectLeafHashes.all(firstId + range.start, firstId + end);
    const packed = new Uint8Array(rows.length * HASH_BYTES);
    rows.forEach((row, place) => {
      packed.set(bytesIn(row, "leaf_hash").subarray(0, HASH_BYTES), place * HASH_BYTES);
    });
    return packed;
  }

  tiles(log: string, ids: readonly TileId[]): readonly (Uint8Array | undefined)[] {
    const number = this.#numberOf(log);
    if (number === undefined) return ids.map(() => undefined);
    const asked = JSON.stringify(ids.map(({ level, index }) => [level, index]));
    const found = new Map(
      this.#selectTiles.all(asked, number).map((row) => [integerIn(row, "key"), bytesIn(row, "data")]),
    );
    return ids.map((_, place) => found.get(place));
  }

  firstAtOrAfter(log: string, receivedAt: string, size: number): number {
    const firstId = this.#firstId(log);
    if (firstId === undefined) return 0;
    let low = 0;
    let high = size;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#receivedBefore(firstId + middle, receivedAt)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  close(): void {
    this.#database.close();
  }

  /** What rows of entries have, by leaf index. */
  #found<Part>(
    statement: SqliteStatement,
    ...[log, leafIndexes, part]: [string, readonly number[], (row: SqlRow, leafIndex: number) => Part]
  ): ReadonlyMap<number, Part> {
    const firstId = this.#firstId(log);
    if (firstId === undefined) return new Map();
    const ids = leafIndexes.filter((leafIndex) => leafIndex < LOG_STRIDE).map((leafIndex) => firstId + leafIndex);
    const found = new Map<number, Part>();
    for (const row of statement.all(JSON.stringify(ids))) {
      const leafIndex = integerIn(row, "id") - firstId;
      found.set(leafIndex, part(row, leafIndex));
    }
    return found;
  }

  #receivedBefore(id: number, receivedAt: string): boolean {
    const [row] = this.#selectReceivedAt.all(id);
    return row !== undefined && textIn(row, "received_at") < receivedAt;
  }

  #firstId(log: string): number | undefined {
    const number = this.#numberOf(log);
    return number === undefined ? undefined : number * LOG_STRIDE;
  }

  /** Logs are never removed or renumbered, so a number can be cached. */
  #numberOf(log: string): number | undefined {
    const known = this.#numbers.get(log);
    if (known !== undefined) return known;
    const [row] = this.#selectNumber.all(log);
    if (row === undefined) return undefined;
    const number = integerIn(row, "number");
    this.#numbers.set(log, number);
    return number;
  }
}

function entryOf(row: SqlRow, leafIndex: number): StoredEntry {
  const [canonical, receivedAt] = [textIn(row, "canonical"), textIn(row, "received_at")];
  return { leafIndex, canonical, leafHash: bytesIn(row, "leaf_hash"), receivedAt };
}

function receiptOf(row: SqlRow): RequestReceipt {
  return {
    key: bytesIn(row, "key"),
    requestDigest: bytesIn(row, "request_digest"),
    firstIndex: integerIn(row, "first_index"),
    count: integerIn(row, "entry_count"),
    treeSize: integerIn(row, "tree_size"),
    seal: optionalBytesIn(row, "seal"),
  };
}
