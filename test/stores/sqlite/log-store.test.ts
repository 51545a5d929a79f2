import { SqliteLogStore } from "../../../src/stores/sqlite/log-store.js";
import { logStoreContract } from "../log-store-contract.js";
import { freshPaths } from "./folder.js";

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
});
