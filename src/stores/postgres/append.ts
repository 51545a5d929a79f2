import type { AppendBatch, AppendOutcome, NewEntry } from "../../audit/store.js";
import { HASH_BYTES } from "../../core/bytes.js";
import type { Database } from "./database.js";
import { violates } from "./failures.js";
import type { Session, Statement, Transaction } from "./transaction.js";

/**
 * Joins the texts of a batch into one parameter: one prepared statement serves every batch size, and the server splits
 * faster than it reads thousands of parameters. U+001F because canonical JSON and timestamps cannot contain a raw
 * control character.
 */
const SEPARATOR = "\u001f";

/** Entries beyond this many characters are sent in further statements of the same transaction. */
const MAX_STATEMENT_CHARACTERS = 8_000_000;

const NEW_ENTRIES = `
  unnest(string_to_array($3::text, E'\\x1f'), string_to_array($4::text, E'\\x1f'))
    WITH ORDINALITY AS entry (received_at, canonical, place)`;

const ENTRY_COLUMNS = `
  $2::bigint + entry.place - 1, entry.received_at,
  substr($5::bytea, (${HASH_BYTES} * (entry.place - 1) + 1)::integer, ${HASH_BYTES}), entry.canonical`;

const SWAP: Statement<{ readonly moved: number }> = {
  name: "append",
  text: `
    WITH moved AS (
      UPDATE auditql.heads
      SET size = $6::bigint, root_hash = $7::bytea, checkpoint = $8::text, last_received_at = $9::text
      WHERE log = $1::text AND size = $2::bigint AND root_hash = coalesce($18::bytea, root_hash)
      RETURNING log
    ), stored_entries AS (
      INSERT INTO auditql.entries (log, leaf_index, received_at, leaf_hash, canonical)
      SELECT moved.log, ${ENTRY_COLUMNS} FROM moved, ${NEW_ENTRIES}
    ), stored_tiles AS (
      INSERT INTO auditql.tiles (log, tile_level, tile_index, nodes)
      SELECT moved.log, tile.level, tile.index, tile.nodes
      FROM moved, unnest($10::integer[], $11::bigint[], $12::bytea[]) AS tile (level, index, nodes)
    ), stored_receipts AS (
      INSERT INTO auditql.receipts (log, key, request_digest, first_index, entry_count, tree_size, seal)
      SELECT moved.log, receipt.*
      FROM moved, unnest($13::bytea[], $14::bytea[], $15::bigint[], $16::integer[], $17::bigint[], $19::bytea[])
        AS receipt (key, request_digest, first_index, entry_count, tree_size, seal)
    )
    SELECT count(*) AS moved FROM moved`,
};

const MORE_ENTRIES: Statement<never> = {
  name: "append-more",
  text: `
    INSERT INTO auditql.entries (log, leaf_index, received_at, leaf_hash, canonical)
    SELECT $1::text, ${ENTRY_COLUMNS} FROM ${NEW_ENTRIES}`,
};

/** True when the batch is durable; false when the log's size or root was another and nothing was written. */
export async function appendBySwap(database: Database, batch: AppendBatch): Promise<boolean> {
  const [first, ...more] = statementFuls(batch);
  if (first === undefined) throw new RangeError("a batch has at least one entry");
  if (more.length === 0) return hasMoved(await database.write(SWAP, swapValues(batch, first)));
  return database.transaction(async (session) => swapIn(session, batch));
}

/** A receipt's key is unique in its log: if it exists already, the server has rolled the whole batch back. */
export async function appendOutcome(appended: Promise<boolean>): Promise<AppendOutcome> {
  try {
    return { kind: (await appended) ? "appended" : "conflict" };
  } catch (failure) {
    if (violates(failure, "receipts_pkey")) return { kind: "repeated" };
    throw failure;
  }
}

/**
 * Like appendBySwap, in a transaction that holds the log's row, which this ends. One statement and the COMMIT are sent
 * together.
 */
export async function swapAndCommit(transaction: Transaction, batch: AppendBatch): Promise<boolean> {
  const [first, ...more] = statementFuls(batch);
  if (first !== undefined && more.length === 0)
    return hasMoved(await transaction.commitWith(transaction.rows(SWAP, swapValues(batch, first))));
  try {
    const isIn = await swapIn(transaction, batch);
    await transaction.commit();
    return isIn;
  } catch (failure) {
    await transaction.rollback();
    throw failure;
  }
}

async function swapIn(session: Session, batch: AppendBatch): Promise<boolean> {
  const [first, ...more] = statementFuls(batch);
  if (first === undefined) throw new RangeError("a batch has at least one entry");
  if (!hasMoved(await session.rows(SWAP, swapValues(batch, first)))) return false;
  for (const run of more) await session.rows(MORE_ENTRIES, entryValues(batch.log, run));
  return true;
}

function hasMoved(rows: readonly { readonly moved: number }[]): boolean {
  return rows[0]?.moved === 1;
}

interface EntryRun {
  readonly start: number;
  readonly entries: readonly NewEntry[];
}

function swapValues(batch: AppendBatch, first: EntryRun): readonly unknown[] {
  const { log, expectedSize, expectedRoot, entries, tiles, rootHash, checkpoint, receipts = [] } = batch;
  return [
    ...entryValues(log, first),
    expectedSize + entries.length,
    rootHash,
    checkpoint,
    entries.at(-1)?.receivedAt,
    tiles.map(({ id }) => id.level),
    tiles.map(({ id }) => id.index),
    tiles.map(({ bytes }) => bytes),
    receipts.map(({ key }) => key),
    receipts.map(({ requestDigest }) => requestDigest),
    receipts.map(({ firstIndex }) => firstIndex),
    receipts.map(({ count }) => count),
    receipts.map(({ treeSize }) => treeSize),
    expectedRoot ?? null,
    receipts.map(({ seal }) => seal ?? null),
  ];
}

function entryValues(log: string, { start, entries }: EntryRun): readonly unknown[] {
  const texts = entries.map(({ canonical }) => canonical).join(SEPARATOR);
  const times = entries.map(({ receivedAt }) => receivedAt).join(SEPARATOR);
  return [log, start, times, texts, Buffer.concat(entries.map(({ leafHash }) => leafHash))];
}

/** The batch's entries, split where a statement's text would become too long. */
function statementFuls({ expectedSize, entries }: AppendBatch): readonly EntryRun[] {
  const runs: EntryRun[] = [];
  let characters = 0;
  let first = 0;
  entries.forEach(({ canonical }, place) => {
    characters += canonical.length;
    if (characters <= MAX_STATEMENT_CHARACTERS && place + 1 < entries.length) return;
    runs.push({ start: expectedSize + first, entries: entries.slice(first, place + 1) });
    characters = 0;
    first = place + 1;
  });
  return runs;
}
