import { createHash } from "node:crypto";
import { requireWanted } from "../../audit/calls.js";
import { systemClock, timeText } from "../../audit/clock.js";
import { badInput } from "../../audit/errors.js";
import {
  DEFAULT_PAGE_SIZE,
  MAX_PAGE_SIZE,
  type Asking,
  type Download,
  type DownloadRequest,
  type Entry,
  type PageRequest,
  type PinnedResult,
  type ResultPage,
  type SearchRequest,
  type TreeEntry,
} from "../../audit/service.js";
import type { FieldProblem } from "../../core/event.js";
import { customNames } from "../../core/event-schema.js";
import { canonicalJson, type JsonObject } from "../../core/json.js";
import { JsonTokens, type OpenedContent, type TokenSealer } from "../../keys/sealed-token.js";
import { NEWEST_FIRST } from "../../query/order.js";
import { restrictedFields, restrictionAllows, restrictionProblems, type Restriction } from "../../query/filter.js";
import { resolveWindow } from "../../query/time.js";
import type { LogLink, ServedPage } from "./log-link.js";
import { unsupported } from "./shown.js";
import { pageProblems, spanOf, type CursorPositions, type Span } from "./span.js";

/** The protocol's most results of a search. */
const MOST_RESULTS = 10_000;
const MICROS_PER_MS = 1_000;
/** So many of the protocol's longest events are less than an answer may hold. */
const DOWNLOAD_PAGE = 200;
/** Before every event: the service's own default is 14 days ago. */
const BEGINNING = "1970-01-01T00:00:00Z";

/** A search at the service, as ids and cursors carry it under a MAC. */
interface Pin {
  readonly log: string;
  /** The service's id of the result. */
  readonly id: string;
  /** SHA-256 of the arguments with the caller's bound: a cursor fits no other search. */
  readonly digest: string;
  readonly bound: Restriction;
  /** What the service was asked for, bound included. */
  readonly restriction: Restriction;
  readonly maxResults: number | null;
  /** How many matches the service has kept. */
  readonly count: number;
  readonly treeSize: number;
  readonly expiresAtMs: number;
}

const IDS = new JsonTokens<Pin>("result", 1);
/** Our own engine's cursors are of the same kind, and no JSON. */
const CURSORS = new JsonTokens<Pin & { readonly position: number }>("cursor", 1);

export interface SearchesOptions {
  readonly link: (log: string) => LogLink;
  readonly sealer: TokenSealer;
  readonly ttlMs: number;
}

/** Searches at the service, under our own pages: its offset below Relay's cursors, which carry its result id. */
export class PangeaSearches {
  readonly #clock = systemClock();

  constructor(private readonly options: SearchesOptions) {}

