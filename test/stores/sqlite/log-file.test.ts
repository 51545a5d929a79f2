import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { loadSqliteDriver } from "../../../src/stores/sqlite/driver.js";
import { LOG_FILE } from "../../../src/stores/sqlite/log-file.js";
import { SqliteLogStore } from "../../../src/stores/sqlite/log-store.js";
import { rejection } from "../../engine/rejection.js";
import { answering, batch, entry, hashOf, requestReceipt } from "../batches.js";

const folder = await mkdtemp(join(tmpdir(), "auditql-log-file-"));
afterAll(() => rm(folder, { recursive: true }));
const driver = await loadSqliteDriver();

const open = (logPath: string): Promise<SqliteLogStore> =>
  SqliteLogStore.open({ logPath, indexPath: `${logPath}-index` }, () => undefined);

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

test("bulk requests that wait in a log file of the third version count for what waits", async () => {
  const path = firstVersion("third.db", 3);
  const database = driver(path);
  for (const step of LOG_FILE.upgrades.slice(0, 2)) database.exec(step);
  const waiting = "INSERT INTO bulks VALUES (1, 'default', 'old', '', ?, 'a body of 🦆', 1, 0, NULL, NULL)";
  database.prepare(waiting).run(hashOf("old"));
  database.close();
  const store = await open(path);
  const { bulkQueue } = store;
  const bulk = { log: "default", owner: "", requestDigest: hashOf("new"), body: "", acceptedAtMs: 2, seal: undefined };
  expect(await bulkQueue.enqueue({ ...bulk, name: "new", bytes: 86 }, 99)).toEqual({ kind: "full" });
  expect(await bulkQueue.enqueue({ ...bulk, name: "new", bytes: 86 }, 100)).toMatchObject({ kind: "queued" });
  await store.close();
});

test("a log file of a later version is refused, and left as it was", async () => {
  const path = firstVersion("later.db", 99);
  const { code, message } = await rejection(open(path));
  expect([code, message]).toEqual(["UNAVAILABLE", expect.stringMatching(/a newer AuditQL: it has schema 99/)]);
  const database = driver(path);
  expect(database.prepare("PRAGMA user_version").all()).toEqual([{ user_version: 99 }]);
  database.close();
});
