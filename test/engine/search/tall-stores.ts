import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import type { BlockId, BlockStore, SegmentBlocks } from "../../../src/audit/block-store.js";
import type { LogStore } from "../../../src/audit/store.js";
import { HASH_BYTES } from "../../../src/core/bytes.js";
import { TreeEdge, type FullTile } from "../../../src/core/tree.js";
import { SealedBlocks } from "../../../src/engine/search/sealed-blocks.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519 } from "../../../src/keys/node-crypto.js";
import { openStore } from "../../../src/stores/index.js";
import { loadSqliteDriver, type SqliteDatabase, type SqliteDriver } from "../../../src/stores/sqlite/driver.js";
import { BLOCK_STRIDE } from "../../../src/stores/sqlite/index-file.js";
import { LOG_STRIDE } from "../../../src/stores/sqlite/log-file.js";
import { FORMAT } from "../../core/segment/provable-log.js";
import { KEYRING } from "../../keyring.js";
import { sql } from "../../stores/postgres/server.js";
import { KINDS, RARE, RECEIVED_AT, TALL_SIZE, tallEntry, tallSegments } from "./tall-log.js";

export const LOG = "default";
export const TALL_ORIGIN = "tall.example/auditql";

/** What lies in a store's tables for blocks, whatever lists it: each place with the hash of its bytes. */
export type Lying = readonly string[];

/** The tall log in a store that a gateway can open, its index as it is before its segments of level 2 are merged. */
export interface TallStore {
  readonly url: string;
  /** Puts the index back. */
  reset(): Promise<void>;
  lying(): Promise<Lying>;
  /** The segments that its tables name, listed or not, such as `2/16`. */
  named(): Promise<readonly string[]>;
  /** Lets another gateway store segments at once, where one that died had the turn. */
  freeTurn(): Promise<void>;
  /** Has who took the turn keep it for so long, whatever becomes of it. */
  holdTurn(seconds: number): Promise<void>;
}

/** Made once in a process: it takes two seconds. */
let segments: ReturnType<typeof tallSegments> | undefined;
let expected: readonly SegmentBlocks[] | undefined;
const made = (): ReturnType<typeof tallSegments> => (segments ??= tallSegments());

/** The segments when all is merged, and nothing else is left. */
export function mergedIndex(): readonly SegmentBlocks[] {
  const { tall, last } = made();
  return (expected ??= [last, tall()]);
}

/** What lies in the store then. */
export function mergedLying(): Lying {
  const lying = mergedIndex().flatMap(({ level, number, contents }) =>
    contents.map((data, block) => place({ level, number, block }, hashed(data))),
  );
  return lying.toSorted();
}

/** An index of a store whose segments this deployment's key seals. */
export function sealed(blocks: BlockStore): SealedBlocks {
  return new SealedBlocks(blocks, KEYRING.indexSecrets);
}

/** Fills an empty database. */
export async function tallPostgres(url: string): Promise<TallStore> {
  const { tiles, head } = tree();
  await createLog(url);
  const kinds = Array.from({ length: KINDS }, (_, kind) => tallEntry(kind + KINDS));
  await sql(
    url,
    `INSERT INTO auditql.entries (log, leaf_index, received_at, leaf_hash, canonical)
     SELECT $1, leaf, $2, kind.leaf_hash, kind.canonical FROM generate_series(0, $3::bigint - 1) AS leaf
     JOIN unnest($4::bytea[], $5::text[]) WITH ORDINALITY AS kind (leaf_hash, canonical, place) ON kind.place = leaf % $6 + 1`,
    [LOG, RECEIVED_AT, TALL_SIZE, kinds.map(hashOf), kinds.map(({ canonical }) => canonical), KINDS],
  );
  for (const leaf of RARE)
    await sql(url, "UPDATE auditql.entries SET leaf_hash = $3, canonical = $4 WHERE log = $1 AND leaf_index = $2", [
      ...[LOG, leaf, hashOf(tallEntry(leaf)), tallEntry(leaf).canonical],
    ]);
  await sql(
    url,
    `INSERT INTO auditql.tiles (log, tile_level, tile_index, nodes)
     SELECT $1, tile.level, tile.index, tile.nodes FROM unnest($2::integer[], $3::bigint[], $4::bytea[]) AS tile (level, index, nodes)`,
    [
      ...[LOG, tiles.map(({ id }) => id.level), tiles.map(({ id }) => id.index)],
      tiles.map(({ bytes }) => Buffer.from(bytes)),
    ],
  );
  await sql(
    url,
    "UPDATE auditql.heads SET size = $2, root_hash = $3, checkpoint = $4, last_received_at = $5 WHERE log = $1",
    [LOG, TALL_SIZE, Buffer.from(head.rootHash), head.checkpoint, RECEIVED_AT],
  );
  await sql(url, "ANALYZE auditql.entries");
  return {
    url,
    reset: async () => {
      await sql(url, "TRUNCATE auditql.segments, auditql.blocks, auditql.index_turns");
      await putChildren(url);
    },
    lying: async () => {
      const rows = await sql(
        url,
        "SELECT level, number::integer, block, encode(sha256(data), 'hex') AS hash FROM auditql.blocks",
      );
      const places = rows as readonly { level: number; number: number; block: number; hash: string }[];
      return places.map(({ level, number, block, hash }) => place({ level, number, block }, hash)).toSorted();
    },
    named: async () => {
      const rows = await sql(url, "SELECT level || '/' || number AS name FROM auditql.segments ORDER BY 1");
      return (rows as readonly { name: string }[]).map(({ name }) => name);
    },
    freeTurn: async () => {
      await sql(url, "UPDATE auditql.index_turns SET held_until = now()");
    },
    holdTurn: async (seconds) => {
      await sql(url, "UPDATE auditql.index_turns SET held_until = now() + $1 * interval '1 second'", [seconds]);
    },
  };
}

