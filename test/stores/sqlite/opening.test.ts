import { spawn } from "node:child_process";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { loadSqliteDriver } from "../../../src/stores/sqlite/driver.js";
import { openForWriting, pragma } from "../../../src/stores/sqlite/file.js";
import { LOG_FILE } from "../../../src/stores/sqlite/log-file.js";
import { openSqlite } from "../../../src/stores/sqlite/open.js";
import { closeStore, freshPaths, openedStores } from "./folder.js";
import { EMPTY_HEAD, GrowingLog, LOG } from "./growing-log.js";

const freshPath = freshPaths();
const open = openedStores();
const driver = await loadSqliteDriver();

/** Makes a file with any SQL in it. */
function fileWith(sql: string): string {
  const path = freshPath();
  const database = driver(path);
  database.exec(sql);
  database.close();
  return path;
}

test("refuses a second gateway on the same log, in this process, and lets it in when the first has closed", async () => {
  const path = freshPath();
  const first = await open(path);
  await expect(open(path)).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: `${path} is in use by another AuditQL: an SQLite log can have only one gateway at a time`,
  });
  await closeStore(first);
  await closeStore(await open(path));
});

test("refuses a second gateway that comes by another name of the file", async () => {
  const path = freshPath();
  const first = await open(path);
  const alias = freshPath();
  symlinkSync(path, alias);
  await expect(open(alias)).rejects.toThrow("is in use by another AuditQL");
  await closeStore(first);
});

test("refuses a log that has a second name by a hard link, running or not, and takes it when that is gone", async () => {
  const path = freshPath();
  const first = await open(path);
  await first.log.createLog(EMPTY_HEAD);
  const link = freshPath();
  linkSync(path, link);
  for (const name of [link, path]) {
    await expect(open(name)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: `${name} has 2 names (hard links), but an SQLite log may have only one: remove the others, or copy the file and open the copy`,
    });
  }
  await closeStore(first);
  await expect(open(link)).rejects.toThrow("has 2 names");
  rmSync(link);
  await closeStore(await open(path));
});

test("refuses a second gateway in another process, and needs no clean-up after that was killed", async () => {
  const path = freshPath();
  const child = spawn(process.execPath, [fileURLToPath(new URL("./appender.js", import.meta.url)), path]);
  await new Promise((resolve) => child.stdout.once("data", resolve));
  await expect(open(path)).rejects.toThrow("is in use by another AuditQL");
  const killed = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await killed;
  await closeStore(await open(path));
});

test("refuses a file that is not an SQLite database", async () => {
  const path = freshPath();
  writeFileSync(path, "Dear diary, this is no database. ".repeat(40));
  await expect(open(path)).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: `${path} is not an SQLite database`,
  });
});

test("refuses somebody else's database, and leaves it as it was", async () => {
  const path = fileWith("CREATE TABLE recipes (name TEXT)");
  const before = readFileSync(path);
  await expect(open(path)).rejects.toThrow(`${path} is an SQLite database, but not a log file of AuditQL`);
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("refuses to take somebody else's database for its index", async () => {
  const path = freshPath();
  const database = driver(`${path}-index`);
  database.exec("CREATE TABLE recipes (name TEXT)");
  database.close();
  await expect(open(path)).rejects.toThrow("is an SQLite database, but not a search index of AuditQL");
});

test("opens a new log without its index, which is there once it is needed, and refuses somebody else's then too", async () => {
  const path = freshPath();
  const { log, blocks } = await openSqlite(path);
  expect(existsSync(`${path}-index`)).toBe(false);
  const database = driver(`${path}-index`);
  database.exec("CREATE TABLE recipes (name TEXT)");
  database.close();
  await expect(blocks.segments(LOG)).rejects.toThrow("is an SQLite database, but not a search index of AuditQL");
  rmSync(`${path}-index`);
  expect(await blocks.segments(LOG)).toEqual([]);
  expect(existsSync(`${path}-index`)).toBe(true);
  await blocks.close();
  await log.close();
  await expect(blocks.segments(LOG)).rejects.toMatchObject({ code: "UNAVAILABLE" });
});

test("refuses a log that a newer AuditQL wrote, and says both versions", async () => {
  const { applicationId, version } = LOG_FILE;
  const path = fileWith(
    `CREATE TABLE logs (x); PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version + 1}`,
  );
  await expect(open(path)).rejects.toThrow(
    `${path}: it was written by a newer AuditQL: it has schema ${version + 1}, this one reads schema ${version}`,
  );
});

test("refuses a path that is a folder, and one below a file", async () => {
  const folder = freshPath();
  mkdirSync(folder);
  await expect(open(folder)).rejects.toThrow(/cannot be opened/);
  const file = freshPath();
  writeFileSync(file, "");
  await expect(open(`${file}/log.db`)).rejects.toMatchObject({ code: "UNAVAILABLE" });
});

test("does not keep the lock of a log that it refused", async () => {
  const path = fileWith("CREATE TABLE recipes (name TEXT)");
  await expect(open(path)).rejects.toThrow("not a log file");
  await expect(open(path)).rejects.toThrow("not a log file");
});

test("asks for a sync at every commit each time the log file is opened", () => {
  const path = freshPath();
  for (let round = 0; round < 2; round++) {
    const database = openForWriting(driver, path, LOG_FILE);
    expect(pragma(database, "synchronous")).toBe(2);
    database.close();
  }
});

test("leaves the log in one file when it is closed", async () => {
  const path = freshPath();
  const store = await open(path);
  await store.log.createLog(EMPTY_HEAD);
  await closeStore(store);
  const copy = freshPath();
  writeFileSync(copy, readFileSync(path));
  const copied = await open(copy);
  expect(await copied.log.head(EMPTY_HEAD.log)).toEqual(EMPTY_HEAD);
  await closeStore(copied);
});

test("can be copied while it runs, by SQLite's own means", async () => {
  const path = freshPath();
  const store = await open(path);
  await store.log.createLog(EMPTY_HEAD);
  const growing = new GrowingLog();
  await store.log.append(growing.next(300));
  const copy = freshPath();
  const onlooker = driver(path);
  const appending = store.log.append(growing.next(300));
  onlooker.prepare("VACUUM INTO ?").run(copy);
  onlooker.close();
  await appending;
  const copied = await open(copy);
  const head = await copied.log.head(LOG);
  const hashes = await copied.log.leafHashes(LOG, { start: 0, end: 1_000 });
  expect(hashes).toHaveLength(32 * (head?.size ?? 0));
  expect([300, 600]).toContain(head?.size);
});

test("rejects calls after it was closed", async () => {
  const store = await open(freshPath());
  await closeStore(store);
  await expect(store.log.heads()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(
    store.index.count(
      {
        log: "default",
        filter: { kind: "all" },
        range: { start: 0, end: 1 },
        order: { field: "actor", direction: "asc" },
      },
      1,
    ),
  ).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
