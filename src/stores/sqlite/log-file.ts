import { undrained } from "../../audit/undrained.js";
import type { SqliteDatabase } from "./driver.js";
import type { FileFormat } from "./file.js";
import { integerIn } from "./row.js";

/** Leaf indexes of one log; a row id of `entries` is log number * LOG_STRIDE + leaf index. */
export const LOG_STRIDE = 2 ** 40;

/** Above this, a row id would no longer be an exact JavaScript number. */
const MAX_LOG_NUMBER = 2 ** 13 - 1;

/** The results of requests with an idempotency key: rows are only ever inserted. */
const RECEIPTS = `
  CREATE TABLE receipts (
    log INTEGER NOT NULL,
    key BLOB NOT NULL,
    request_digest BLOB NOT NULL,
    first_index INTEGER NOT NULL,
    entry_count INTEGER NOT NULL,
    tree_size INTEGER NOT NULL,
    PRIMARY KEY (log, key)
  ) STRICT, WITHOUT ROWID;`;

/** Bulk requests that waited to be logged, and the results of the last day's. A body was emptied at the end. */
const BULKS = `
  CREATE TABLE bulks (
    number INTEGER PRIMARY KEY,
    log TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    request_digest BLOB NOT NULL,
    body TEXT NOT NULL,
    accepted_at_ms INTEGER NOT NULL,
    held_until_ms INTEGER NOT NULL,
    outcome TEXT,
    expires_at_ms INTEGER,
    UNIQUE (log, name)
  ) STRICT;
  CREATE INDEX bulks_unfinished ON bulks (accepted_at_ms) WHERE outcome IS NULL;
  CREATE INDEX bulks_by_expiry ON bulks (expires_at_ms) WHERE outcome IS NOT NULL;`;

/** The size of waiting requests, summed from the index alone whenever one was accepted. */
const BULK_BYTES = `
  ALTER TABLE bulks ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  UPDATE bulks SET bytes = length(CAST(body AS BLOB));
  CREATE INDEX bulks_waiting ON bulks (log, bytes) WHERE outcome IS NULL;`;

/** Seals made with the log's key; null in rows of a version without seals. */
const SEALS = `
  ALTER TABLE receipts ADD COLUMN seal BLOB;
  ALTER TABLE bulks ADD COLUMN seal BLOB;`;

/** Bulk requests are logged when they arrive: no table keeps them. Throws when one waits, because nothing would log it. */
function dropBulks(database: SqliteDatabase): void {
  const [row = {}] = database.prepare("SELECT count(*) waiting FROM bulks WHERE outcome IS NULL").all();
  const waiting = integerIn(row, "waiting");
  if (waiting > 0) throw undrained(waiting);
  database.exec("DROP TABLE bulks");
}

/** The tables that hold logs. `entries` and `tiles` are only ever inserted into. */
export const LOG_FILE: FileFormat = {
  role: "log file",
  applicationId: 0x4151_4c31,
  version: 6,
  synchronous: "FULL",
  cacheMebibytes: 4,
  schema: `
    CREATE TABLE identity (file_id BLOB NOT NULL) STRICT;
    INSERT INTO identity VALUES (randomblob(16));
    CREATE TABLE logs (
      number INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND ${MAX_LOG_NUMBER}),
      id TEXT NOT NULL UNIQUE,
      format TEXT NOT NULL,
      size INTEGER NOT NULL,
      root_hash BLOB NOT NULL,
      checkpoint TEXT NOT NULL,
      last_received_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE entries (
      id INTEGER PRIMARY KEY,
      received_at TEXT NOT NULL,
      leaf_hash BLOB NOT NULL,
      canonical TEXT NOT NULL
    ) STRICT;
    CREATE TABLE tiles (
      log INTEGER NOT NULL,
      level INTEGER NOT NULL,
      idx INTEGER NOT NULL,
      data BLOB NOT NULL,
      PRIMARY KEY (log, level, idx)
    ) STRICT;`,
  upgrades: [RECEIPTS, BULKS, BULK_BYTES, SEALS, dropBulks],
};
