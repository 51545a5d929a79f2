import { rmSync } from "node:fs";
import { equalBytes } from "../../core/bytes.js";
import type { SqliteDatabase, SqliteDriver } from "./driver.js";
import { isBeyondUse } from "./failure.js";
import { openForWriting } from "./file.js";
import { INDEX_FILE } from "./index-file.js";
import type { LogFollower } from "./log-follower.js";
import { bytesIn, integerIn } from "./row.js";

/**
 * Opens the search index of a log file. One that is damaged, of another schema, or of another log file is dropped: an empty
 * one takes its place and is filled from the log. A file that is not ours is refused, not dropped.
 */
export function openIndex(driver: SqliteDriver, path: string, log: LogFollower): SqliteDatabase {
  const kept = openExisting(driver, path, log);
  if (kept !== undefined) return kept;
  dropIndex(path);
  return claim(openForWriting(driver, path, INDEX_FILE), log);
}

export function dropIndex(path: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
}

function openExisting(driver: SqliteDriver, path: string, log: LogFollower): SqliteDatabase | undefined {
  try {
    const database = openForWriting(driver, path, INDEX_FILE);
    if (isFresh(database)) return claim(database, log);
    if (belongsTo(database, log)) return database;
    database.close();
  } catch (error) {
    if (!isBeyondUse(error)) throw error;
  }
  return undefined;
}

const isFresh = (database: SqliteDatabase): boolean => database.prepare("SELECT 1 FROM identity").all().length === 0;

function claim(database: SqliteDatabase, log: LogFollower): SqliteDatabase {
  database.prepare("INSERT INTO identity VALUES (?)").run(log.fileId());
  return database;
}

/** Whether every entry it has indexed is in this log file: same file, and the last leaf of each log is where it was. */
function belongsTo(database: SqliteDatabase, log: LogFollower): boolean {
  const [identity] = database.prepare("SELECT file_id FROM identity").all();
  if (identity === undefined || !equalBytes(bytesIn(identity, "file_id"), log.fileId())) return false;
  return database
    .prepare("SELECT number, size, last_leaf_hash FROM logs")
    .all()
    .every((row) => {
      const leafHash = log.leafHash(integerIn(row, "number"), integerIn(row, "size") - 1);
      return leafHash !== undefined && equalBytes(leafHash, bytesIn(row, "last_leaf_hash"));
    });
}
