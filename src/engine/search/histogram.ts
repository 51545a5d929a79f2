import { histogramProblems, type Histogram, type HistogramRequest } from "../../audit/breakdown.js";
import { badInput } from "../../audit/errors.js";
import type { IndexQuery, SearchIndex } from "../../audit/search-index.js";
import { instantText } from "../../core/instant.js";
import { FIRST_MS, LAST_MS } from "../../core/segment/event-time.js";
import { timeSteps } from "../../query/time-steps.js";
import type { WindowBounds } from "../../query/time.js";
import type { PinnedState } from "./pin.js";
import type { CheckedSearch } from "./search-request.js";

/** A pinned search, and what its histogram is made with. */
export interface HistogramSource {
  readonly index: Pick<SearchIndex, "count" | "countLeaves" | "countTimes" | "timesOf">;
  readonly query: IndexQuery;
  readonly state: PinnedState;
  readonly checked: CheckedSearch;
  /** As PinnedSearchesOptions has them, in the pinned tree. */
  readonly firstAtOrAfter: (times: readonly string[]) => Promise<readonly number[]>;
  readonly receivedAt: (leafIndexes: readonly number[]) => Promise<readonly string[]>;
  readonly signal: AbortSignal | undefined;
}

/** From when to when the buckets reach, both included, in milliseconds since 1970. */
interface TimeSpan {
  readonly first: number;
  readonly last: number;
}

/** The first and the last time; both are undefined where nothing has one. */
type Found = { readonly [Name in keyof TimeSpan]: TimeSpan[Name] | undefined };

const NOTHING: Histogram = { buckets: [], otherCount: 0 };

/**
 * The entries of a whole result, whatever its maxResults, by time. The buckets reach over the search's window; where it is open, to
 * the first or last entry of the log that it can find. Rejects with BAD_USER_INPUT, and as SearchIndex.count.
 */
export async function histogramOf(source: HistogramSource, request: HistogramRequest): Promise<Histogram> {
  const problems = histogramProblems(request);
  if (problems.length > 0) throw badInput(problems);
  return request.of === "received_at" ? byReceipt(source, request.buckets) : byEventTime(source, request.buckets);
}

/** Times of receipt never decrease along a log, so a bucket is a run of leaves, whose ends the log's tree proves. */
async function byReceipt(source: HistogramSource, most: number): Promise<Histogram> {
  const { index, query, state, checked, firstAtOrAfter, receivedAt, signal } = source;
  const { start, end } = state.range;
  const ends = start < end ? await receivedAt([start, end - 1]) : [];
  const [from, until] = ends.map((text) => Date.parse(text));
  const span = spanOf(checked.bounds, { first: from, last: until });
  if (span === undefined) return NOTHING;
  const isOpen = checked.bounds.end === undefined && checked.bounds.start !== undefined;
  const limits = timeSteps(span.first, isOpen ? Math.max(span.last, state.pinnedAtMs) : span.last, most);
  const found = await firstAtOrAfter(limits.map(timeText));
  const leaves = found.map((leaf) => Math.min(Math.max(leaf, start), end));
  return { buckets: bucketsOf(limits, await index.countLeaves(query, leaves, signal)), otherCount: 0 };
}

async function byEventTime(source: HistogramSource, most: number): Promise<Histogram> {
  const { index, query, checked, signal } = source;
  const { span: found, without } = await index.timesOf(query, signal);
  const span = spanOf(checked.eventBounds, found ?? { first: undefined, last: undefined });
  if (span === undefined) return { buckets: [], otherCount: without };
  const limits = timeSteps(span.first, span.last, most);
  return { buckets: bucketsOf(limits, await index.countTimes(query, limits, signal)), otherCount: without };
}

/** A window, where it is open as far as was found; undefined where neither says anything. */
function spanOf({ start, end }: WindowBounds, found: Found): TimeSpan | undefined {
  const first = start === undefined ? found.first : Date.parse(start);
  const last = end === undefined ? found.last : Date.parse(end) - 1;
  if (first === undefined && last === undefined) return undefined;
  const from = first ?? last ?? 0;
  return { first: from, last: Math.max(from, last ?? from) };
}

function bucketsOf(limits: readonly number[], counts: readonly number[]): Histogram["buckets"] {
  return counts.map((count, place) => ({
    start: timeText(limits[place] ?? 0),
    end: timeText(limits[place + 1] ?? 0),
    count,
  }));
}

/** Weeks and years may reach beyond what RFC 3339 can write. */
function timeText(ms: number): string {
  const epochMs = Math.min(Math.max(ms, FIRST_MS), LAST_MS);
  return instantText({ epochMs, micros: ms > LAST_MS ? 999 : 0 }) ?? "";
}
