import { LRUCache } from "lru-cache";

/** Times to locate among the first `size` entries of a log. */
export interface AskedTimes {
  readonly times: readonly string[];
  readonly size: number;
  /** The store's proposal: where to look first. */
  readonly hint: (time: string) => Promise<number>;
}

/**
 * The times in the entries' texts, which the signed tree covers, in one read. Rejects with ENTRY_CORRUPT where one was
 * changed.
 */
type ReceivedAt = (leafIndexes: readonly number[]) => Promise<readonly string[]>;

/** The default number of bounds that are remembered. */
const KEPT_BOUNDS = 1_024;

/**
 * The bounds of time windows in a log. A bound that is followed by an entry never changes while the log only grows, so
 * it is found once: people look at the same window again and again.
 */
export class TimeBounds {
  readonly #known: LRUCache<string, number>;

  constructor(kept = KEPT_BOUNDS) {
    this.#known = new LRUCache({ max: kept });
  }

  /**
   * For each time, the first leaf index below `size` whose entry was received at or after it; `size` if there is none.
   * Times never decrease along a log, so the entries before and at the index prove it: one read for all of them, and
   * about log2(size) more where the store's times were changed. Rejects with ENTRY_CORRUPT when an entry that it reads
   * was changed.
   */
  async firstAtOrAfter(asked: AskedTimes, receivedAt: ReceivedAt): Promise<readonly number[]> {
    const { times, size } = asked;
    const known = times.map((time) => this.#known.get(time));
    const unknown = times.filter((_, at) => known[at] === undefined);
    const found = await boundFirstAtOrAfter({ ...asked, times: unknown }, receivedAt);
    found.forEach((bound, at) => {
      if (bound < size) this.#known.set(unknown[at] ?? "", bound);
    });
    let next = 0;
    return known.map((bound) => Math.min(bound ?? found[next++] ?? size, size));
  }
}

async function boundFirstAtOrAfter(
  { times, size, hint }: AskedTimes,
  receivedAt: ReceivedAt,
): Promise<readonly number[]> {
  const hinted = await Promise.all(
    times.map(async (time) => ({ time, place: Math.min(Math.max(await hint(time), 0), size) })),
  );
  const beside = [...new Set(hinted.flatMap(({ place }) => [place - 1, place]))].filter((at) => at >= 0 && at < size);
  const read = beside.length === 0 ? [] : await receivedAt(beside);
  const known = new Map(beside.map((leafIndex, at) => [leafIndex, read[at]]));
  const isBefore = async (leafIndex: number, time: string): Promise<boolean> => {
    const found = known.get(leafIndex) ?? (await receivedAt([leafIndex]))[0];
    if (found === undefined) throw new Error(`no time of entry ${leafIndex}`);
    return found < time;
  };
  const bound = async ({ time, place }: (typeof hinted)[number]): Promise<number> => {
    const beforeIt = place === 0 || (await isBefore(place - 1, time));
    const atIt = place < size && (await isBefore(place, time));
    if (beforeIt && !atIt) return place;
    // One of the two is on the wrong side, so the index lies beyond it.
    let [low, high] = beforeIt ? [place, size] : [0, place];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (await isBefore(middle, time)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return Promise.all(hinted.map(bound));
}
