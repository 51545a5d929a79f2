import { beforeEach, expect, test } from "@jest/globals";
import { statSync, utimesSync } from "node:fs";
import type { AppendBatch } from "../../../src/audit/store.js";
import { loadSqliteDriver, type SqliteDatabase } from "../../../src/stores/sqlite/driver.js";
import { storeFailure } from "../../../src/stores/sqlite/failure.js";
import { openForWriting, pragma } from "../../../src/stores/sqlite/file.js";
import { LOG_FILE } from "../../../src/stores/sqlite/log-file.js";
import { LogReader } from "../../../src/stores/sqlite/log-reader.js";
import { LogWriter } from "../../../src/stores/sqlite/log-writer.js";
import { WalDurability } from "../../../src/stores/sqlite/wal-durability.js";
import { answering, batch, emptyHead, entry, filling, requestReceipt, tile } from "../batches.js";
import { freshPaths } from "./folder.js";

const freshPath = freshPaths();
const driver = await loadSqliteDriver();
const BIG = entry("x".repeat(100_000));

let path: string;
let database: SqliteDatabase;
beforeEach(() => {
  path = freshPath();
  database = openForWriting(driver, path, LOG_FILE);
});

const writerOf = (opened = database): LogWriter => new LogWriter(opened, new WalDurability(path));

/** A database whose COMMIT fails as told, until it is mended; `isDone`: it is committed all the same. */
function failingCommit(error: unknown, isDone = false): { readonly database: SqliteDatabase; mend(): void } {
  let isFailing = true;
  const exec = (sql: string): void => {
    const fails = isFailing && sql === "COMMIT";
    if (!fails || isDone) database.exec(sql);
    if (fails) throw error;
  };
  return {
    database: { ...database, exec },
    mend: () => {
      isFailing = false;
    },
  };
}

/** As both libraries' errors tell their result code (sqlite.org/rescode.html). */
const sqliteError = (code: number, message: string): Error => Object.assign(new Error(message), { errcode: code });

/** Appends as openSqliteLog would have it packed. */
function append(writer: LogWriter, { entries, ...rest }: AppendBatch): unknown {
  const leafHashes = new Uint8Array(entries.flatMap(({ leafHash }) => [...leafHash]));
  const canonicals = entries.map(({ canonical }) => canonical);
  return writer.append({ ...rest, leafHashes, canonicals, receivedAts: entries.map(({ receivedAt }) => receivedAt) });
}

function expectNothingWritten(writer: LogWriter): void {
  expect(writer.head("default")).toEqual(emptyHead("default"));
  const reader = new LogReader(database);
  expect(reader.entries("default", [0, 1])).toEqual([undefined, undefined]);
  expect(reader.tiles("default", [{ level: 0, index: 0 }])).toEqual([undefined]);
}

test("writes nothing of a batch that fills the disk, and goes on when there is room again", () => {
  const writer = writerOf();
  writer.createLog(emptyHead("default"));
  database.exec(`PRAGMA max_page_count = ${pragma(database, "page_count") + 3}`);
  const tooBig = filling([tile({ level: 0, index: 0 })], batch("default", 0, [entry("small"), BIG]));
  const failure = thrownBy(() => append(writer, tooBig));
  expect(storeFailure(failure, "the log file")).toMatchObject({
    code: "UNAVAILABLE",
    message: "the log file cannot grow: the disk is full",
    outcome: "NONE",
  });
  expectNothingWritten(writer);
  database.exec("PRAGMA max_page_count = 1000000");
  expect(append(writer, tooBig)).toEqual({ kind: "appended" });
});

test("takes the next batch after a commit that failed", () => {
  const failing = failingCommit(new Error("disk I/O error"));
  const writer = writerOf(failing.database);
  writer.createLog(emptyHead("default"));
  expect(() => append(writer, batch("default", 0, [entry("a")]))).toThrow("disk I/O error");
  expectNothingWritten(writer);
  failing.mend();
  expect(append(writer, batch("default", 0, [entry("a")]))).toEqual({ kind: "appended" });
});

test.each([
  ["an fsync that fails (SQLITE_IOERR_FSYNC)", sqliteError(1_034, "disk I/O error"), "UNKNOWN"],
  ["an error without a code", new Error("something else"), "UNKNOWN"],
  ["a full disk (SQLITE_FULL)", sqliteError(13, "database or disk is full"), "NONE"],
  ["a file that became read-only (SQLITE_READONLY)", sqliteError(8, "attempt to write a readonly database"), "NONE"],
])("says what is known of a commit that ends with %s", (_, error, outcome) => {
  const writer = writerOf(failingCommit(error).database);
  writer.createLog(emptyHead("default"));
  expect(thrownBy(() => append(writer, batch("default", 0, [entry("a")])))).toMatchObject({
    code: "UNAVAILABLE",
    outcome,
  });
});

