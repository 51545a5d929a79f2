import type { FileFormat } from "./file.js";

/** The blocks of one segment; a row id of `blocks` is the segment's id * BLOCK_STRIDE + block. */
export const BLOCK_STRIDE = 2 ** 22;

/**
 * The segments of search indexes, derived from the log file. Ids of segments are never used twice, so a reader that still
 * knows a removed one finds nothing. A table with row ids: one without would spill blobs over 1 KB to pages of their own.
 */
export const INDEX_FILE: FileFormat = {
  role: "search index",
  applicationId: 0x4151_4c32,
  version: 2,
  // Derived data: what the last commits lose with the power is built again.
  synchronous: "NORMAL",
  cacheMebibytes: 4,
  // Eight blocks a page.
  pageBytes: 16_384,
  schema: `
    CREATE TABLE segments (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      log TEXT NOT NULL,
      level INTEGER NOT NULL,
      number INTEGER NOT NULL,
      blocks INTEGER NOT NULL,
      digest BLOB NOT NULL,
      last_leaf_hash BLOB NOT NULL,
      UNIQUE (log, level, number)
    ) STRICT;
    CREATE TABLE blocks (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;`,
  // Derived data: after a change it is rebuilt.
  upgrades: [],
};
