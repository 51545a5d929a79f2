import type { SearchIndex } from "../../../src/audit/search-index.js";
import { openSqlite } from "../../../src/stores/sqlite/open.js";
import { type HeldStore, searchCancellationContract } from "../search-cancellation-contract.js";
import { freshPaths } from "./folder.js";

/** More than the thread answers while a test asks and aborts: each sorts the matches of the whole log. */
const AHEAD = 3_000;

const freshPath = freshPaths();

/** There is one thread for all searches: it is busy with those that were asked before, until these are given up too. */
function behindOthers(index: SearchIndex): HeldStore["hold"] {
  return (query) => {
    const askers = Array.from({ length: AHEAD }, () => new AbortController());
    const ahead = askers.map(({ signal }) => index.page(query, { limit: 1 }, signal));
    return Promise.resolve(async () => {
      for (const asker of askers) asker.abort();
      await Promise.allSettled(ahead);
    });
  };
}

searchCancellationContract("sqlite", async () => {
  const store = await openSqlite(freshPath());
  return { store, hold: behindOthers(store.index) };
});
