import type { LeafRange } from "../../core/tree.js";
import type { SqliteDatabase, SqliteStatement } from "./driver.js";
import { storeFailure } from "./failure.js";
import { LOG_STRIDE } from "./log-file.js";
import { bytesIn, integerIn, textIn } from "./row.js";

export interface LoggedEntry {
  readonly id: number;
  readonly leafHash: Uint8Array;
  readonly canonical: string;
}

export interface LoggedSize {
  readonly number: number;
  readonly log: string;
  readonly size: number;
}

/**
 * The log file as the index follows it. Its failures become AuditErrors about the log file, so that a damaged log is
 * never mistaken for a damaged index, which would be deleted.
 */
export class LogFollower {
  readonly #database: SqliteDatabase;
  readonly #selectSizes: SqliteStatement;
  readonly #selectEntries: SqliteStatement;
  readonly #selectLeafHash: SqliteStatement;
  readonly #selectLast: SqliteStatement;

  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#selectSizes = database.prepare("SELECT number, CAST(id AS BLOB) id, size FROM logs ORDER BY number");
    this.#selectEntries = database.prepare(
      "SELECT id, leaf_hash, CAST(canonical AS BLOB) canonical FROM entries WHERE id >= ? AND id < ? ORDER BY id",
    );
    this.#selectLeafHash = database.prepare("SELECT leaf_hash FROM entries WHERE id = ?");
    // Lengths only: SQLite stores them apart from the texts, which are not read.
    this.#selectLast = database.prepare(
      `SELECT max(id) id FROM (
         SELECT id, sum(octet_length(canonical)) OVER (ORDER BY id) - octet_length(canonical) bytes_before
         FROM entries WHERE id >= ? AND id < ?
       ) WHERE bytes_before < ?`,
    );
  }

  /** 16 random bytes created with the file: a copy has the same ones, another log file never. */
  fileId(): Uint8Array {
    return reading(() => {
      const [row] = this.#database.prepare("SELECT file_id FROM identity").all();
      return row === undefined ? new Uint8Array(0) : bytesIn(row, "file_id");
    });
  }

  sizes(): readonly LoggedSize[] {
    return reading(() =>
      this.#selectSizes.all().map((row) => {
        return { number: integerIn(row, "number"), log: textIn(row, "id"), size: integerIn(row, "size") };
      }),
    );
  }

  /** The range cut after the entry that takes it beyond so many bytes of canonical text. */
  within(number: number, { start, end }: LeafRange, bytes: number): LeafRange {
    const firstId = number * LOG_STRIDE;
    return reading(() => {
      const [row] = this.#selectLast.all(firstId + start, firstId + end, bytes);
      if (row === undefined || row["id"] === null) return { start, end };
      return { start, end: integerIn(row, "id") - firstId + 1 };
    });
  }

  entries(number: number, { start, end }: LeafRange): readonly LoggedEntry[] {
    const firstId = number * LOG_STRIDE;
    return reading(() =>
      this.#selectEntries.all(firstId + start, firstId + end).map((row) => {
        return { id: integerIn(row, "id"), leafHash: bytesIn(row, "leaf_hash"), canonical: textIn(row, "canonical") };
      }),
    );
  }

  leafHash(number: number, leafIndex: number): Uint8Array | undefined {
    return reading(() => {
      const [row] = this.#selectLeafHash.all(number * LOG_STRIDE + leafIndex);
      return row && bytesIn(row, "leaf_hash");
    });
  }

  close(): void {
    this.#database.close();
  }
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw storeFailure(error, "the log file");
  }
}
