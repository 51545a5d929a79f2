import { timeText } from "../../audit/clock.js";
import { facetProblems } from "../../audit/breakdown.js";
import { type AuditError, badInput, strayHit } from "../../audit/errors.js";
import type { IndexQuery, ProofQuery } from "../../audit/search-index.js";
import type { CompletenessRequest } from "../../audit/proofs.js";
import type {
  Asking,
  Download,
  DownloadRequest,
  Entry,
  PageRequest,
  PinnedResult,
  ResultPage,
  SearchRequest,
  TreeEntry,
} from "../../audit/service.js";
import { canonicalJson } from "../../core/json.js";
import type { Filter, Restriction } from "../../query/filter.js";
import type { WindowBounds } from "../../query/time.js";
import {
  Cursors,
  pageProblems,
  readPage,
  spanOf,
  type CheckedSearch,
  type SearchCheck,
  checkSearch,
  searchArguments,
  type ReadableResult,
  type Span,
} from "./search-request.js";
import type { PinnedSearchesOptions } from "./search-options.js";
import { notInLeafOrder, pageQuestion } from "./page-question.js";
import { histogramOf, type HistogramSource } from "./histogram.js";
import { openCursors, strayCursors } from "./page-cursors.js";
import { openPin, type Pin, type PinnedState, sealPin, type SearchArguments } from "./pin.js";
import { readWhole, type WholeResult } from "./whole-result.js";

const MICROS_PER_MS = 1000;

/** A log's state when a search is pinned. */
interface Now {
  readonly log: string;
  readonly treeSize: number;
  readonly pinnedAtMs: number;
}

/** An opened result id. */
interface OpenedResult {
  readonly pin: Pin;
  readonly filter: Filter;
}

/** A pinned search as one request reads it. */
interface Reading extends OpenedResult {
  /** IndexQuery.history, where the log was just looked at. */
  readonly history?: number | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface SearchAsking extends Asking {
  /** The size of the log, which the search is pinned to. */
  readonly newestSize: number;
  /** IndexQuery.history, as of that size. */
  readonly history?: number;
}

/** A question about a pinned tree. */
export type PinnedQuestion = Pick<ProofQuery, "log" | "treeSize" | "window" | "question">;

/** A result, and whether there are more matches than it may hold. */
interface MatchedResult extends ReadableResult {
  isTruncated(): Promise<boolean>;
}

/**
 * Searches whose pages are all exact while the log grows: the first page pins tree size and time window, and its id and
 * cursors carry the pin to the gateway that answers the next request.
 */
export class PinnedSearches {
  private readonly strayLogs = new Set<string>();

  constructor(private readonly options: PinnedSearchesOptions) {}

  /** A new search, or another page of an earlier one if `page` has one of its cursors. */
  async search(request: SearchRequest, page: PageRequest, asking: SearchAsking): Promise<ResultPage> {
    const { newestSize: treeSize, history, bound, signal } = asking;
    const pinnedAtMs = Math.floor(this.options.clock() / MICROS_PER_MS);
    const search = searchArguments(request, bound);
    const checked = this.check(search, pinnedAtMs);
    if (checked.kind === "invalid") throw badInput([...checked.problems, ...pageProblems(page), ...strayCursors(page)]);
    const opened = openCursors(new Cursors(this.options.sealer, search), page, { nowMs: pinnedAtMs });
    const problems = [...pageProblems(page), ...opened.problems];
    if (problems.length > 0) throw badInput(problems);
    const earlier = (opened.after ?? opened.before)?.state;
    const state = earlier ?? (await this.pin({ log: search.log, treeSize, pinnedAtMs }, checked.bounds));
    const pin = { search, state };
    const filter = earlier === undefined ? checked.filter : this.checked(pin).filter;
    const reading = { pin, filter, history, signal };
    return this.page(reading, spanOf(page, opened.after?.position, opened.before?.position));
  }

