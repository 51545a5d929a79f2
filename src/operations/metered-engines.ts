import type { CachedRoot, RootCache } from "../audit/cache.js";
import { aheadOf, type Clock } from "../audit/clock.js";
import { deadline } from "../audit/deadline.js";
import { PIECE_DOCUMENTS } from "../core/segment/format.js";
import type { SearchIndex } from "../audit/search-index.js";
import type { AppendBatch, AppendOutcome, LogHead, LogStore } from "../audit/store.js";
import type { Metrics, PerLog } from "./metrics.js";
import { replaced } from "../audit/wrapped.js";

/** How long a read of the metrics waits for a store that does not answer. */
const READ_TIMEOUT_MS = 2_000;

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

/** How many entries of each log could be in stored segments of its index, and are read from the log instead. */
export function indexLag(store: LogStore, index: SearchIndex): Promise<PerLog> {
  return ofEachLog(store, async ({ log, size }) =>
    Math.max(0, size - (size % PIECE_DOCUMENTS) - (await index.indexedSize(log))),
  );
}

/** How many seconds each log's newest entry is ahead of a clock: 0, unless a gateway's clock was or is wrong. */
export function clockBehind(store: LogStore, clock: Clock): Promise<PerLog> {
  return ofEachLog(store, ({ lastReceivedAt }) => Promise.resolve(aheadOf(clock() / 1_000, lastReceivedAt) / 1_000));
}

async function ofEachLog(store: LogStore, read: (head: LogHead) => Promise<number>): Promise<PerLog> {
  const heads = await deadline(store.heads(), READ_TIMEOUT_MS);
  const values = heads.map(async (head) => [head.log, await deadline(read(head), READ_TIMEOUT_MS)] as const);
  return new Map(await Promise.all(values));
}
