import { AuditError } from "../../audit/errors.js";
import { makePrivateFile } from "../../keys/private-file.js";
import type { SqliteDatabase, SqliteDriver } from "./driver.js";
import { storeFailure, UnusableFileError } from "./failure.js";
import { integerIn } from "./row.js";

/** SQL, or a function that checks the file first and throws to leave it as it is. */
export type Upgrade = string | ((database: SqliteDatabase) => void);

/** The format of a SQLite file of ours. */
export interface FileFormat {
  /** Names the file's role in errors: `log file`, `index file`. */
  readonly role: string;
  /** `PRAGMA application_id`: identifies our files. */
  readonly applicationId: number;
  /** `PRAGMA user_version`: the schema this code writes. */
  readonly version: number;
  /** Creates the tables of an empty file, as of the version before all upgrades. */
  readonly schema: string;
  /** Each upgrades a file by one version, the last one to `version`; a released one is never edited. */
  readonly upgrades: readonly Upgrade[];
  /**
   * `FULL`: a commit is on disk when it returns. `NORMAL`: a power failure may lose the newest commits, each as a
   * whole.
   */
  readonly synchronous: "FULL" | "NORMAL";
  /** The page cache of a writing connection. */
  readonly cacheMebibytes: number;
  /** The page size of a new file. Default SQLite's. */
  readonly pageBytes?: number;
}

const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens a file of ours for writing, and creates it if there is none. Throws AuditError UNAVAILABLE when it is not ours,
 * newer than this code, damaged or unreachable.
 */
export function openForWriting(driver: SqliteDriver, path: string, format: FileFormat): SqliteDatabase {
  makePrivateFile(path); // SQLite gives -wal and -shm the mode of their file
  return opened(driver, path, (database) => {
    const version = storedVersion(database, path, format);
    setUp(database, format);
    if (version !== format.version) upgrade(database, version, format);
  });
}

/**
 * Opens a connection that reads. Each statement sees the newest commit. Throws like `openForWriting` when the file is not of this
 * format and its newest version; without a format `openForWriting` must have accepted the file.
 */
export function openForReading(driver: SqliteDriver, path: string, format?: FileFormat): SqliteDatabase {
  return opened(driver, path, (database) => {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA query_only = ON`);
    if (format !== undefined && storedVersion(database, path, format) !== format.version)
      throw new UnusableFileError(`it has not the tables of schema ${format.version}`);
  });
}

function opened(driver: SqliteDriver, path: string, prepare: (database: SqliteDatabase) => void): SqliteDatabase {
  try {
    const database = driver(path);
    try {
      prepare(database);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw storeFailure(error, path);
  }
}

/** The version of a file with only the tables of `schema`: the oldest that can be read. */
function oldestVersion({ version, upgrades }: FileFormat): number {
  return version - upgrades.length;
}

/** The file's version; undefined when it is new. Only reads, so a file that is not ours stays unchanged. */
function storedVersion(database: SqliteDatabase, path: string, format: FileFormat): number | undefined {
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  if (pragma(database, "schema_version") === 0) return undefined;
  if (pragma(database, "application_id") !== format.applicationId)
    throw new AuditError("UNAVAILABLE", `${path} is an SQLite database, but not a ${format.role} of AuditQL`);
  const version = pragma(database, "user_version");
  if (version >= oldestVersion(format) && version <= format.version) return version;
  const age = version > format.version ? "a newer" : "an older";
  const versions = `it has schema ${version}, this one reads schema ${format.version}`;
  throw new UnusableFileError(`it was written by ${age} AuditQL: ${versions}`);
}

function setUp(database: SqliteDatabase, { synchronous, cacheMebibytes, pageBytes }: FileFormat): void {
  if (pageBytes !== undefined) database.exec(`PRAGMA page_size = ${pageBytes}`); // changes nothing of an existing file
  database.prepare("PRAGMA journal_mode = WAL").all();
  // Settings of the connection, not of the file: they are set at every open.
  database.exec(`PRAGMA synchronous = ${synchronous}; PRAGMA trusted_schema = OFF`);
  database.exec(`PRAGMA cache_size = -${cacheMebibytes * 1024}`);
}

/** Upgrades a file from a version, or an empty one, to the newest, atomically. */
function upgrade(database: SqliteDatabase, version: number | undefined, format: FileFormat): void {
  const { applicationId, schema, upgrades } = format;
  const oldest = oldestVersion(format);
  inTransaction(database, () => {
    if (version === undefined) database.exec(schema);
    for (const step of upgrades.slice((version ?? oldest) - oldest)) {
      if (typeof step === "string") database.exec(step);
      else step(database);
    }
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${format.version}`);
  });
}

/** Runs `work` atomically. `onFailedCommit` is called when the outcome of the commit is unknown. */
export function inTransaction<T>(
  database: SqliteDatabase,
  work: () => T,
  onFailedCommit: (error: unknown) => void = ignore,
): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    commit(database, onFailedCommit);
    noteRead(database);
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/**
 * Whoever reads first after a commit notes so in the WAL's index, which is memory that is shared through a file. Where the file was made
 * immutable meanwhile (`chattr +i`), that write would end the process with SIGBUS. So it is made now, while the file can be written.
 */
function noteRead(database: SqliteDatabase): void {
  try {
    database.exec("SELECT 1 FROM sqlite_schema LIMIT 1");
  } catch {
    // the commit is done, and who reads next finds out why this cannot be
  }
}

function commit(database: SqliteDatabase, onFailedCommit: (error: unknown) => void): void {
  try {
    database.exec("COMMIT");
  } catch (error) {
    onFailedCommit(error);
    throw error;
  }
}

function ignore(): void {
  // derived data is rebuilt if it is not as it should be
}

/** SQLite rolls back by itself after some errors (a full disk); a second ROLLBACK then fails, which is fine. */
function rollBack(database: SqliteDatabase): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    return;
  }
}

/** The value of a PRAGMA that returns one integer. */
export function pragma(database: SqliteDatabase, name: string): number {
  const [row] = database.prepare(`PRAGMA ${name}`).all();
  return row === undefined ? 0 : integerIn(row, name);
}
