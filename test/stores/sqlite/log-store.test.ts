import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "@jest/globals";
import { SqliteLogStore } from "../../../src/stores/sqlite/log-store.js";
import { logStoreContract } from "../log-store-contract.js";

const folder = await mkdtemp(join(tmpdir(), "auditql-sqlite-"));
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
let logPath = "";
const open = (): Promise<SqliteLogStore> =>
  SqliteLogStore.open({ logPath, indexPath: `${logPath}-index` }, () => undefined);

logStoreContract("sqlite", {
  open: () => {
    logPath = join(folder, `${files++}.db`);
    return open();
  },
  reopen: async (store) => {
    await store.close();
    return open();
  },
});
