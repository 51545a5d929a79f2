import type { CachedRoot, RootCache } from "../audit/cache.js";
import { deadline } from "../audit/deadline.js";
import type { SearchIndex } from "../audit/search-index.js";
import type { AppendBatch, AppendOutcome, LogStore } from "../audit/store.js";
import type { Metrics, PerLog } from "./metrics.js";
import { replaced } from "./port.js";

/** Whoever reads the metrics does not wait longer for a store that does not answer. */
const LAG_TIMEOUT_MS = 2_000;

/** The store, with each batch counted and timed. */
export function meteredStore(store: LogStore, metrics: Metrics): LogStore {
  const append = async (batch: AppendBatch): Promise<AppendOutcome> => {
    const startedAt = performance.now();
    const measure = (outcome: AppendOutcome["kind"] | "error"): void => {
      const ms = performance.now() - startedAt;
      metrics.append({ log: batch.log, events: batch.entries.length, outcome, ms });
    };
    try {
      const outcome = await store.append(batch);
      measure(outcome.kind);
      return outcome;
    } catch (error) {
      measure("error");
      throw error;
    }
  };
  return replaced(store, { append });
}

/** The cache, with each read counted. */
export function meteredCache(cache: RootCache, metrics: Metrics): RootCache {
  const counted = async (read: Promise<CachedRoot | undefined>): Promise<CachedRoot | undefined> => {
    const root = await read;
    const missed = cache.isAnswering ? "miss" : "unavailable";
    metrics.rootCacheRead(root === undefined ? missed : "hit");
    return root;
  };
  return replaced(cache, {
    get: (log, treeSize) => counted(cache.get(log, treeSize)),
    newest: (log) => counted(cache.newest(log)),
  });
}

/** How many entries of each log the index has still before it. */
export async function indexLag(store: LogStore, index: SearchIndex): Promise<PerLog> {
  const heads = await deadline(store.heads(), LAG_TIMEOUT_MS);
  const lags = heads.map(async ({ log, size }) => {
    const indexed = await deadline(index.indexedSize(log), LAG_TIMEOUT_MS);
    return [log, Math.max(0, size - indexed)] as const;
  });
  return new Map(await Promise.all(lags));
}