test("says NONE of a batch that fails before its commit", () => {
  const exec = (sql: string): void => {
    if (sql.startsWith("BEGIN")) throw sqliteError(10, "disk I/O error");
    database.exec(sql);
  };
  const writer = writerOf({ ...database, exec });
  writer.createLog(emptyHead("default"));
  const failure = thrownBy(() => append(writer, batch("default", 0, [entry("a")])));
  expect(failure).toMatchObject({ code: "UNAVAILABLE", outcome: "NONE" });
});

test("writes the WAL that it found, once, and again after a commit that failed, before it confirms what that shows", () => {
  const failing = failingCommit(sqliteError(1_034, "disk I/O error"), true);
  const first = writerOf();
  first.createLog(emptyHead("default"));
  append(first, batch("default", 0, [entry("a")]));
  const writer = writerOf(failing.database); // as after a crash: it was not this one that wrote
  const isRewritten = rewriteWatch(`${path}-wal`);
  writer.confirm();
  expect(isRewritten()).toBe(true);
  writer.confirm();
  expect(isRewritten()).toBe(false);
  expect(() => append(writer, batch("default", 1, [entry("b")]))).toThrow("check the disk");
  expect(writer.head("default")?.size).toBe(2);
  isRewritten();
  writer.confirm();
  expect(isRewritten()).toBe(true);
  const [stored] = new LogReader(database).entries("default", [1]);
  expect(stored?.canonical).toBe("b");
});

test("acknowledges nothing on top of a WAL that cannot be brought to the disk", () => {
  const sick = new WalDurability(path);
  sick.ensure = () => {
    throw new Error("EIO: i/o error, fsync");
  };
  writerOf().createLog(emptyHead("default"));
  const writer = new LogWriter(database, sick);
  const failure = thrownBy(() => append(writer, batch("default", 0, [entry("a")])));
  expect(failure).toMatchObject({ code: "UNAVAILABLE", outcome: "NONE" });
  expect(() => {
    writer.confirm();
  }).toThrow(/EIO/);
  expectNothingWritten(writer);
});

test("never overwrites an entry, whatever the head says", () => {
  const writer = writerOf();
  writer.createLog(emptyHead("default"));
  append(writer, batch("default", 0, [entry("a")]));
  database.exec("UPDATE logs SET size = 0");
  expect(() => append(writer, batch("default", 0, [entry("b")]))).toThrow(/constraint/i);
  const [stored] = new LogReader(database).entries("default", [0]);
  expect(stored?.canonical).toBe("a");
});

test.each(["first", "second", "third"])("makes no log where the head of the %s is gone", (lost) => {
  const writer = writerOf();
  for (const log of ["first", "second", "third"]) {
    writer.createLog(emptyHead(log));
    append(writer, batch(log, 0, [entry(log)]));
  }
  database.prepare("DELETE FROM logs WHERE id = ?").run(lost);
  expect(() => writer.createLog(emptyHead(lost))).toThrow("has lost the head of a log");
  expect(() => writer.createLog(emptyHead("fourth"))).toThrow("has lost the head of a log");
  expect(writer.heads()).toHaveLength(2);
});

test.each([
  ["its entries", "DELETE FROM tiles; DELETE FROM receipts", 2],
  ["its tiles", "DELETE FROM entries; DELETE FROM receipts", 2],
  ["its receipts", "DELETE FROM entries; DELETE FROM tiles", 2],
  ["a gap in the numbers", "DELETE FROM entries; DELETE FROM tiles; DELETE FROM receipts", 1],
])("misses a log by %s alone", (_, sql, number) => {
  const writer = writerOf();
  for (const log of ["first", "second"]) {
    writer.createLog(emptyHead(log));
    const keyed = answering([requestReceipt("key", 0)], batch(log, 0, [entry(log)]));
    append(writer, filling([tile({ level: 0, index: 0 })], keyed));
  }
  expect(writer.headless()).toEqual([]);
  database.exec(`${sql}; DELETE FROM logs WHERE number = ${number}`);
  expect(writer.headless()).toEqual([`log number ${number}`]);
});

/** Whether a file was written since it was last asked; its time of change is set back each time. */
function rewriteWatch(file: string): () => boolean {
  const setBack = (): void => {
    utimesSync(file, 1, 1);
  };
  setBack();
  return () => {
    const isWritten = statSync(file).mtimeMs !== 1_000;
    setBack();
    return isWritten;
  };
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
