import type { BlockId, BlockStore, StoredSegment } from "../../audit/block-store.js";
import type { SqliteDatabase, SqliteStatement } from "./driver.js";
import { BLOCK_STRIDE } from "./index-file.js";
import { bytesIn, integerIn } from "./row.js";
import type { InWorker } from "./worker-calls.js";

/** Reads the index file on its own connection, so that no search waits for a segment to be stored. */
export class BlockReader implements InWorker<BlockStore, "segments" | "blocks"> {
  readonly #selectSegments: SqliteStatement;
  readonly #selectBlocks: SqliteStatement;

  constructor(private readonly database: SqliteDatabase) {
    this.#selectSegments = database.prepare(
      "SELECT level, number, blocks, digest, last_leaf_hash FROM segments WHERE log = ? AND blocks > 0 ORDER BY level, number",
    );
    // One statement for all, because running one costs more than finding a block.
    this.#selectBlocks = database.prepare(
      `SELECT asked.key, blocks.data FROM json_each(?) AS asked
       CROSS JOIN segments ON log = ? AND level = json_extract(asked.value, '$[0]')
         AND number = json_extract(asked.value, '$[1]') AND segments.blocks > 0
       CROSS JOIN blocks ON blocks.id = segments.id * ${BLOCK_STRIDE} + json_extract(asked.value, '$[2]')`,
    );
  }

  segments(log: string): readonly StoredSegment[] {
    return this.#selectSegments.all(log).map((row) => ({
      level: integerIn(row, "level"),
      number: integerIn(row, "number"),
      blocks: integerIn(row, "blocks"),
      digest: bytesIn(row, "digest"),
      lastLeafHash: bytesIn(row, "last_leaf_hash"),
    }));
  }

  blocks(log: string, ids: readonly BlockId[]): readonly (Uint8Array | undefined)[] {
    const asked = JSON.stringify(ids.map(({ level, number, block }) => [level, number, block]));
    const found = new Map(
      this.#selectBlocks.all(asked, log).map((row) => [integerIn(row, "key"), bytesIn(row, "data")]),
    );
    return ids.map((_, place) => found.get(place));
  }

  close(): void {
    this.database.close();
  }
}