  async search(request: SearchRequest, page: PageRequest, { bound = {}, signal }: Asking = {}): Promise<ResultPage> {
    const link = this.options.link(request.log);
    const window = resolveWindow(request.window ?? {}, this.#clock());
    const problems = [
      ...queryProblems(request.query),
      ...(window.kind === "invalid" ? window.problems : []),
      ...restrictionProblems(request.restriction ?? {}, "restriction", customNames(link.options.schema)),
      ...maxResultsProblems(request.maxResults),
      ...pageProblems(page),
    ];
    if (window.kind === "invalid" || problems.length > 0) throw badInput(problems);
    if (request.window?.of === "timestamp")
      throw unsupported("search by the events' own times", "Search by the time of receipt.");
    const digest = digestOfSearch(request, bound);
    const earlier = this.#cursors(page, (pin) => pin.digest === digest);
    if (earlier.pin !== undefined)
      return this.#page(earlier.pin, spanOf(page, earlier, visible(earlier.pin)), { signal });
    const { restriction, isEmpty } = narrowed(request.restriction ?? {}, bound);
    const { field, direction } = request.order ?? NEWEST_FIRST;
    const body: JsonObject = {
      ...{ query: request.query, order: direction, order_by: field, verbose: true },
      start: window.bounds.start ?? BEGINNING,
      ...(window.bounds.end === undefined ? {} : { end: window.bounds.end }),
      // One more than may be shown says whether there are more.
      max_results: Math.min((request.maxResults ?? MOST_RESULTS) + 1, MOST_RESULTS),
      limit: Math.max(1, Math.min(page.first ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)),
      ...(Object.keys(restriction).length === 0 ? {} : { search_restriction: { ...restriction } }),
    };
    const served: ServedPage = isEmpty ? NOTHING : await link.page(await link.call("/v1/search", body, { signal }));
    const { id = "", count, treeSize, expiresAtMs = Infinity } = served;
    const ownExpiry = Math.floor(this.#clock() / MICROS_PER_MS) + this.options.ttlMs;
    const pin: Pin = {
      ...{ log: request.log, id, digest, bound, restriction, count, treeSize },
      ...{ maxResults: request.maxResults ?? null, expiresAtMs: Math.min(expiresAtMs, ownExpiry) },
    };
    return this.#page(pin, spanOf(page, earlier, visible(pin)), { signal, served });
  }

  async results(id: string, page: PageRequest, { bound = {}, signal }: Asking = {}): Promise<ResultPage> {
    const pin = this.#opened(id, bound);
    const problems = pageProblems(page);
    if (problems.length > 0) throw badInput(problems);
    const cursors = this.#cursors(page, (other) => canonicalJson({ ...other }) === canonicalJson({ ...pin }));
    return this.#page(pin, spanOf(page, cursors, visible(pin)), { signal });
  }

  /** Reads the whole result a page at a time. Rejects with UNSUPPORTED for matches that the service did not keep. */
  download({ id, everyMatch }: DownloadRequest, { bound = {} }: Asking = {}): Promise<Download> {
    const pin = this.#opened(id, bound);
    const { log, treeSize, expiresAtMs, count } = pin;
    if (count >= MOST_RESULTS) throw tooMany();
    if (everyMatch && count > visible(pin)) {
      throw unsupported("return matches beyond a search's maxResults", "Search again without it, and download that.");
    }
    const page = (span: Span, signal: AbortSignal): Promise<ServedPage> => this.#served(pin, span, signal);
    return Promise.resolve({
      ...{ log, treeSize, expiresAtMs },
      async *pages(signal) {
        requireWanted(signal);
        for (let start = 0; start < visible(pin); start += DOWNLOAD_PAGE) {
          const end = Math.min(start + DOWNLOAD_PAGE, visible(pin));
          yield (await page({ start, end }, signal)).outcomes;
          requireWanted(signal);
        }
      },
    });
  }

  async #page(
    pin: Pin,
    span: Span,
    { signal, served }: { readonly signal: AbortSignal | undefined; readonly served?: ServedPage },
  ): Promise<ResultPage> {
    const { start, end } = span;
    const has = served !== undefined && (end <= start || end <= served.outcomes.length);
    const page = has
      ? { ...served, outcomes: served.outcomes.slice(start, end) }
      : await this.#served(pin, span, signal);
    const entries = page.outcomes;
    if (start >= MOST_RESULTS && pin.maxResults === null && pin.count >= MOST_RESULTS) throw tooMany();
    return {
      result: this.#pinned(pin, page.treeSize),
      ...{ entries, leafIndexes: entries.map(leafIndexOf), firstPosition: start },
      hasNextPage: end < visible(pin) && start < visible(pin),
      hasPreviousPage: start > 0 && visible(pin) > 0,
    };
  }

  async #served(pin: Pin, { start, end }: Span, signal: AbortSignal | undefined): Promise<ServedPage> {
    if (end <= start) return { ...NOTHING, treeSize: pin.treeSize };
    const link = this.options.link(pin.log);
    const body = { id: pin.id, offset: start, limit: end - start };
    const page = await link.page(await link.call("/v1/results", body, { signal }));
    return { ...page, outcomes: page.outcomes.slice(0, end - start) };
  }

