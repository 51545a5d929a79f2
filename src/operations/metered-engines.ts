import type { CachedRoot, RootCache } from "../audit/cache.js";
import { aheadOf } from "../core/instant.js";
import type { Clock } from "../audit/clock.js";
import { deadline, replaced } from "../audit/calls.js";
import { PIECE_DOCUMENTS } from "../core/segment/format.js";
import type { SearchIndex } from "../audit/search-index.js";
import type { AppendBatch, AppendOutcome, LogHead, LogReads, LogStore } from "../audit/store.js";
import type { Metrics, PerLog } from "./metrics.js";

/** How long a read of the metrics waits for a store that does not answer. */
const READ_TIMEOUT_MS = 2_000;

/** The store, with each batch counted and timed. A turn that cannot be had is an append that failed, of no events. */
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
  const turn = async (log: string, size: number): Promise<LogReads | undefined> => {
    const startedAt = performance.now();
    try {
      return await store.turn?.(log, size);
    } catch (error) {
      metrics.append({ log, events: 0, outcome: "error", ms: performance.now() - startedAt });
      throw error;
    }
  };
  return replaced(store, { append, ...(store.turn && { turn }) });
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

/** The numbers read from a log's head, for each log of a store. */
export type ReadHead = (head: LogHead) => number | Promise<number>;

/** Reads the heads once for all numbers that are read at the same time. */
export function eachLog(store: Pick<LogStore, "heads">): (read: ReadHead) => Promise<PerLog> {
  let reading: Promise<readonly LogHead[]> | undefined;
  return async (read) => {
    reading ??= deadline(store.heads(), READ_TIMEOUT_MS).finally(() => (reading = undefined));
    const values = (await reading).map(
      async (head) => [head.log, await deadline(Promise.resolve(read(head)), READ_TIMEOUT_MS)] as const,
    );
    return new Map(await Promise.all(values));
  };
}

/** How many entries of a log could be in stored segments of its index but are read from the log instead. */
export function indexLag(index: Pick<SearchIndex, "indexedSize">): ReadHead {
  return async ({ log, size }) => Math.max(0, size - (size % PIECE_DOCUMENTS) - (await index.indexedSize(log)));
}

/** How many seconds a log's newest entry is ahead of a clock: 0, unless a gateway's clock was or is wrong. */
export function clockBehind(clock: Clock): ReadHead {
  return ({ lastReceivedAt }) => aheadOf(clock() / 1_000, lastReceivedAt) / 1_000;
}

/** How many seconds ago a log's newest root was made, which an empty log has from its beginning. */
export function rootAge(clock: Clock): ReadHead {
  return ({ lastReceivedAt }) => Math.max(0, clock() / 1_000 - Date.parse(lastReceivedAt)) / 1_000;
}
