import { rmSync } from "node:fs";
import { equalBytes } from "../../core/bytes.js";
import type { SqliteDatabase, SqliteDriver } from "./driver.js";
import { UnusableFileError } from "./failure.js";
import { openForWriting } from "./file.js";
import { INDEX_FILE } from "./index-file.js";
import type { LogFollower } from "./log-follower.js";
import { bytesIn, integerIn } from "./row.js";

/**
 * Opens the search index of a log file, or starts an empty one. Throws when the file cannot be opened, is not ours, or
 * is unusable: damaged, of another schema, or of another log file.
 */
export function openIndex(driver: SqliteDriver, path: string, log: LogFollower): SqliteDatabase {
  const database = openForWriting(driver, path, INDEX_FILE);
  if (isFresh(database)) claim(database, log);
  else if (!belongsTo(database, log)) throw new UnusableFileError("it is the index of another log file");
  return database;
}

/** Deletes an unusable index. It must not be open. */
export function dropIndex(path: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
}

const isFresh = (database: SqliteDatabase): boolean => database.prepare("SELECT 1 FROM identity").all().length === 0;

function claim(database: SqliteDatabase, log: LogFollower): void {
  database.prepare("INSERT INTO identity VALUES (?)").run(log.fileId());
}

/** Whether all its indexed entries are in this log file: the same file, with the last leaf of each log where it was. */
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
