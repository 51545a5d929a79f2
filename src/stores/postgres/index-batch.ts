import { setImmediate as nextTurn } from "node:timers/promises";
import type { Database } from "./database.js";
import { documentOf, SORTED_FIELDS, type Document, type IndexedEntry } from "./document.js";
import { sqlState } from "./failures.js";
import { LEASE_END } from "./lease.js";
import type { Statement } from "./transaction.js";

/** Entries read at once. The longer a batch, the more terms the index merges together. */
const BATCH_ENTRIES = 2_000;

/** A batch ends with the entry that takes it beyond this many characters of canonical text. */
const BATCH_CHARACTERS = 8_000_000;

/** Documents are cut into words in slices of this many characters of canonical text; requests are served between them. */
const SLICE_CHARACTERS = 50_000;

const UNINDEXED: Statement<IndexedEntry> = {
  name: "unindexed",
  text: `
    SELECT "leafIndex", canonical, "leafHash" FROM (
      SELECT
        leaf_index AS "leafIndex", canonical, leaf_hash AS "leafHash",
        sum(length(canonical)) OVER (ORDER BY leaf_index) - length(canonical) AS characters_before
      FROM auditql.entries
      WHERE log = $1 AND leaf_index >= $2::bigint AND leaf_index < $2::bigint + ${BATCH_ENTRIES}
    ) AS batch
    WHERE characters_before < ${BATCH_CHARACTERS}
    ORDER BY "leafIndex"`,
};

/** SQLSTATE of "must be owner of index". */
const INSUFFICIENT_PRIVILEGE = "42501";

const SORT_COLUMNS = SORTED_FIELDS.join(", ");
const SORT_PARAMETERS = SORTED_FIELDS.map((_, place) => `$${place + 7}::text[]`).join(", ");

const STORE: Statement<{ readonly moved: number }> = {
  name: "index-batch",
  text: `
    WITH moved AS (
      UPDATE auditql.indexing SET size = $4::bigint, held_until = ${LEASE_END}
      WHERE log = $1::text AND size = $3::bigint AND holder = $2::text
      RETURNING log
    ), stored_words AS (
      INSERT INTO auditql.words (log, word)
      SELECT moved.log, new.word FROM moved, unnest($5::text[]) AS new (word)
      ON CONFLICT DO NOTHING
    ), stored_docs AS (
      INSERT INTO auditql.docs (log, leaf_index, terms, ${SORT_COLUMNS})
      SELECT moved.log, $3::bigint + doc.place - 1, doc.terms, ${SORT_COLUMNS}
      FROM moved, unnest($6::text[], ${SORT_PARAMETERS}) WITH ORDINALITY AS doc (terms, ${SORT_COLUMNS}, place)
    )
    SELECT count(*) AS moved FROM moved`,
};

/** Merges the pending list now, on this connection; otherwise every search would read through it. */
const MERGE: Statement<never> = {
  name: "index-merge",
  text: "SELECT gin_clean_pending_list('auditql.docs_by_term')",
};

/** The server's own ANALYZE comes a minute late, and a log that grew a hundredfold meanwhile would be searched by wrong plans. */
const ANALYZE: Statement<never> = { name: "index-analyze", text: "ANALYZE auditql.docs" };

/** The documents of leaves from `start` on, without a gap; empty when nothing is left to index. */
export interface IndexBatch {
  readonly log: string;
  readonly start: number;
  readonly documents: readonly Document[];
}

/** Reads the next entries of a log and cuts them into words. */
export async function prepareBatch(database: Database, log: string, start: number): Promise<IndexBatch> {
  const entries = await database.rows(UNINDEXED, [log, start]);
  return { log, start, documents: await documentsOf(entries) };
}

/** Stores the batch and moves the watermark behind it; false, with nothing written, when somebody else has the lease by now. */
export async function storeBatch(database: Database, holder: string, batch: IndexBatch): Promise<boolean> {
  const { log, start, documents } = batch;
  const words = new Set(documents.flatMap((document) => document.words));
  const terms = documents.map((document) => document.terms);
  const columns = SORTED_FIELDS.map((_, column) => documents.map(({ sortKeys }) => sortKeys[column]));
  const values = [log, holder, start, start + documents.length, [...words], terms, ...columns];
  const [answer] = await database.rows(STORE, values);
  return answer?.moved === 1;
}

/** Does nothing where the gateway's role does not own the index; the server merges by itself then, only later. */
export async function mergePendingTerms(database: Database): Promise<void> {
  await database.rows(MERGE, []).catch((failure: unknown) => {
    if (sqlState(failure) !== INSUFFICIENT_PRIVILEGE) throw failure;
  });
}

/** Tells the server's planner how large the index is; the server ignores it from a role that does not own the table. */
export async function analyzeIndex(database: Database): Promise<void> {
  await database.rows(ANALYZE, []);
}

async function documentsOf(entries: readonly IndexedEntry[]): Promise<readonly Document[]> {
  const documents: Document[] = [];
  let characters = 0;
  for (const entry of entries) {
    documents.push(documentOf(entry));
    characters += entry.canonical.length;
    if (characters < SLICE_CHARACTERS) continue;
    await nextTurn();
    characters = 0;
  }
  return documents;
}
