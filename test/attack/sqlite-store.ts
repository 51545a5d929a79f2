import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSqliteDriver, type SqliteDatabase, type SqlRow, type SqlValue } from "../../src/stores/sqlite/driver.js";
import { LOG_STRIDE } from "../../src/stores/sqlite/log-file.js";
import { openSqlite } from "../../src/stores/sqlite/open.js";
import type { AttackedStore } from "./attack-contract.js";
import { ATTACKED_ENTRIES, ATTACKED_ROWS, examine, fillAttackedLog, honest } from "./attacked-log.js";
import type { Answers, Examined } from "./attacked-log.js";
import { quoted, type Mutation, type Row, type Table } from "./mutations.js";

const driver = await loadSqliteDriver();

/** The files that are attacked, by the endings of their names. */
export type AttackedFile = "audit.db" | "audit.db-index";

/** A SQLite log in a folder, which stays as it was filled: each change is made in a copy. */
export class SqliteAttack implements AttackedStore {
  readonly dialect = { table: quoted, parameter: () => "?" };

  private constructor(
    private readonly folder: string,
    private readonly file: AttackedFile,
    readonly right: Answers,
  ) {}

  static async start(file: AttackedFile = "audit.db"): Promise<SqliteAttack> {
    const folder = mkdtempSync(join(tmpdir(), "auditql-attack-"));
    mkdirSync(join(folder, "sound"));
    const store = await openSqlite(join(folder, "sound", "audit.db"));
    await fillAttackedLog(store);
    await store.index.close();
    await store.log.close();
    const untouched = new SqliteAttack(folder, file, {});
    return new SqliteAttack(folder, file, honest(await untouched.change(() => undefined)));
  }

  attack({ sql, values }: Mutation): Promise<Examined | undefined> {
    return this.change((database) => {
      database.prepare(sql).run(...(values as readonly SqlValue[]));
    });
  }

  /** What the store answers after a change of the file; undefined where the schema refuses it. */
  async change(change: (database: SqliteDatabase) => void): Promise<Examined | undefined> {
    const copy = mkdtempSync(join(this.folder, "copy-"));
    cpSync(join(this.folder, "sound"), copy, { recursive: true });
    try {
      return this.#isMade(copy, change) ? await examined(join(copy, "audit.db")) : undefined;
    } finally {
      rmSync(copy, { recursive: true });
    }
  }

  #isMade(copy: string, change: (database: SqliteDatabase) => void): boolean {
    const database = driver(join(copy, this.file));
    try {
      change(database);
      database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
      return true;
    } catch (error) {
      if (/constraint failed|cannot store/.test(String(error))) return false;
      throw error;
    } finally {
      database.close();
    }
  }

  /** Every table of the file, as the file itself lists them; of a full-text index, its shadow tables. */
  tables(): readonly Table[] {
    const database = driver(join(this.folder, "sound", this.file));
    const names = database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name")
      .all()
      .map(({ name }) => String(name));
    const tables = names.map((name) => tableOf(database, name));
    database.close();
    return tables;
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }
}

async function examined(path: string): Promise<Examined> {
  try {
    const store = await openSqlite(path);
    try {
      return await examine(store);
    } finally {
      await store.index.close();
      await store.log.close();
    }
  } catch (error) {
    return { findings: [String(error)], alarms: [], answers: { opening: `refused: ${String(error)}` } };
  }
}

function tableOf(database: SqliteDatabase, name: string): Table {
  const info = database.prepare(`PRAGMA table_info(${quoted(name)})`).all();
  const columns = info.map((column) => ({
    ...{ table: name, column: String(column["name"]) },
    isNullable: Number(column["notnull"]) === 0 && Number(column["pk"]) === 0,
  }));
  const primary = info.filter(({ pk }) => Number(pk) > 0).map((column) => String(column["name"]));
  const keys = primary.length > 0 ? primary : columns.map(({ column }) => column);
  const rows = database
    .prepare(`SELECT * FROM ${quoted(name)}`)
    .all()
    .map(plain);
  const entries = ATTACKED_ENTRIES.map((leafIndex) => LOG_STRIDE + leafIndex);
  const isAttacked = (row: Row, place: number): boolean =>
    name === "entries" ? entries.includes(Number(row["id"])) : place < ATTACKED_ROWS;
  return { name, columns, keys, rows, attacked: rows.filter(isAttacked) };
}

function plain(row: SqlRow): Row {
  const values = Object.entries(row);
  return Object.fromEntries(
    values.map(([name, value]) => [name, value instanceof ArrayBuffer ? new Uint8Array(value) : value]),
  );
}
