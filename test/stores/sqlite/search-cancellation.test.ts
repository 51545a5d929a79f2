import type { SearchIndex } from "../../../src/audit/search-index.js";
import { openSqlite } from "../../../src/stores/sqlite/open.js";
import { type HeldStore, searchCancellationContract } from "../search-cancellation-contract.js";
import { freshPaths } from "./folder.js";

const AHEAD = 100;

const freshPath = freshPaths();

/** There is one thread for all searches: it is busy with those that were asked before. */
function behindOthers(index: SearchIndex): HeldStore["hold"] {
  return async (query) => {
    const ahead = Array.from({ length: AHEAD }, () => index.page(query, { limit: 1 }));
    return async () => {
      await Promise.all(ahead);
    };
  };
}

searchCancellationContract("sqlite", async () => {
  const store = await openSqlite(freshPath());
  return { store, hold: behindOthers(store.index) };
});
