import type { RootCache } from "../audit/cache.js";
import { systemClock } from "../audit/clock.js";
import type { SearchIndex } from "../audit/search-index.js";
import type { LogStore } from "../audit/store.js";
import { clockBehind, indexLag, meteredCache, meteredStore } from "./metered-engines.js";
import type { Metrics } from "./metrics.js";
import { traced } from "./tracing.js";

export interface Engines {
  readonly store: LogStore;
  readonly index: SearchIndex;
  readonly cache: RootCache;
}

/** The engines with metrics, and with traces if the process exports any. */
export function instrumented({ store, index, cache }: Engines, metrics: Metrics): Engines {
  metrics.watchIndexLag(() => indexLag(store, index));
  metrics.watchClockBehind(() => clockBehind(store, systemClock()));
  metrics.watchRootCache(() => cache.isRemembering);
  return {
    store: traced(meteredStore(store, metrics), "store"),
    index: traced(index, "index"),
    cache: traced(meteredCache(cache, metrics), "cache"),
  };
}

/** How many events wait in each log: reported by the sequencers, read by the metrics. */
export class WaitingEvents {
  readonly #events = new Map<string, number>();

  constructor(metrics: Metrics) {
    metrics.watchWaitingEvents(() => this.#events);
  }

  readonly set = (log: string, events: number): void => {
    this.#events.set(log, events);
  };
}
