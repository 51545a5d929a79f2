import { AuditError } from "../../audit/errors.js";
import { makePrivateFile } from "../../keys/private-file.js";
import type { SqliteDatabase, SqliteDriver } from "./driver.js";
import { saysBusy, storeFailure } from "./failure.js";

/** Held by the only process that may write a log file. */
export interface LogLock {
  release(): void;
}

/**
 * Takes the lock beside a log file: an exclusive transaction, never committed, on an empty SQLite file. The operating
 * system drops it when the process ends, even if killed, so there is no stale lock to clean up. Throws AuditError
 * UNAVAILABLE when another process holds it.
 */
export function lockLogFile(driver: SqliteDriver, path: string): LogLock {
  const lockPath = `${path}-lock`;
  try {
    makePrivateFile(lockPath);
    const database = driver(lockPath);
    begin(database, path);
    return {
      release: () => {
        release(database);
      },
    };
  } catch (error) {
    throw storeFailure(error, lockPath);
  }
}

function begin(database: SqliteDatabase, path: string): void {
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (saysBusy(error)) throw inUse(path);
    throw error;
  }
}

const inUse = (path: string): AuditError =>
  new AuditError(
    "UNAVAILABLE",
    `${path} is in use by another AuditQL: an SQLite log can have only one gateway at a time`,
  );

function release(database: SqliteDatabase): void {
  database.exec("ROLLBACK");
  database.close();
}