  async results(id: string, page: PageRequest, { bound, signal }: Asking = {}): Promise<ResultPage> {
    const nowMs = this.options.clock() / MICROS_PER_MS;
    const { pin, filter } = this.opened(id, nowMs, bound);
    const { search, state } = pin;
    const opened = openCursors(new Cursors(this.options.sealer, search), page, { nowMs, state });
    const problems = [...pageProblems(page), ...opened.problems];
    if (problems.length > 0) throw badInput(problems);
    return this.page({ pin, filter, signal }, spanOf(page, opened.after?.position, opened.before?.position));
  }

  /** The question whose answer is a page of a result, or its count. Rejects with BAD_USER_INPUT for a page in a field's order. */
  async question({ of, page }: CompletenessRequest, { bound, signal }: Asking): Promise<PinnedQuestion> {
    const { pin, filter } = this.opened(page.result.id, this.options.clock() / MICROS_PER_MS, bound);
    const { search, state } = pin;
    const { bounds } = this.checked(pin);
    const window = { from: bounds.start, until: bounds.end };
    const pinned = { log: search.log, treeSize: state.treeSize, window: state.range };
    if (of === "totalCount") {
      const wanted = { kind: "count", cap: search.maxResults ?? undefined } as const;
      return { ...pinned, question: { filter, window, after: undefined, descending: true, wanted } };
    }
    if (search.order.field !== "received_at") throw notInLeafOrder(search.order.field);
    const leafAt = async (position: number): Promise<number | undefined> => {
      return (await this.options.index.page(queryOf(pin, filter), { offset: position, limit: 1 }, signal))[0];
    };
    const part = await pageQuestion(page, search, leafAt);
    return { ...pinned, question: { filter, window, ...part } };
  }

  /** `entries` reads from the result's log. */
  async download(
    { id, everyMatch }: DownloadRequest,
    bound: Restriction | undefined,
    entries: (log: string) => WholeResult["entries"],
  ): Promise<Download> {
    const { pin, filter } = this.opened(id, this.options.clock() / MICROS_PER_MS, bound);
    const { log, maxResults } = pin.search;
    const { treeSize, expiresAtMs } = pin.state;
    const { index } = this.options;
    const limit = everyMatch ? Infinity : (maxResults ?? Infinity);
    const query = queryOf(pin, filter);
    const whole = { index, query, limit, entries: entries(log) };
    const pages = (signal: AbortSignal): AsyncIterable<readonly TreeEntry[]> =>
      readWhole({ ...whole, isHit: (entry) => this.isHit(query, entry, signal) }, signal);
    return Promise.resolve({ log, treeSize, expiresAtMs, pages });
  }

  /** Throws BAD_USER_INPUT unless it is the id of an unexpired search with the same bound. */
  private opened(id: string, nowMs: number, bound: Restriction = {}): OpenedResult {
    const result = openPin(this.options.sealer, id, nowMs);
    if (result.kind === "rejected") throw badResultId(result.got);
    const { content: pin } = result;
    if (canonicalJson({ ...pin.search.bound }) !== canonicalJson({ ...bound }))
      throw badResultId("a result of another credential");
    return { pin, filter: this.checked(pin).filter };
  }

  private async pin(now: Now, { start, end }: WindowBounds): Promise<PinnedState> {
    const { log, treeSize, pinnedAtMs } = now;
    const { firstAtOrAfter, ttlMs } = this.options;
    const times = [start, end].filter((time) => time !== undefined);
    const found = times.length === 0 ? [] : await firstAtOrAfter(log, times, treeSize);
    const from = (start === undefined ? undefined : found[0]) ?? 0;
    const to = (end === undefined ? undefined : found.at(-1)) ?? treeSize;
    const range = { start: Math.min(from, to), end: to };
    return { treeSize, range, pinnedAtMs, expiresAtMs: pinnedAtMs + ttlMs };
  }

