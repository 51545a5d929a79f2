import { loadSqliteDriver } from "../../../src/stores/sqlite/driver.js";
import { SqliteLogStore } from "../../../src/stores/sqlite/log-store.js";
import { logStoreContract } from "../log-store-contract.js";
import { freshPaths } from "./folder.js";

const driver = await loadSqliteDriver();
const freshPath = freshPaths();
let logPath = "";
const open = (): Promise<SqliteLogStore> =>
  SqliteLogStore.open({ logPath, indexPath: `${logPath}-index` }, () => undefined);

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
