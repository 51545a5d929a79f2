import { ORDER_FIELDS, type SortedField } from "../../query/order.js";
import { EVENT_FIELDS } from "../../core/event.js";
import type { FileFormat } from "./file.js";

/** The fields that results can be sorted by, in the order of the columns of `docs`. */
export const SORTED_FIELDS: readonly SortedField[] = ORDER_FIELDS.filter((field) => field !== "received_at");

/** The sorted fields that have a B-tree: a page of everything in their order is read off it. All seven would cost more than the postings. */
export const WALKED_FIELDS: readonly SortedField[] = ["actor", "timestamp"];

const WORD_COLUMNS = EVENT_FIELDS.map((field) => `"${field}"`).join(", ");

/** What FTS5 collects in memory before it writes a segment: more than a batch of the indexer, so that a batch is one segment. */
const POSTINGS_BYTES = 16 * 2 ** 20;

/** Segments of one level that FTS5 lets stand before it merges them: twice its default, for a quarter less work while indexing. */
const MERGED_SEGMENTS = 8;

/**
 * Everything that search needs, derived from the log file and never shown: only row ids are read back.
 * `search` stores postings alone. Its `ascii` tokenizer keeps runs of letters, digits and all that is not ASCII, so words
 * that we cut and join with blanks pass through it as they are.
 */
export const INDEX_FILE: FileFormat = {
  role: "search index",
  applicationId: 0x4151_4c32,
  version: 1,
  // Derived data: what the last commits lose with the power, the watermark loses too, and it is indexed again.
  synchronous: "NORMAL",
  // An entry goes to places all over the B-trees of `docs`.
  cacheMebibytes: 32,
  schema: `
    CREATE TABLE identity (file_id BLOB NOT NULL) STRICT;
    CREATE TABLE logs (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      size INTEGER NOT NULL,
      last_leaf_hash BLOB NOT NULL
    ) STRICT;
    CREATE VIRTUAL TABLE search USING fts5(
      ${WORD_COLUMNS}, tokens, content='', columnsize=0, detail=full, tokenize='ascii'
    );
    INSERT INTO search (search, rank) VALUES ('hashsize', ${POSTINGS_BYTES}), ('automerge', ${MERGED_SEGMENTS});
    CREATE TABLE docs (id INTEGER PRIMARY KEY, ${SORTED_FIELDS.map((field) => `"${field}" TEXT NOT NULL`).join(", ")}) STRICT;
    ${WALKED_FIELDS.map((field) => `CREATE INDEX docs_by_${field} ON docs ("${field}", id);`).join("\n    ")}`,
  // Derived data: after a change it is made anew.
  upgrades: [],
};
