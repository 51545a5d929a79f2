import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSqliteDriver, type SqliteDatabase, type SqlRow, type SqlValue } from "../../src/stores/sqlite/driver.js";
import { LOG_STRIDE } from "../../src/stores/sqlite/log-file.js";
import { indexed } from "../../src/engine/search/open-index.js";
import { openSqlite } from "../../src/stores/sqlite/open.js";
import type { AttackedStore } from "./attack-contract.js";
import { examine, fillAttackedLog, rightAnswers, type Answers, type Examined } from "./attacked-log.js";
import { attackedRows, quoted, type Mutation, type Row, type Table } from "./mutations.js";
import { KEYRING } from "../keyring.js";

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
    await fillAttackedLog(async () => indexed(await openSqlite(join(folder, "sound", "audit.db")), KEYRING));
    const copy = copyOf(folder);
    return new SqliteAttack(
      folder,
      file,
      await rightAnswers(async () => indexed(await openSqlite(join(copy, "audit.db")), KEYRING)),
    );
  }

  attack({ sql, values }: Mutation): Promise<Examined | undefined> {
    return this.change((database) => {
      database.prepare(sql).run(...(values as readonly SqlValue[]));
    });
  }

  /** What the store answers after a change of the file; undefined where the schema refuses it. */
  async change(change: (database: SqliteDatabase) => void): Promise<Examined | undefined> {
    const copy = copyOf(this.folder);
    try {
      return this.#isMade(copy, change)
        ? await examine(async () => indexed(await openSqlite(join(copy, "audit.db")), KEYRING))
        : undefined;
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

function copyOf(folder: string): string {
  const copy = mkdtempSync(join(folder, "copy-"));
  cpSync(join(folder, "sound"), copy, { recursive: true });
  return copy;
}

function tableOf(database: SqliteDatabase, name: string): Table {
  const info = database.prepare(`PRAGMA table_info(${quoted(name)})`).all();
  const columns = info.map((column) => ({
    ...{ column: String(column["name"]), isKey: Number(column["pk"]) > 0 },
    isNullable: Number(column["notnull"]) === 0 && Number(column["pk"]) === 0,
  }));
  const rows = database
    .prepare(`SELECT * FROM ${quoted(name)}`)
    .all()
    .map(plain);
  const attacked = attackedRows(name, rows, (row) => Number(row["id"]) - LOG_STRIDE);
  return { name, columns, rows, attacked };
}

function plain(row: SqlRow): Row {
  const values = Object.entries(row);
  return Object.fromEntries(
    values.map(([name, value]) => [name, value instanceof ArrayBuffer ? new Uint8Array(value) : value]),
  );
}
