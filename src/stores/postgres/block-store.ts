import { randomUUID } from "node:crypto";
import type { BlockId, BlockStore, SegmentBlocks, StagedBlock, StoredSegment } from "../../audit/block-store.js";
import type { SegmentId } from "../../core/segment/format.js";
import { leavesOf } from "../../core/segment/search.js";
import type { Database } from "./database.js";
import type { Statement } from "./transaction.js";

const SEGMENTS: Statement<StoredSegment> = {
  name: "segments",
  text: `
    SELECT level, number, blocks, digest, last_leaf_hash AS "lastLeafHash"
    FROM auditql.segments WHERE log = $1 ORDER BY level, number`,
};

const BLOCKS: Statement<{ readonly place: number; readonly data: Uint8Array }> = {
  name: "blocks",
  text: `
    SELECT asked.place, blocks.data
    FROM unnest($2::integer[], $3::bigint[], $4::integer[]) WITH ORDINALITY AS asked (level, number, block, place)
    JOIN auditql.blocks USING (level, number, block) WHERE blocks.log = $1`,
};

/** Only while the log's last leaf is the segment's: another server may have another history. */
const PUT_SEGMENT: Statement<{ readonly isNew: boolean }> = {
  name: "segment-put",
  text: `
    INSERT INTO auditql.segments (log, level, number, blocks, digest, last_leaf_hash)
    SELECT $1::text, $2::integer, $3::bigint, $4::integer, $5::bytea, leaf_hash
    FROM auditql.entries WHERE log = $1 AND leaf_index = $6 AND leaf_hash = $7
    ON CONFLICT (log, level, number) DO NOTHING RETURNING true AS "isNew"`,
};

const PUT_BLOCKS: Statement<never> = {
  name: "blocks-put",
  text: `
    INSERT INTO auditql.blocks (log, level, number, block, data)
    SELECT $1::text, $2::integer, $3::bigint, $4::integer + block.place - 1, block.data
    FROM unnest($5::bytea[]) WITH ORDINALITY AS block (data, place)`,
};

/** Where two gateways stage the same segment, their blocks are the same. */
const STAGE_BLOCKS: Statement<never> = {
  name: "blocks-stage",
  text: `
    INSERT INTO auditql.blocks (log, level, number, block, data)
    SELECT $1::text, $2::integer, $3::bigint, staged.block, staged.data
    FROM unnest($4::integer[], $5::bytea[]) AS staged (block, data)
    ON CONFLICT (log, level, number, block) DO NOTHING`,
};

const COUNT_BLOCKS: Statement<{ readonly count: number }> = {
  name: "blocks-count",
  text: `
    SELECT count(*)::integer AS count FROM auditql.blocks
    WHERE log = $1 AND level = $2 AND number = $3 AND block < $4`,
};

const removal = (table: string): Statement<never> => ({
  name: `${table}-remove`,
  text: `
    DELETE FROM auditql.${table} AS gone USING unnest($2::integer[], $3::bigint[]) AS asked (level, number)
    WHERE gone.log = $1 AND gone.level = asked.level AND gone.number = asked.number`,
});
const REMOVE_BLOCKS = removal("blocks");
const REMOVALS = [removal("segments"), REMOVE_BLOCKS];

/** Longer than storing a segment takes; a gateway that dies meanwhile delays the others by this at most. */
const TURN_END = "now() + interval '10 seconds'";

const CLAIM: Statement<{ readonly isMine: boolean }> = {
  name: "index-turn",
  text: `
    INSERT INTO auditql.index_turns AS turn (log, holder, held_until) VALUES ($1, $2, ${TURN_END})
    ON CONFLICT (log) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
    WHERE turn.holder = excluded.holder OR turn.held_until <= now()
    RETURNING true AS "isMine"`,
};

/** Blocks of one statement: 2 MB. */
const BLOCKS_AT_ONCE = 1_000;

/** Keeps segments in the tables beside the logs; any number of gateways may store and read the same ones. */
export class PostgresBlockStore implements BlockStore {
  readonly #database: Database;
  readonly #holder = randomUUID();

  constructor(database: Database) {
    this.#database = database;
  }

  segments(log: string): Promise<readonly StoredSegment[]> {
    return this.#database.rows(SEGMENTS, [log]);
  }

  async blocks(log: string, ids: readonly BlockId[]): Promise<readonly (Uint8Array | undefined)[]> {
    const rows = await this.#database.rows(BLOCKS, [log, ...columnsOf(ids), ids.map(({ block }) => block)]);
    const found = new Map(rows.map(({ place, data }) => [place, data]));
    return ids.map((_, place) => found.get(place + 1));
  }

  async put(log: string, segment: SegmentBlocks): Promise<void> {
    const { level, number, blocks, digest, lastLeafHash, contents } = segment;
    const last = leavesOf(segment).end - 1;
    await this.#database.transaction(async (session) => {
      const values = [log, level, number, blocks, digest, last, lastLeafHash];
      if ((await session.rows(PUT_SEGMENT, values)).length === 0) return;
      await session.rows(REMOVE_BLOCKS, [log, ...columnsOf([segment])]); // some may be staged
      for (let start = 0; start < blocks; start += BLOCKS_AT_ONCE)
        await session.rows(PUT_BLOCKS, [log, level, number, start, contents.slice(start, start + BLOCKS_AT_ONCE)]);
    });
  }

  async stage(log: string, { level, number }: SegmentId, blocks: readonly StagedBlock[]): Promise<void> {
    const numbers = blocks.map(({ block }) => block);
    const data = blocks.map((block) => block.data);
    await this.#database.rows(STAGE_BLOCKS, [log, level, number, numbers, data]);
  }

  async publish(log: string, segment: StoredSegment): Promise<void> {
    const { level, number, blocks, digest, lastLeafHash } = segment;
    const [staged] = await this.#database.rows(COUNT_BLOCKS, [log, level, number, blocks]);
    if (staged?.count !== blocks) return;
    const last = leavesOf(segment).end - 1;
    await this.#database.rows(PUT_SEGMENT, [log, level, number, blocks, digest, last, lastLeafHash]);
  }

  async remove(log: string, ids: readonly SegmentId[]): Promise<void> {
    await this.#database.transaction(async (session) => {
      for (const statement of REMOVALS) await session.rows(statement, [log, ...columnsOf(ids)]);
    });
  }

  /** Not while the database is away or may only be read. */
  async claim(log: string): Promise<boolean> {
    const claimed = await this.#database.rows(CLAIM, [log, this.#holder]).catch(() => []);
    return claimed.length > 0;
  }

  /** The database stays open: it belongs to the code that opened it. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

function columnsOf(ids: readonly SegmentId[]): readonly [levels: readonly number[], numbers: readonly number[]] {
  return [ids.map(({ level }) => level), ids.map(({ number }) => number)];
}
