/** Where the bound of a window of time is looked for. */
export interface TimedEntries {
  /** What the store says: a place to look at first. */
  readonly hint: () => Promise<number>;
  /** The time in the entry's text, which the signed tree covers. Rejects ENTRY_CORRUPT where it was changed. */
  readonly receivedAt: (leafIndex: number) => Promise<string>;
}

/**
 * The first leaf index below `size` whose entry was received at or after a time; `size` if there is none. Times never
 * decrease along a log, so the entry before the place and the one at it prove it: two reads, and about log2(size) more
 * where the store's times were changed. Rejects ENTRY_CORRUPT when an entry that it takes was changed.
 */
export async function boundFirstAtOrAfter(
  time: string,
  size: number,
  { hint, receivedAt }: TimedEntries,
): Promise<number> {
  const isBefore = async (leafIndex: number): Promise<boolean> => (await receivedAt(leafIndex)) < time;
  const place = Math.min(Math.max(await hint(), 0), size);
  const [beforeIt, atIt] = await Promise.all([
    place === 0 ? true : isBefore(place - 1),
    place === size ? false : isBefore(place),
  ]);
  if (beforeIt && !atIt) return place;
  // One of the two is on the wrong side: what is searched for lies beyond it.
  let [low, high] = beforeIt ? [place + 1, size] : [0, place - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