/** Fills a new file. */
export async function tallSqlite(path: string): Promise<TallStore> {
  const driver = await loadSqliteDriver();
  const url = `sqlite:${path}`;
  await createLog(url);
  withDatabase(driver, path, (database) => {
    const [{ number = 0 } = {}] = database.prepare("SELECT number FROM logs").all() as { number?: number }[];
    const firstId = number * LOG_STRIDE;
    database.exec("BEGIN");
    database.exec("CREATE TEMP TABLE kinds (kind INTEGER PRIMARY KEY, leaf_hash BLOB, canonical TEXT)");
    const kind = database.prepare("INSERT INTO kinds VALUES (?, ?, ?)");
    for (let at = 0; at < KINDS; at++) kind.run(at, hashOf(tallEntry(at + KINDS)), tallEntry(at + KINDS).canonical);
    database
      .prepare(
        `WITH RECURSIVE leaves (leaf) AS (SELECT 0 UNION ALL SELECT leaf + 1 FROM leaves WHERE leaf + 1 < ?)
         INSERT INTO entries (id, received_at, leaf_hash, canonical)
         SELECT ? + leaf, ?, leaf_hash, canonical FROM leaves JOIN kinds ON kind = leaf % ? ORDER BY leaf`,
      )
      .run(TALL_SIZE, firstId, RECEIVED_AT, KINDS);
    const rare = database.prepare("UPDATE entries SET leaf_hash = ?, canonical = ? WHERE id = ?");
    for (const leaf of RARE) rare.run(hashOf(tallEntry(leaf)), tallEntry(leaf).canonical, firstId + leaf);
    const tile = database.prepare("INSERT INTO tiles (log, level, idx, data) VALUES (?, ?, ?, ?)");
    const { tiles, head } = tree();
    for (const { id, bytes } of tiles) tile.run(number, id.level, id.index, bytes);
    database
      .prepare("UPDATE logs SET size = ?, root_hash = ?, checkpoint = ?, last_received_at = ?")
      .run(TALL_SIZE, head.rootHash, head.checkpoint, RECEIVED_AT);
    database.exec("COMMIT");
  });
  return {
    url,
    reset: async () => {
      for (const end of ["", "-wal", "-shm"]) rmSync(`${path}-index${end}`, { force: true });
      await putChildren(url);
    },
    lying: async () =>
      Promise.resolve(
        withDatabase(driver, `${path}-index`, (database) => {
          const rows = database.prepare(
            `SELECT segments.level, segments.number, blocks.id % ${BLOCK_STRIDE} AS block, blocks.data
             FROM blocks LEFT JOIN segments ON segments.id = blocks.id / ${BLOCK_STRIDE}`,
          );
          const places = rows.all() as { level: number; number: number; block: number; data: ArrayBuffer }[];
          return places
            .map(({ level, number, block, data }) => place({ level, number, block }, hashed(data)))
            .toSorted();
        }),
      ),
    named: async () =>
      Promise.resolve(
        withDatabase(driver, `${path}-index`, (database) => {
          const rows = database.prepare("SELECT level || '/' || number AS name FROM segments ORDER BY 1").all();
          return (rows as { name: string }[]).map(({ name }) => name);
        }),
      ),
    freeTurn: async () => Promise.resolve(),
    holdTurn: async () => Promise.resolve(),
  };
}

function withDatabase<T>(driver: SqliteDriver, path: string, work: (database: SqliteDatabase) => T): T {
  const database = driver(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

async function createLog(url: string): Promise<void> {
  const { log, blocks } = await openStore(url);
  const rootHash = FORMAT.emptyRoot;
  const head = { log: LOG, format: "rfc6962", size: 0, rootHash } as const;
  await log.createLog({ ...head, checkpoint: key().sign(0, rootHash), lastReceivedAt: RECEIVED_AT });
  await closed({ log, blocks });
}

async function putChildren(url: string): Promise<void> {
  const store = await openStore(url);
  const blocks = sealed(store.blocks);
  for (const segment of [...made().children, made().last]) await blocks.put(LOG, segment);
  await closed(store);
}

export async function closed({ log, blocks }: { readonly log: LogStore; readonly blocks: BlockStore }): Promise<void> {
  await blocks.close();
  await log.close();
}

interface SignedTree {
  readonly tiles: readonly FullTile[];
  readonly head: { readonly rootHash: Uint8Array; readonly checkpoint: string };
}

let signed: SignedTree | undefined;

function tree(): SignedTree {
  if (signed !== undefined) return signed;
  const leaves = Array.from({ length: TALL_SIZE }, (_, leaf) => tallEntry(leaf).leafHash);
  const { edge, tiles } = TreeEdge.empty(FORMAT).append(leaves);
  const rootHash = edge.root();
  return (signed = { tiles, head: { rootHash, checkpoint: key().sign(TALL_SIZE, rootHash) } });
}

function key(): LogKey {
  return new LogKey(`${TALL_ORIGIN}/${LOG}`, KEYRING, nodeEd25519());
}

function hashOf({ leafHash }: { readonly leafHash: Uint8Array }): Buffer {
  return Buffer.from(leafHash.buffer, leafHash.byteOffset, HASH_BYTES);
}

function hashed(data: ArrayBuffer | Uint8Array): string {
  return createHash("sha256").update(new Uint8Array(data)).digest("hex");
}

function place({ level, number, block }: BlockId, hash: string): string {
  return `${level}/${number}/${String(block).padStart(6, "0")} ${hash}`;
}
