import { AuditError } from "../../audit/errors.js";
import type { TimesFound } from "../../audit/search-index.js";
import { fieldText } from "../../core/event.js";
import { both, bitsBetween, countBits, isEmpty, setPlaces } from "../../core/segment/bits.js";
import { eventTime, FIRST_MS } from "../../core/segment/event-time.js";
import { PIECE_DOCUMENTS } from "../../core/segment/format.js";
import { readTimes } from "../../core/segment/read-columns.js";
import { countOf, matchesOf, type Found, type SearchedLog, type Sought } from "./matches.js";

/** Like `matchesOf`. Rejects with ENTRY_CORRUPT where an entry may match, or not: then nothing can be counted. */
export async function* soundMatches(sought: Sought, searched: SearchedLog, descending = false): AsyncGenerator<Found> {
  for await (const found of matchesOf(sought, searched, descending)) {
    const corrupt = found.kind === "rows" ? found.rows.find(({ isCorrupt }) => isCorrupt) : undefined;
    if (corrupt !== undefined) throw corruptMatch(searched.log, corrupt.leafIndex);
    yield found;
  }
}

export function corruptMatch(log: string, leafIndex: number): AuditError {
  const message = `Entry ${leafIndex} of the log ${log} no longer matches its leaf hash: whether it is a match cannot be told`;
  return new AuditError("ENTRY_CORRUPT", message);
}

/** How many matches there are, up to `cap`. */
export async function countMatches(sought: Sought, cap: number, searched: SearchedLog): Promise<number> {
  let count = 0;
  const takeCount = (more: number): void => {
    count += more;
  };
  for await (const found of soundMatches({ ...sought, takeCount }, searched, true)) {
    count += countOf(found);
    if (count >= cap) return cap;
  }
  return Math.min(cap, count);
}

/** How many matches there are from each of these leaves, which rise, up to the next one. */
export async function countLeaves(
  sought: Sought,
  limits: readonly number[],
  searched: SearchedLog,
): Promise<readonly number[]> {
  const buckets = new Buckets(limits);
  for await (const found of soundMatches(sought, searched)) {
    if (found.kind === "rows") for (const { leafIndex } of found.rows) buckets.add(leafIndex);
    else {
      const { start, bits } = found;
      for (const { bucket, first, end } of buckets.within(start, start + PIECE_DOCUMENTS))
        buckets.counts[bucket] =
          (buckets.counts[bucket] ?? 0) + countBits(both(bits, bitsBetween(first - start, end - start)));
    }
  }
  return buckets.counts;
}

/** From when to when matching events happened, by their own times. */
export async function timesOf(sought: Sought, searched: SearchedLog): Promise<TimesFound> {
  let [first, last, without] = [Infinity, -Infinity, 0];
  await eachTime(sought, searched, (ms) => {
    if (ms === undefined) without += 1;
    else {
      if (ms < first) first = ms;
      if (ms > last) last = ms;
    }
  });
  return { span: first > last ? undefined : { first, last }, without };
}

/** How many matching events happened from each of these times, which rise, up to the next one. */
export async function countTimes(
  sought: Sought,
  limits: readonly number[],
  searched: SearchedLog,
): Promise<readonly number[]> {
  const buckets = new Buckets(limits);
  await eachTime(sought, searched, (ms) => {
    if (ms !== undefined) buckets.add(ms);
  });
  return buckets.counts;
}

async function eachTime(sought: Sought, searched: SearchedLog, take: (ms: number | undefined) => void): Promise<void> {
  for await (const found of soundMatches(sought, searched)) {
    if (found.kind === "rows") {
      for (const { event } of found.rows) {
        const time = event?.timestamp;
        take(time === undefined ? undefined : eventTime(fieldText(time))?.epochMs);
      }
    } else if (!isEmpty(found.bits)) {
      const { times } = await found.session.read((reader) => readTimes(reader, found.piece));
      for (const place of setPlaces(found.bits)) {
        const time = times[place] ?? -1;
        take(time < 0 ? undefined : time + FIRST_MS);
      }
    }
  }
}

/** Counts of what lies from each limit up to the next one; what lies beyond them is not counted. */
class Buckets {
  readonly counts: number[];
  #last = 0;

  constructor(private readonly limits: readonly number[]) {
    this.counts = new Array<number>(Math.max(0, limits.length - 1)).fill(0);
  }

  /** Neighbours are often of the same bucket, which is tried first. */
  add(value: number): void {
    if (!this.#has(this.#last, value)) this.#last = this.#find(value);
    if (this.#has(this.#last, value)) this.counts[this.#last] = (this.counts[this.#last] ?? 0) + 1;
  }

  /** The parts of [start, end) by their buckets. */
  *within(
    start: number,
    end: number,
  ): Generator<{ readonly bucket: number; readonly first: number; readonly end: number }> {
    const { limits } = this;
    for (let bucket = this.#find(start); bucket < this.counts.length; bucket++) {
      const [from, to] = [limits[bucket] ?? 0, limits[bucket + 1] ?? 0];
      if (from >= end) return;
      yield { bucket, first: Math.max(from, start), end: Math.min(to, end) };
    }
  }

  #has(bucket: number, value: number): boolean {
    return value >= (this.limits[bucket] ?? Infinity) && value < (this.limits[bucket + 1] ?? -Infinity);
  }

  /** The last of the limits that are not after a value; the first limit where all are. */
  #find(value: number): number {
    let [low, high] = [0, this.limits.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.limits[middle] ?? Infinity) <= value) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}
