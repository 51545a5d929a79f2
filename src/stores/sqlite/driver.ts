export type SqlValue = null | number | bigint | string | Uint8Array;

/**
 * A row by column name. Text from a file is read as a BLOB (`CAST(x AS BLOB)`) and decoded here: libsql aborts the
 * whole process on TEXT that is not UTF-8, which one flipped bit can cause.
 */
export type SqlRow = Readonly<Record<string, unknown>>;

export interface SqliteStatement {
  /** Runs a statement that returns no rows; returns the number of rows changed. */
  run(...values: readonly SqlValue[]): number;
  /** Always reads to the last row: a half-read statement would hold its snapshot, and with it the WAL, indefinitely. */
  all(...values: readonly SqlValue[]): readonly SqlRow[];
}

/** The methods of a synchronous SQLite library that the engine uses. Numbers are bound as REAL by both libraries. */
export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

export type SqliteDriver = (path: string) => SqliteDatabase;

/** What `node:sqlite` and `libsql` have in common, before the differences are evened out. */
interface LibraryStatement {
  run(...values: readonly unknown[]): { readonly changes: number | bigint };
  all(...values: readonly unknown[]): readonly unknown[];
}

interface LibraryDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): LibraryStatement;
  close(): unknown;
}

type LibraryConstructor = new (path: string) => LibraryDatabase;

/**
 * Loads the library named by AUDITQL_SQLITE_DRIVER (`node` or `libsql`); if unset, `node:sqlite` where this Node has
 * it, else libsql.
 */
export async function loadSqliteDriver(): Promise<SqliteDriver> {
  switch (process.env["AUDITQL_SQLITE_DRIVER"]) {
    case "libsql":
      return await loadLibsql();
    case "node":
      return nodeDriver(await importNodeSqlite());
    default:
      return await importNodeSqlite().then(nodeDriver, loadLibsql);
  }
}

async function loadLibsql(): Promise<SqliteDriver> {
  const { default: Database } = await import("libsql");
  const open: LibraryConstructor = Database;
  // Always one array of values: libsql takes a lone BLOB for an object of named parameters.
  return (path) => seam(new open(path), (values) => [values]);
}

const nodeDriver =
  (open: LibraryConstructor): SqliteDriver =>
  (path) =>
    seam(new open(path), (values) => values);

/** The name is a variable because Node 20's types do not know the module. */
async function importNodeSqlite(name = "node:sqlite"): Promise<LibraryConstructor> {
  const library: unknown = await import(name);
  if (!isNodeSqlite(library)) throw new TypeError(`${name} has no DatabaseSync`);
  return library.DatabaseSync;
}

function isNodeSqlite(library: unknown): library is { readonly DatabaseSync: LibraryConstructor } {
  return typeof library === "object" && library !== null && "DatabaseSync" in library;
}

function seam(library: LibraryDatabase, spread: (values: readonly SqlValue[]) => readonly unknown[]): SqliteDatabase {
  return {
    exec: (sql) => void library.exec(sql),
    prepare: (sql) => statementSeam(library.prepare(sql), spread),
    close: () => void library.close(),
  };
}

function statementSeam(
  statement: LibraryStatement,
  spread: (values: readonly SqlValue[]) => readonly unknown[],
): SqliteStatement {
  return {
    run: (...values) => Number(statement.run(...spread(values)).changes),
    all: (...values) => statement.all(...spread(values)).filter(isRow),
  };
}

const isRow = (row: unknown): row is SqlRow => typeof row === "object" && row !== null;
