/** Where the bounds of a time window are searched. */
export interface TimedEntries {
  /** What the store says: where to look first. */
  readonly hint: (time: string) => Promise<number>;
  /**
   * The times in the entries' texts, which the signed tree covers, in one read. Rejects with ENTRY_CORRUPT where one
   * was changed.
   */
  readonly receivedAt: (leafIndexes: readonly number[]) => Promise<readonly string[]>;
}

/**
 * For each time, the first leaf index below `size` whose entry was received at or after it; `size` if there is none.
 * Times never decrease along a log, so the entries before and at the index prove it: one read for all of them, and
 * about log2(size) more where the store's times were changed. Rejects with ENTRY_CORRUPT when an entry that it reads
 * was changed.
 */
export async function boundFirstAtOrAfter(
  times: readonly string[],
  size: number,
  { hint, receivedAt }: TimedEntries,
): Promise<readonly number[]> {
  const hints = await Promise.all(times.map((time) => hint(time)));
  const places = hints.map((place) => Math.min(Math.max(place, 0), size));
  const beside = [...new Set(places.flatMap((place) => [place - 1, place]))].filter((at) => at >= 0 && at < size);
  const read = beside.length === 0 ? [] : await receivedAt(beside);
  const known = new Map(beside.map((leafIndex, at) => [leafIndex, read[at]]));
  const isBefore = async (leafIndex: number, time: string): Promise<boolean> => {
    const found = known.get(leafIndex) ?? (await receivedAt([leafIndex]))[0];
    if (found === undefined) throw new Error(`no time of entry ${leafIndex}`);
    return found < time;
  };
  const bound = async (time: string, place: number): Promise<number> => {
    const beforeIt = place === 0 || (await isBefore(place - 1, time));
    const atIt = place < size && (await isBefore(place, time));
    if (beforeIt && !atIt) return place;
    // One of the two is on the wrong side, so the index lies beyond it.
    let [low, high] = beforeIt ? [place + 1, size] : [0, place - 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (await isBefore(middle, time)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return Promise.all(times.map((time, at) => bound(time, places[at] ?? 0)));
}
