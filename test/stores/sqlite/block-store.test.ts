import { openSqlite } from "../../../src/stores/sqlite/open.js";
import { blockStoreContract } from "../block-store-contract.js";
import { freshPaths } from "./folder.js";

const freshPath = freshPaths();

blockStoreContract("sqlite", async () => {
  const path = freshPath();
  return { opened: await openSqlite(path), reopen: () => openSqlite(path) };
});