  private async page(reading: Reading, span: Span): Promise<ResultPage> {
    const result = this.readable(reading);
    const { start, ...page } = await readPage(result, span);
    const size = { limit: span.first ?? span.last ?? 0, isFromEnd: span.first === undefined };
    return { ...page, size, firstPosition: start, result: this.pinned(reading, result) };
  }

  /** The index only says where to look: the entry's own text decides whether it is a hit. */
  private async isHit(query: IndexQuery, entry: Entry, signal?: AbortSignal): Promise<boolean> {
    const { log, filter, range } = query;
    const { leafIndex } = entry;
    const isWithin = leafIndex >= range.start && leafIndex < range.end;
    if (isWithin && (await this.options.index.isMatch(filter, entry, signal))) return true;
    if (!this.strayLogs.has(log)) this.options.alarm(strayHit(log, leafIndex).message, "WRONG_INDEX");
    this.strayLogs.add(log);
    return false;
  }

  /** The search as its caller may see it: up to maxResults. */
  private readable({ pin, filter, history, signal }: Reading): MatchedResult {
    const { index } = this.options;
    const { maxResults } = pin.search;
    const { range } = pin.state;
    const query = { ...queryOf(pin, filter), history };
    const leaves = range.end - range.start;
    const cap = Math.min(maxResults ?? leaves, leaves);
    let total: Promise<number> | undefined;
    return {
      read: async (offset, limit) => {
        const visible = Math.min(limit, cap - offset);
        return visible > 0 ? index.page(query, { offset, limit: visible }, signal) : [];
      },
      count: () => (total ??= index.count(query, cap, signal)),
      isTruncated: async () => cap < leaves && (await index.page(query, { offset: cap, limit: 1 }, signal)).length > 0,
    };
  }

  private pinned({ pin, filter, signal }: Reading, readable: MatchedResult): PinnedResult {
    const { search, state } = pin;
    const { sealer } = this.options;
    const cursors = new Cursors(sealer, search);
    return {
      get id() {
        return sealPin(sealer, pin);
      },
      log: search.log,
      treeSize: state.treeSize,
      get expiresAt() {
        return timeText(state.expiresAtMs * MICROS_PER_MS);
      },
      cursor: (position) => cursors.seal({ state, position }),
      matches: (entry) => this.isHit(queryOf(pin, filter), entry, signal),
      totalCount: () => readable.count(),
      isTruncated: () => readable.isTruncated(),
      histogram: (request) => histogramOf(this.histogramSource({ pin, filter, signal }), request),
      facet: async (request) => {
        const problems = facetProblems(request);
        if (problems.length > 0) throw badInput(problems);
        return this.options.index.topValues(queryOf(pin, filter), request, signal);
      },
    };
  }

  private histogramSource({ pin, filter, signal }: Reading): HistogramSource {
    const { index, firstAtOrAfter, receivedAt } = this.options;
    const { log } = pin.search;
    const { treeSize } = pin.state;
    return {
      ...{ index, query: queryOf(pin, filter), state: pin.state, checked: this.checked(pin), signal },
      firstAtOrAfter: (times) => firstAtOrAfter(log, times, treeSize),
      receivedAt: (leafIndexes) => receivedAt(log, leafIndexes, treeSize),
    };
  }

  private check(search: SearchArguments, pinnedAtMs: number): SearchCheck {
    return checkSearch(search, pinnedAtMs * MICROS_PER_MS, this.options.customFields(search.log));
  }

  /** A pinned search again, whose relative times count back from when it was pinned. */
  private checked({ search, state }: Pin): CheckedSearch {
    const checked = this.check(search, state.pinnedAtMs);
    if (checked.kind === "invalid") throw badResultId("a result whose query is no longer understood");
    return checked;
  }
}

function queryOf({ search: { log, order }, state: { range } }: Pin, filter: Filter): IndexQuery {
  return { log, order, filter, range };
}

function badResultId(got: string): AuditError {
  return badInput([{ path: "id", expected: "the id of a search result", got }]);
}
