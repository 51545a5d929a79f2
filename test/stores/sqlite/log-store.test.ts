import { loadSqliteDriver } from "../../../src/stores/sqlite/driver.js";
import type { LogStore } from "../../../src/audit/store.js";
import { openSqliteLog } from "../../../src/stores/sqlite/log-store.js";
import { logStoreContract } from "../log-store-contract.js";
import { freshPaths } from "./folder.js";

const driver = await loadSqliteDriver();
const freshPath = freshPaths();
let logPath = "";
const open = (): Promise<LogStore> => openSqliteLog({ logPath, indexPath: `${logPath}-index` }, () => undefined);

logStoreContract("sqlite", {
  open: () => {
    logPath = freshPath();
    return open();
  },
  reopen: async (store) => {
    await store.close();
    return open();
  },
  deleteHead: (log) => {
    const database = driver(logPath);
    database.prepare("DELETE FROM logs WHERE id = ?").run(log);
    database.close();
    return Promise.resolve();
  },
});
