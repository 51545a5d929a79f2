import type { RootCache } from "../audit/cache.js";
import { systemClock } from "../audit/clock.js";
import type { IndexedStore, SearchIndex } from "../audit/search-index.js";
import type { LogStore } from "../audit/store.js";
import { clockBehind, eachLog, indexLag, meteredCache, meteredStore, rootAge } from "./metered-engines.js";
import type { Metrics } from "./metrics.js";
import { traced } from "./tracing.js";

export interface Engines {
  readonly store: LogStore;
  readonly index: SearchIndex;
  readonly cache: RootCache;
  readonly connections?: IndexedStore["connections"];
}

/** The engines with metrics, and with traces if the process exports any. */
export function instrumented(engines: Engines, metrics: Metrics): Omit<Engines, "connections"> {
  const { store, index, cache, connections } = engines;
  watchHeads(engines, metrics);
  if (connections !== undefined) watchConnections(connections, metrics);
  metrics.watch("auditql_root_cache_up", "1 while the root cache can be reached.", () => (cache.isAnswering ? 1 : 0));
  const stale = "1 from a newest root that the root cache did not keep until it keeps one.";
  metrics.watch("auditql_root_cache_stale", stale, () => (cache.isRemembering ? 0 : 1));
  return {
    store: traced(meteredStore(store, metrics), "store"),
    index: traced(index, "index"),
    cache: traced(meteredCache(cache, metrics), "cache"),
  };
}

function watchHeads({ store, index }: Engines, metrics: Metrics): void {
  const each = eachLog(store);
  const clock = systemClock();
  const gauges = [
    ["auditql_log_entries", "Entries of the log.", ({ size }) => size],
    ["auditql_root_age_seconds", "How long ago the log's newest root was made.", rootAge(clock)],
    [
      "auditql_index_lag_entries",
      "Entries that searches read from the log, because their segments are not stored yet.",
      indexLag(index),
    ],
    [
      "auditql_clock_behind_seconds",
      "How far the newest entry's time is ahead of this gateway's clock.",
      clockBehind(clock),
    ],
  ] as const satisfies readonly (readonly [string, string, Parameters<typeof each>[0]])[];
  for (const [name, help, ofHead] of gauges) metrics.watchEach(name, help, { read: () => each(ofHead) });
}

function watchConnections(state: NonNullable<IndexedStore["connections"]>, metrics: Metrics): void {
  const read = () => {
    const { used, idle } = state();
    return Promise.resolve(new Map(Object.entries({ used, idle })));
  };
  metrics.watchEach("auditql_store_connections", "Connections to the database.", { label: "state", read });
  metrics.watch("auditql_store_connections_max", "How many there may be.", () => state().max);
  metrics.watch("auditql_store_pending_requests", "Calls that wait for a connection.", () => state().waiting);
}

/** The logs that accept no entries because what is stored or signed contradicts itself. */
export function watchDamage(logs: readonly string[], isDamaged: (log: string) => boolean, metrics: Metrics): void {
  const read = () => Promise.resolve(new Map(logs.map((log) => [log, isDamaged(log) ? 1 : 0])));
  const help = "1 while the log is not written because what is stored or signed contradicts itself.";
  metrics.watchEach("auditql_log_damaged", help, { read });
}

/** The number of events that wait in each log: reported by the sequencers, read by the metrics. */
export class WaitingEvents {
  readonly #events = new Map<string, number>();

  constructor(metrics: Metrics) {
    const read = () => Promise.resolve(this.#events);
    metrics.watchEach("auditql_waiting_events", "Events that wait for the batch in flight.", { read });
  }

  readonly set = (log: string, events: number): void => {
    this.#events.set(log, events);
  };
}
