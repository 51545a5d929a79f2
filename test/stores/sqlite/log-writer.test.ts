import { beforeEach, expect, test } from "@jest/globals";
import type { AppendBatch } from "../../../src/audit/store.js";
import { loadSqliteDriver, type SqliteDatabase } from "../../../src/stores/sqlite/driver.js";
import { storeFailure } from "../../../src/stores/sqlite/failure.js";
import { openForWriting, pragma } from "../../../src/stores/sqlite/file.js";
import { LOG_FILE } from "../../../src/stores/sqlite/log-file.js";
import { LogReader } from "../../../src/stores/sqlite/log-reader.js";
import { LogWriter } from "../../../src/stores/sqlite/log-writer.js";
import { batch, emptyHead, entry, filling, tile } from "../batches.js";
import { freshPaths } from "./folder.js";

const freshPath = freshPaths();
const driver = await loadSqliteDriver();
const BIG = entry("x".repeat(100_000));

let database: SqliteDatabase;
beforeEach(() => {
  database = openForWriting(driver, freshPath(), LOG_FILE);
});

/** Appends as SqliteLogStore would have it packed. */
function append(writer: LogWriter, { entries, ...rest }: AppendBatch): unknown {
  const leafHashes = new Uint8Array(entries.flatMap(({ leafHash }) => [...leafHash]));
  const canonicals = entries.map(({ canonical }) => canonical);
  return writer.append({ ...rest, leafHashes, canonicals, receivedAts: entries.map(({ receivedAt }) => receivedAt) });
}

function expectNothingWritten(writer: LogWriter): void {
  expect(writer.head("default")).toEqual(emptyHead("default"));
  const reader = new LogReader(database);
  expect(reader.entries({ log: "default", leafIndexes: [0, 1] })).toEqual([undefined, undefined]);
  expect(reader.tiles({ log: "default", ids: [{ level: 0, index: 0 }] })).toEqual([undefined]);
}

test("writes nothing of a batch that fills the disk, and goes on when there is room again", () => {
  const writer = new LogWriter(database);
  writer.createLog(emptyHead("default"));
  database.exec(`PRAGMA max_page_count = ${pragma(database, "page_count") + 3}`);
  const tooBig = filling([tile({ level: 0, index: 0 })], batch("default", 0, [entry("small"), BIG]));
  const failure = thrownBy(() => append(writer, tooBig));
  expect(storeFailure(failure, "the log file")).toMatchObject({
    code: "UNAVAILABLE",
    message: "the log file cannot grow: the disk is full",
  });
  expectNothingWritten(writer);
  database.exec("PRAGMA max_page_count = 1000000");
  expect(append(writer, tooBig)).toEqual({ kind: "appended" });
});

test("takes the next batch after a commit that failed", () => {
  let failing = true;
  const writer = new LogWriter({
    ...database,
    exec: (sql) => {
      if (failing && sql === "COMMIT") throw new Error("disk I/O error");
      database.exec(sql);
    },
  });
  writer.createLog(emptyHead("default"));
  expect(() => append(writer, batch("default", 0, [entry("a")]))).toThrow("disk I/O error");
  expectNothingWritten(writer);
  failing = false;
  expect(append(writer, batch("default", 0, [entry("a")]))).toEqual({ kind: "appended" });
});

test("never overwrites an entry, whatever the head says", () => {
  const writer = new LogWriter(database);
  writer.createLog(emptyHead("default"));
  append(writer, batch("default", 0, [entry("a")]));
  database.exec("UPDATE logs SET size = 0");
  expect(() => append(writer, batch("default", 0, [entry("b")]))).toThrow(/constraint/i);
  const [stored] = new LogReader(database).entries({ log: "default", leafIndexes: [0] });
  expect(stored?.canonical).toBe("a");
});

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
