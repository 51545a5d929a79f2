import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utf8 } from "../../src/core/bytes.js";
import { logFormat } from "../../src/core/format.js";
import { loadSqliteDriver, type SqliteDatabase, type SqlRow, type SqlValue } from "../../src/stores/sqlite/driver.js";
import { LOG_STRIDE } from "../../src/stores/sqlite/log-file.js";
import { openSqlite } from "../../src/stores/sqlite/open.js";
import { expectNothingForged } from "./attack-contract.js";
import { examine, fillAttackedLog, type Answers, type Examined } from "./attacked-log.js";
import { mutationsOf, quoted, type Mutation, type Row, type Table } from "./mutations.js";

const driver = await loadSqliteDriver();
const folder = mkdtempSync(join(tmpdir(), "auditql-attack-"));
const sound = join(folder, "sound");
const dialect = { table: quoted, parameter: () => "?" };

/** Entries inside the full tile and at the edge, the last one; of other tables, the first rows. */
const ATTACKED_ENTRIES = [100, 298, 299];
const ATTACKED_ROWS = 3;

let right: Answers;
beforeAll(async () => {
  mkdirSync(sound);
  const store = await openSqlite(join(sound, "audit.db"));
  await fillAttackedLog(store);
  await store.index.close();
  await store.log.close();
  const honest = await attacked(() => undefined);
  expect([honest?.findings, honest?.alarms]).toEqual([[], []]);
  right = honest?.answers ?? {};
}, 300_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What a store answers after a change of its log file, or of its index file; undefined where the schema refuses the change. */
async function attacked(change: (database: SqliteDatabase) => void, file = "audit.db"): Promise<Examined | undefined> {
  const copy = mkdtempSync(join(folder, "copy-"));
  cpSync(sound, copy, { recursive: true });
  try {
    const database = driver(join(copy, file));
    try {
      change(database);
    } catch {
      return undefined; // refused by the schema: no change
    } finally {
      database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
      database.close();
    }
    const store = await openSqlite(join(copy, "audit.db"));
    try {
      return await examine(store);
    } finally {
      await store.index.close();
      await store.log.close();
    }
  } catch (error) {
    return { findings: [String(error)], alarms: [], answers: { opening: `refused: ${String(error)}` } };
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Every table of a file, as the file itself lists them; of a full-text index, its shadow tables. */
function tablesIn(file: string): readonly Table[] {
  const database = driver(join(sound, file));
  const names = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name")
    .all()
    .map(({ name }) => String(name));
  const tables = names.map((name) => tableOf(database, name));
  database.close();
  return tables;
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

const run =
  ({ sql, values }: Pick<Mutation, "sql" | "values">) =>
  (database: SqliteDatabase): void => {
    database.prepare(sql).run(...(values as readonly SqlValue[]));
  };

describe("whoever may write the whole of a SQLite log, without its key,", () => {
  test.each(["identity", "logs", "entries", "tiles", "receipts", "bulks"])(
    "forges no answer by a change of %s",
    async (name) => {
      const tables = tablesIn("audit.db");
      expect(tables.map((table) => table.name).sort()).toEqual(
        ["identity", "logs", "entries", "tiles", "receipts", "bulks"].sort(),
      );
      for (const table of tables.filter((candidate) => candidate.name === name)) {
        for (const mutation of mutationsOf(table, dialect)) {
          expectNothingForged(mutation.name, await attacked(run(mutation)), right);
        }
      }
    },
    1_800_000,
  );

  test("forges no answer by a change of the index, though it can hide entries", async () => {
    for (const table of tablesIn("audit.db-index")) {
      const few = { ...table, attacked: table.attacked.slice(-1) };
      for (const mutation of mutationsOf(few, dialect)) {
        expectNothingForged(`index.${mutation.name}`, await attacked(run(mutation), "audit.db-index"), right);
      }
    }
  }, 1_800_000);

  test("forges no entry together with its leaf hash, and swaps no two", async () => {
    const format = logFormat("rfc6962");
    for (const leafIndex of ATTACKED_ENTRIES) {
      const id = LOG_STRIDE + leafIndex;
      const forge = (database: SqliteDatabase): void => {
        const [row] = database.prepare("SELECT CAST(canonical AS TEXT) text FROM entries WHERE id = ?").all(id);
        const canonical = String(row?.["text"]).replace(/"message":"[^"]*"/, '"message":"nothing happened"');
        const hash = new Uint8Array(format.leafHash(utf8(canonical)));
        database.prepare("UPDATE entries SET canonical = ?, leaf_hash = ? WHERE id = ?").run(canonical, hash, id);
      };
      const swap = (database: SqliteDatabase): void => {
        for (const [from, to] of [
          [id, -1],
          [LOG_STRIDE + 7, id],
          [-1, LOG_STRIDE + 7],
        ] as const) {
          database.prepare("UPDATE entries SET id = ? WHERE id = ?").run(to, from);
        }
      };
      expectNothingForged(`entries: ${leafIndex} with its hash`, await attacked(forge), right);
      expectNothingForged(`entries: ${leafIndex} swapped`, await attacked(swap), right);
    }
  }, 600_000);

  test("adds no entry, no receipt and no bulk request", async () => {
    const insertions = [
      "INSERT INTO entries SELECT id + 1, received_at, leaf_hash, canonical FROM entries WHERE id = (SELECT max(id) FROM entries)",
      "INSERT INTO receipts SELECT log, zeroblob(32), request_digest, first_index, entry_count, tree_size, seal FROM receipts LIMIT 1",
      `INSERT INTO bulks SELECT 99, log, 'f' || substr(name, 2), owner, request_digest, replace(body, 'waiting', 'forged'),
        accepted_at_ms, held_until_ms, outcome, expires_at_ms, bytes, NULL FROM bulks WHERE outcome IS NULL`,
    ];
    for (const sql of insertions)
      expectNothingForged(
        sql.slice(12, 40),
        await attacked((database) => {
          database.exec(sql);
        }),
        right,
      );
  }, 600_000);
});
