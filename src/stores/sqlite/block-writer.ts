import type { BlockStore, SegmentBlocks, StagedBlock, StoredSegment } from "../../audit/block-store.js";
import type { SegmentId } from "../../core/segment/format.js";
import type { SqliteDatabase, SqliteStatement } from "./driver.js";
import { inTransaction } from "./file.js";
import { BLOCK_STRIDE } from "./index-file.js";
import { integerIn } from "./row.js";
import type { InWorker } from "./worker-calls.js";

/**
 * Writes the index file. A segment of which some blocks are staged has a row that says it has none: readers pass over it. Its blocks lie
 * where they will be found when it is published, under an id that is never used again if it is not.
 */
export class BlockWriter implements InWorker<BlockStore, "put" | "stage" | "publish" | "remove"> {
  readonly #selectId: SqliteStatement;
  readonly #insertSegment: SqliteStatement;
  readonly #insertBlock: SqliteStatement;
  readonly #stageBlock: SqliteStatement;
  readonly #countBlocks: SqliteStatement;
  readonly #publish: SqliteStatement;
  readonly #deleteSegment: SqliteStatement;
  readonly #deleteBlocks: SqliteStatement;

  constructor(private readonly database: SqliteDatabase) {
    this.#selectId = database.prepare("SELECT id, blocks FROM segments WHERE log = ? AND level = ? AND number = ?");
    this.#insertSegment = database.prepare(
      `INSERT INTO segments (log, level, number, blocks, digest, last_leaf_hash) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    );
    this.#insertBlock = database.prepare("INSERT INTO blocks (id, data) VALUES (?, ?)");
    this.#stageBlock = database.prepare(
      "INSERT INTO blocks (id, data) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data",
    );
    this.#countBlocks = database.prepare("SELECT count(*) AS count FROM blocks WHERE id >= ? AND id < ?");
    this.#publish = database.prepare("UPDATE segments SET blocks = ?, digest = ?, last_leaf_hash = ? WHERE id = ?");
    this.#deleteSegment = database.prepare("DELETE FROM segments WHERE id = ?");
    this.#deleteBlocks = database.prepare("DELETE FROM blocks WHERE id >= ? AND id < ?");
  }

  put(log: string, { level, number, blocks, digest, lastLeafHash, contents }: SegmentBlocks): void {
    inTransaction(this.database, () => {
      const staged = this.#stagedId(log, { level, number });
      if (staged !== undefined) this.#delete(staged);
      if (this.#insertSegment.run(log, level, number, blocks, digest, lastLeafHash) === 0) return;
      const firstId = this.#idsOf(log, { level, number }).map((id) => id * BLOCK_STRIDE)[0] ?? 0;
      contents.forEach((block, place) => {
        this.#insertBlock.run(firstId + place, block);
      });
    });
  }

  stage(log: string, { level, number }: SegmentId, blocks: readonly StagedBlock[]): void {
    inTransaction(this.database, () => {
      this.#insertSegment.run(log, level, number, STAGED, NOTHING, NOTHING);
      const id = this.#stagedId(log, { level, number });
      if (id === undefined) return; // it was published meanwhile
      for (const { block, data } of blocks) this.#stageBlock.run(id * BLOCK_STRIDE + block, data);
    });
  }

  publish(log: string, { level, number, blocks, digest, lastLeafHash }: StoredSegment): void {
    inTransaction(this.database, () => {
      const id = this.#stagedId(log, { level, number });
      if (id === undefined) return;
      const [row] = this.#countBlocks.all(id * BLOCK_STRIDE, id * BLOCK_STRIDE + blocks);
      if (row !== undefined && integerIn(row, "count") === blocks) this.#publish.run(blocks, digest, lastLeafHash, id);
    });
  }

  remove(log: string, ids: readonly SegmentId[]): void {
    inTransaction(this.database, () => {
      for (const id of ids.flatMap((segment) => this.#idsOf(log, segment))) this.#delete(id);
    });
  }

  #delete(id: number): void {
    this.#deleteBlocks.run(id * BLOCK_STRIDE, (id + 1) * BLOCK_STRIDE);
    this.#deleteSegment.run(id);
  }

  #stagedId(log: string, { level, number }: SegmentId): number | undefined {
    const rows = this.#selectId.all(log, level, number);
    return rows.filter((row) => integerIn(row, "blocks") === STAGED).map((row) => integerIn(row, "id"))[0];
  }

  close(): void {
    this.database.close();
  }

  #idsOf(log: string, { level, number }: SegmentId): readonly number[] {
    return this.#selectId.all(log, level, number).map((row) => integerIn(row, "id"));
  }
}

/** The number of blocks in the row of a segment that is not published. */
const STAGED = 0;
const NOTHING = new Uint8Array();
