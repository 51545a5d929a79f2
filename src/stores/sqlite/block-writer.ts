import type { BlockStore, SegmentBlocks } from "../../audit/block-store.js";
import type { SegmentId } from "../../core/segment/format.js";
import type { SqliteDatabase, SqliteStatement } from "./driver.js";
import { inTransaction } from "./file.js";
import { BLOCK_STRIDE } from "./index-file.js";
import { integerIn } from "./row.js";
import type { InWorker } from "./worker-calls.js";

/** Writes the index file. */
export class BlockWriter implements InWorker<BlockStore, "put" | "remove"> {
  readonly #selectId: SqliteStatement;
  readonly #insertSegment: SqliteStatement;
  readonly #insertBlock: SqliteStatement;
  readonly #deleteSegment: SqliteStatement;
  readonly #deleteBlocks: SqliteStatement;

  constructor(private readonly database: SqliteDatabase) {
    this.#selectId = database.prepare("SELECT id FROM segments WHERE log = ? AND level = ? AND number = ?");
    this.#insertSegment = database.prepare(
      `INSERT INTO segments (log, level, number, blocks, digest, last_leaf_hash) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    );
    this.#insertBlock = database.prepare("INSERT INTO blocks (id, data) VALUES (?, ?)");
    this.#deleteSegment = database.prepare("DELETE FROM segments WHERE id = ?");
    this.#deleteBlocks = database.prepare("DELETE FROM blocks WHERE id >= ? AND id < ?");
  }

  put(log: string, { level, number, blocks, digest, lastLeafHash, contents }: SegmentBlocks): void {
    inTransaction(this.database, () => {
      if (this.#insertSegment.run(log, level, number, blocks, digest, lastLeafHash) === 0) return;
      const firstId = this.#idsOf(log, { level, number }).map((id) => id * BLOCK_STRIDE)[0] ?? 0;
      contents.forEach((block, place) => {
        this.#insertBlock.run(firstId + place, block);
      });
    });
  }

  remove(log: string, ids: readonly SegmentId[]): void {
    inTransaction(this.database, () => {
      for (const id of ids.flatMap((segment) => this.#idsOf(log, segment))) {
        this.#deleteBlocks.run(id * BLOCK_STRIDE, (id + 1) * BLOCK_STRIDE);
        this.#deleteSegment.run(id);
      }
    });
  }

  close(): void {
    this.database.close();
  }

  #idsOf(log: string, { level, number }: SegmentId): readonly number[] {
    return this.#selectId.all(log, level, number).map((row) => integerIn(row, "id"));
  }
}