  #pinned(pin: Pin, treeSize: number): PinnedResult {
    const { sealer } = this.options;
    const all = (): boolean => pin.count < MOST_RESULTS || (pin.maxResults ?? Infinity) < MOST_RESULTS;
    return {
      get id() {
        return IDS.seal(sealer, pin);
      },
      ...{ log: pin.log, treeSize, expiresAt: timeText(pin.expiresAtMs * MICROS_PER_MS) },
      cursor: (position) => CURSORS.seal(sealer, { ...pin, position }),
      // The query is the service's own to judge; what a caller may see is not.
      matches: ({ envelope }: Entry) => Promise.resolve(restrictionAllows(pin.restriction, envelope.event)),
      totalCount: async () => (all() ? Promise.resolve(visible(pin)) : Promise.reject(tooMany())),
      isTruncated: async () => (all() ? Promise.resolve(pin.count > visible(pin)) : Promise.reject(tooMany())),
      histogram: () => Promise.reject(unsupported("count entries by time", "Search a shorter window for its count.")),
      facet: () => Promise.reject(unsupported("count entries by their values", "Search for a value for its count.")),
    };
  }

  #opened(id: string, bound: Restriction): Pin {
    const opened = this.#unexpired(IDS, id);
    if (opened.kind === "rejected")
      throw badInput([{ path: "id", expected: "the id of a search result", got: opened.got }]);
    const { content: pin } = opened;
    if (canonicalJson({ ...pin.bound }) === canonicalJson({ ...bound })) return pin;
    throw badInput([{ path: "id", expected: "the id of a search result", got: "a result of another credential" }]);
  }

  /** The page's cursors opened; both must be of one search, the one that is asked for. */
  #cursors(page: PageRequest, isOf: (pin: Pin) => boolean): Cursors {
    const problems: FieldProblem[] = [];
    let first: Pin | undefined;
    const position = (path: "after" | "before"): number | undefined => {
      const text = page[path];
      if (text === undefined) return undefined;
      const opened = this.#unexpired(CURSORS, text);
      if (opened.kind === "opened") {
        const { position: at, ...pin } = opened.content;
        if (isOf(pin) && (first === undefined || first.id === pin.id)) {
          first = pin;
          return at;
        }
      }
      const got = opened.kind === "rejected" ? opened.got : "a cursor of another search";
      problems.push({ path, expected: "a cursor of this search", got });
      return undefined;
    };
    const [after, before] = [position("after"), position("before")];
    if (problems.length > 0) throw badInput(problems);
    return { after, before, pin: first };
  }

  #unexpired<T extends Pin>(tokens: JsonTokens<T>, token: string): OpenedContent<T> {
    const opened = tokens.open(this.options.sealer, token);
    if (opened.kind === "rejected" || opened.content.expiresAtMs * MICROS_PER_MS > this.#clock()) return opened;
    return { kind: "rejected", got: "an expired result" };
  }
}

interface Cursors extends CursorPositions {
  readonly pin: Pin | undefined;
}

const NOTHING: ServedPage = { id: "", expiresAtMs: undefined, count: 0, outcomes: [], treeSize: 0 };

function leafIndexOf(outcome: TreeEntry): number {
  return outcome.kind === "entry" ? outcome.entry.leafIndex : outcome.leafIndex;
}

/** How many entries the result shows. */
function visible({ count, maxResults }: Pin): number {
  return Math.min(count, maxResults ?? count);
}

/** The service cannot be asked for two restrictions of one field, so it is asked for what both allow. */
function narrowed(
  wanted: Restriction,
  bound: Restriction,
): { readonly restriction: Restriction; readonly isEmpty: boolean } {
  const fields = restrictedFields({ ...bound, ...wanted }).map(([field]) => {
    const [one, other] = [wanted[field], bound[field]];
    const both =
      one === undefined || other === undefined ? (one ?? other ?? []) : one.filter((value) => other.includes(value));
    return [field, both] as const;
  });
  return { restriction: Object.fromEntries(fields), isEmpty: fields.some(([, values]) => values.length === 0) };
}

function digestOfSearch(
  { log, query, window, restriction, order, maxResults }: SearchRequest,
  bound: Restriction,
): string {
  const text = canonicalJson({
    ...{ log, query: Buffer.from(query).toString("hex"), window: { ...window }, restriction: { ...restriction } },
    ...{ order: { ...(order ?? NEWEST_FIRST) }, maxResults: maxResults ?? null, bound: { ...bound } },
  });
  return createHash("sha256").update(text).digest("base64url");
}

function tooMany(): Error {
  const what = `count or return more than ${MOST_RESULTS - 1} matches of one search`;
  return unsupported(what, "Narrow its window of time, or set maxResults lower.");
}

/** What else is wrong with a query is the service's own to say, and such text would not reach it as it is. */
function queryProblems(query: string): readonly FieldProblem[] {
  if (!/\p{Cs}/u.test(query)) return [];
  return [{ path: "query", expected: "text without lone surrogates", got: "a lone surrogate" }];
}

function maxResultsProblems(maxResults: number | undefined): readonly FieldProblem[] {
  if (maxResults === undefined || (Number.isSafeInteger(maxResults) && maxResults >= 1)) return [];
  return [{ path: "maxResults", expected: "a whole number of at least 1", got: String(maxResults) }];
}
