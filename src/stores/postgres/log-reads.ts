import type { LogHead, LogReads, StoredEntry } from "../../audit/store.js";
import type { TileId, LeafRange } from "../../core/tree.js";
import { HEAD_COLUMNS } from "./confirmation.js";
import type { Statement } from "./transaction.js";

const HEAD: Statement<LogHead> = {
  name: "head",
  text: `SELECT ${HEAD_COLUMNS} FROM auditql.heads WHERE log = $1`,
};

const ENTRIES: Statement<StoredEntry> = {
  name: "entries",
  text: `
    SELECT leaf_index AS "leafIndex", canonical, leaf_hash AS "leafHash", received_at AS "receivedAt"
    FROM auditql.entries WHERE log = $1 AND leaf_index = ANY ($2::bigint[])`,
};

const CANONICALS: Statement<Pick<StoredEntry, "leafIndex" | "canonical">> = {
  name: "canonicals",
  text: `
    SELECT leaf_index AS "leafIndex", canonical FROM auditql.entries WHERE log = $1 AND leaf_index = ANY ($2::bigint[])`,
};

const LEAF_HASHES: Statement<{ readonly packed: Uint8Array }> = {
  name: "leaf-hashes",
  text: `
    SELECT coalesce(string_agg(leaf_hash, '' ORDER BY leaf_index), '') AS packed
    FROM auditql.entries WHERE log = $1 AND leaf_index >= $2 AND leaf_index < $3`,
};

interface TileRow {
  readonly level: number;
  readonly index: number;
  readonly nodes: Uint8Array;
}

const TILES: Statement<TileRow> = {
  name: "tiles",
  text: `
    SELECT tile_level AS level, tile_index AS index, nodes
    FROM auditql.tiles JOIN unnest($2::integer[], $3::bigint[]) AS asked (tile_level, tile_index)
    USING (tile_level, tile_index) WHERE log = $1`,
};

const IS_STANDBY: Statement<{ readonly isStandby: boolean }> = {
  name: "is-standby",
  text: `SELECT pg_is_in_recovery() AS "isStandby"`,
};

/** Limits one result to 2 MB of hashes. */
const LEAF_HASHES_AT_ONCE = 65_536;

/** What reads run on: a database, or one of its transactions. */
export interface ReadSession {
  rows<Row extends object>(
    statement: Statement<Row>,
    values: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<readonly Row[]>;
}

/** Reads logs from PostgreSQL. */
export class PostgresLogReads implements LogReads {
  readonly #session: ReadSession;

  constructor(session: ReadSession) {
    this.#session = session;
  }

  async head(log: string): Promise<LogHead | undefined> {
    const [head] = await this.#session.rows(HEAD, [log]);
    return head;
  }

  async entries(
    log: string,
    leafIndexes: readonly number[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredEntry | undefined)[]> {
    const rows = await this.#session.rows(ENTRIES, [log, [...new Set(leafIndexes)]], signal);
    return inOrder(rows, leafIndexes);
  }

  async canonicals(
    log: string,
    leafIndexes: readonly number[],
    signal?: AbortSignal,
  ): Promise<readonly (string | undefined)[]> {
    const rows = await this.#session.rows(CANONICALS, [log, [...new Set(leafIndexes)]], signal);
    return inOrder(rows, leafIndexes).map((row) => row?.canonical);
  }

  async leafHashes(log: string, { start, end }: LeafRange): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let from = start; from < end; from += LEAF_HASHES_AT_ONCE) {
      const to = Math.min(from + LEAF_HASHES_AT_ONCE, end);
      const [part] = await this.#session.rows(LEAF_HASHES, [log, from, to]);
      if (part === undefined || part.packed.length === 0) break;
      parts.push(part.packed);
    }
    return Buffer.concat(parts);
  }

  async tiles(log: string, ids: readonly TileId[]): Promise<readonly (Uint8Array | undefined)[]> {
    const asked = [...new Map(ids.map((id) => [tileKey(id), id])).values()];
    const levels = asked.map(({ level }) => level);
    const rows = await this.#session.rows(TILES, [log, levels, asked.map(({ index }) => index)]);
    const found = new Map(rows.map((row) => [tileKey(row), row.nodes]));
    return ids.map((id) => found.get(tileKey(id)));
  }

  async isStandby(): Promise<boolean> {
    const [row] = await this.#session.rows(IS_STANDBY, []);
    return row?.isStandby === true;
  }
}

function inOrder<Row extends Pick<StoredEntry, "leafIndex">>(
  rows: readonly Row[],
  leafIndexes: readonly number[],
): readonly (Row | undefined)[] {
  const found = new Map(rows.map((row) => [row.leafIndex, row]));
  return leafIndexes.map((leafIndex) => found.get(leafIndex));
}

const tileKey = ({ level, index }: TileId): string => `${level}/${index}`;
