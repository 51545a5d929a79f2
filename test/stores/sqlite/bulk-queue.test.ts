import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "@jest/globals";
import type { BulkQueue } from "../../../src/audit/bulk-queue.js";
import { loadSqliteDriver } from "../../../src/stores/sqlite/driver.js";
import { SqliteLogStore } from "../../../src/stores/sqlite/log-store.js";
import { bulkQueueContract } from "../bulk-queue-contract.js";

const driver = await loadSqliteDriver();
const folder = await mkdtemp(join(tmpdir(), "auditql-sqlite-bulk-"));
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
let store: SqliteLogStore | undefined;
async function open(): Promise<BulkQueue> {
  const logPath = join(folder, `${files}.db`);
  store = await SqliteLogStore.open({ logPath, indexPath: `${logPath}-index` }, () => undefined);
  return store.bulkQueue;
}

bulkQueueContract("sqlite", {
  open: () => {
    files += 1;
    return open();
  },
  openAgain: async () => {
    await store?.close();
    return open();
  },
  close: async () => store?.close(),
  overwrite: (columns) => {
    const database = driver(join(folder, `${files}.db`));
    database.exec(`UPDATE bulks SET ${columns}`);
    database.close();
    return Promise.resolve();
  },
});
