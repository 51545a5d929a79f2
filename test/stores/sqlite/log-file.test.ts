import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { loadSqliteDriver } from "../../../src/stores/sqlite/driver.js";
import { LOG_FILE } from "../../../src/stores/sqlite/log-file.js";
import type { LogStore } from "../../../src/audit/store.js";
import { openSqliteLog } from "../../../src/stores/sqlite/log-store.js";
import { rejection } from "../../engine/rejection.js";
import { answering, batch, entry, hashOf, requestReceipt } from "../batches.js";

const folder = await mkdtemp(join(tmpdir(), "auditql-log-file-"));
afterAll(() => rm(folder, { recursive: true }));
const driver = await loadSqliteDriver();

const open = (logPath: string): Promise<LogStore> =>
  openSqliteLog({ logPath, indexPath: `${logPath}-index` }, () => undefined);

/** A log file as the first version made it, with one entry. */
function firstVersion(name: string, userVersion = 1): string {
  const path = join(folder, name);
  const database = driver(path);
  database.exec(LOG_FILE.schema);
  database.exec(`PRAGMA application_id = ${LOG_FILE.applicationId}; PRAGMA user_version = ${userVersion}`);
  const logs = database.prepare("INSERT INTO logs VALUES (1, 'default', 'rfc6962', 1, ?, 'default at 1', '2026')");
  logs.run(hashOf("root 1"));
  database.prepare("INSERT INTO entries VALUES (1099511627776, '2026', ?, 'old')").run(hashOf("old"));
  database.close();
  return path;
}

test("a log file of the first version is brought to the newest, with what it holds, and only once", async () => {
  const path = firstVersion("first.db");
  for (const size of [1, 3]) {
    const store = await open(path);
    expect((await store.entries("default", [0]))[0]?.canonical).toBe("old");
    const receipts = [requestReceipt(`key ${size}`, size)];
    const appended = await store.append(answering(receipts, batch("default", size, [entry("a"), entry("b")])));
    expect(appended).toEqual({ kind: "appended" });
    expect((await store.receipts("default", [hashOf("key 1")]))[0]?.treeSize).toBe(3);
    await store.close();
  }
});

/** A log file of the version that kept bulk requests, with one of them. */
function withBulk(name: string, outcome: string | null): string {
  const path = firstVersion(name, 5);
  const database = driver(path);
  for (const step of LOG_FILE.upgrades.slice(0, 4)) if (typeof step === "string") database.exec(step);
  const row = "INSERT INTO bulks VALUES (1, 'default', 'old', '', ?, '{}', 1, 0, ?, NULL, 2, NULL)";
  database.prepare(row).run(hashOf("old"), outcome);
  database.close();
  return path;
}

test("a log file in which bulk requests wait is refused in one sentence, and left for the version that can log them", async () => {
  const path = withBulk("waiting.db", null);
  for (let tries = 0; tries < 2; tries++) {
    const { code, message } = await rejection(open(path));
    expect([code, message]).toEqual([
      "UNAVAILABLE",
      expect.stringMatching(/^the store holds bulk requests \(1\).*start that version/),
    ]);
  }
  const database = driver(path);
  expect(database.prepare("PRAGMA user_version").all()).toEqual([{ user_version: 5 }]);
  expect(database.prepare("SELECT count(*) waiting FROM bulks").all()).toEqual([{ waiting: 1 }]);
  database.close();
});

test("a log file whose bulk requests have all ended is brought to the newest version, without their table", async () => {
  const path = withBulk("ended.db", "ended");
  const store = await open(path);
  expect((await store.entries("default", [0]))[0]?.canonical).toBe("old");
  await store.close();
  const database = driver(path);
  expect(database.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'bulks%'").all()).toEqual([]);
  database.close();
});

test("a log file of a later version is refused, and left as it was", async () => {
  const path = firstVersion("later.db", 99);
  const { code, message } = await rejection(open(path));
  expect([code, message]).toEqual(["UNAVAILABLE", expect.stringMatching(/a newer AuditQL: it has schema 99/)]);
  const database = driver(path);
  expect(database.prepare("PRAGMA user_version").all()).toEqual([{ user_version: 99 }]);
  database.close();
});
