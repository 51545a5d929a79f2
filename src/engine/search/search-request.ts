import { createHash } from "node:crypto";
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, type SearchRequest, type PageRequest } from "../../audit/service.js";
import type { FieldName } from "../../core/event.js";
import { canonicalJson, type FieldProblem } from "../../core/json.js";
import { REJECTED_TOKEN, type TokenSealer } from "../../keys/sealed-token.js";
import { allOf, restrictionFilter, restrictionProblems, type Filter, type Restriction } from "../../query/filter.js";
import { NEWEST_FIRST } from "../../query/order.js";
import { parseQuery } from "../../query/parser.js";
import { instantRange, resolveWindow, type WindowBounds, type WindowResolution } from "../../query/time.js";
import type { SearchArguments, PinnedState } from "./pin.js";

/** A search ready to be pinned, or every invalid argument. */
export type SearchCheck = CheckedSearch | { readonly kind: "invalid"; readonly problems: readonly FieldProblem[] };

export interface CheckedSearch {
  readonly kind: "checked";
  readonly filter: Filter;
  /** Of when entries were received. */
  readonly bounds: WindowBounds;
  /** Of when events happened by their own times; part of the filter. */
  readonly eventBounds: WindowBounds;
}

const WHOLE_LOG: WindowBounds = { start: undefined, end: undefined };
const NO_WINDOW: WindowResolution = { kind: "resolved", bounds: WHOLE_LOG };

/** A request's arguments with defaults filled in: what is pinned and what cursors are bound to. */
export function searchArguments(request: SearchRequest, bound: Restriction = {}): SearchArguments {
  return {
    log: request.log,
    query: request.query,
    window: request.window ?? null,
    restriction: request.restriction ?? {},
    order: request.order ?? NEWEST_FIRST,
    maxResults: request.maxResults ?? null,
    bound,
  };
}

/** Checks the arguments; relative times count back from `nowMicros`. `customFields`: of the log's own schema. */
export function checkSearch(
  search: SearchArguments,
  nowMicros: number,
  customFields: readonly FieldName[],
): SearchCheck {
  const query = parseQuery(search.query, customFields);
  const window = search.window === null ? NO_WINDOW : resolveWindow(search.window, nowMicros);
  const problems = [
    ...(query.kind === "syntax-error" ? [queryProblem(query)] : []),
    ...(window.kind === "invalid" ? window.problems : []),
    ...restrictionProblems(search.restriction, "restriction", customFields),
    ...maxResultsProblems(search.maxResults),
  ];
  if (problems.length > 0 || query.kind === "syntax-error" || window.kind === "invalid") {
    return { kind: "invalid", problems };
  }
  const filter = restricted(query.filter, search);
  if (search.window?.of !== "timestamp")
    return { kind: "checked", filter, bounds: window.bounds, eventBounds: WHOLE_LOG };
  const time = { kind: "time", ...instantRange(window.bounds) } as const;
  const isBounded = time.start !== undefined || time.end !== undefined;
  const narrowed = isBounded ? allOf([filter, time]) : filter;
  return { kind: "checked", filter: narrowed, bounds: WHOLE_LOG, eventBounds: window.bounds };
}

/** The combined filter of a search: its query, its restriction, and what its caller's credential allows. */
function restricted(query: Filter, { restriction, bound }: SearchArguments): Filter {
  return allOf([query, restrictionFilter(restriction), restrictionFilter(bound)]);
}

/** A syntax error as the problem of its argument. */
export function queryProblem(error: {
  readonly column: number;
  readonly expected: string;
  readonly got: string;
}): FieldProblem {
  return { path: "query", expected: `at column ${error.column} ${error.expected}`, got: error.got };
}

function maxResultsProblems(maxResults: number | null): readonly FieldProblem[] {
  if (maxResults === null || (Number.isSafeInteger(maxResults) && maxResults >= 1)) return [];
  return [{ path: "maxResults", expected: "a whole number of at least 1", got: String(maxResults) }];
}

/** The part of a result that a client asks for, with its cursors opened: positions count from 0. */
export interface Span {
  /** First position after the cursors or the offset. */
  readonly start: number;
  /** The position before which the cursors end; undefined: the end of the result. */
  readonly end: number | undefined;
  readonly first: number | undefined;
  readonly last: number | undefined;
}

/** Neighbouring positions of a result, and whether there are more before the first and after the last. */
export interface Page {
  /** The first position; for an empty page, where it would be. */
  readonly start: number;
  readonly leafIndexes: readonly number[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** An ordered result that can be read by position. Positions beyond its end return nothing. */
export interface ReadableResult {
  read(offset: number, limit: number): Promise<readonly number[]>;
  count(): Promise<number>;
}

/** Every invalid page argument. Cursors are verified where they are opened. */
export function pageProblems(page: PageRequest): readonly FieldProblem[] {
  return [
    ...sizeProblems("first", page.first, MAX_PAGE_SIZE),
    ...sizeProblems("last", page.last, MAX_PAGE_SIZE),
    ...sizeProblems("offset", page.offset, Number.MAX_SAFE_INTEGER),
    ...offsetProblems(page),
  ];
}

/** The span of Relay's arguments; with neither first nor last, the first DEFAULT_PAGE_SIZE entries. */
export function spanOf(page: PageRequest, after: number | undefined, before: number | undefined): Span {
  const unsized = page.first === undefined && page.last === undefined;
  return {
    start: after === undefined ? (page.offset ?? 0) : after + 1,
    end: before,
    first: unsized ? DEFAULT_PAGE_SIZE : page.first,
    last: page.last,
  };
}

/**
 * The page of Relay's algorithm (GraphQL Cursor Connections, section 4.4: cut by the cursors, then `first`, then
 * `last`), with both page flags exact for all arguments.
 */
export async function readPage(result: ReadableResult, span: Span): Promise<Page> {
  return span.first === undefined ? lastPage(result, span, span.last ?? 0) : firstPage(result, span, span.first);
}

/** Reads one position more than asked for, which shows whether there is a next page. */
async function firstPage(result: ReadableResult, span: Span, first: number): Promise<Page> {
  const end = Math.min(span.start + first, span.end ?? Infinity);
  const size = Math.max(0, end - span.start);
  const read = await result.read(span.start, size + 1);
  const kept = read.slice(0, size);
  const skipped = span.last === undefined ? 0 : Math.max(0, kept.length - span.last);
  const start = span.start + skipped;
  return {
    start,
    leafIndexes: kept.slice(skipped),
    hasNextPage: read.length > size,
    hasPreviousPage: start > 0 && (read.length > 0 || (await result.count()) > 0),
  };
}

/** Without `first` the page is counted from the end of the span, so the end must be known. */
async function lastPage(result: ReadableResult, span: Span, last: number): Promise<Page> {
  const end = Math.max(span.start, span.end ?? (await result.count()));
  const start = Math.max(span.start, end - last);
  const read = await result.read(start, end - start + 1);
  return {
    start,
    leafIndexes: read.slice(0, end - start),
    hasNextPage: read.length > end - start,
    hasPreviousPage: start > 0,
  };
}

function sizeProblems(path: string, size: number | undefined, max: number): readonly FieldProblem[] {
  if (size === undefined || (Number.isSafeInteger(size) && size >= 0 && size <= max)) return [];
  return [{ path, expected: `a whole number from 0 to ${max}`, got: String(size) }];
}

/** A position already says where to start, so a cursor beside it is a contradiction. */
function offsetProblems({ offset, after, before, last }: PageRequest): readonly FieldProblem[] {
  if (offset === undefined) return [];
  const rival = Object.entries({ after, before, last }).find(([, value]) => value !== undefined)?.[0];
  if (rival === undefined) return [];
  return [{ path: "offset", expected: "no offset beside a cursor or last", got: `offset and ${rival}` }];
}

/** The content of a cursor: a position in one search, and the state that the search is pinned to. */
export interface Cursor {
  readonly state: PinnedState;
  readonly position: number;
}

/** A client's cursor, opened: its content, or what is wrong with it, as an error says it. */
export type OpenedCursor =
  { readonly kind: "opened"; readonly cursor: Cursor } | { readonly kind: "rejected"; readonly got: string };

const DIGEST_BYTES = 16;
const NUMBER_BYTES = 8;
const NUMBERS = 6;

/**
 * Makes and opens the cursors of one search. A cursor carries the pin (so that `search` can continue from it) and a
 * digest of the arguments (so that it fits no other search, log or tenant), but not the arguments, which the client
 * sends again. Payload: six big-endian doubles (exact to 2^53), then 16 bytes of SHA-256.
 */
export class Cursors {
  private readonly digest: Buffer;

  constructor(
    private readonly sealer: TokenSealer,
    search: SearchArguments,
  ) {
    this.digest = argumentsDigest(search);
  }

  seal({ state, position }: Cursor): string {
    const payload = Buffer.alloc(NUMBERS * NUMBER_BYTES + DIGEST_BYTES);
    const numbers = [
      ...[state.treeSize, state.range.start, state.range.end, state.pinnedAtMs, state.expiresAtMs],
      position,
    ];
    numbers.forEach((number, i) => payload.writeDoubleBE(number, i * NUMBER_BYTES));
    this.digest.copy(payload, NUMBERS * NUMBER_BYTES);
    return this.sealer.seal("cursor", payload);
  }

  open(text: string, nowMs: number): OpenedCursor {
    const opened = this.sealer.open("cursor", text);
    if (opened.kind === "rejected") return { kind: "rejected", got: REJECTED_TOKEN[opened.reason] };
    if (!opened.payload.subarray(NUMBERS * NUMBER_BYTES).equals(this.digest)) {
      return { kind: "rejected", got: "a cursor of another search" };
    }
    const cursor = readCursor(opened.payload);
    if (cursor.state.expiresAtMs <= nowMs) return { kind: "rejected", got: "an expired cursor" };
    return { kind: "opened", cursor };
  }
}

function readCursor(payload: Buffer): Cursor {
  const number = (i: number): number => payload.readDoubleBE(i * NUMBER_BYTES);
  return {
    state: {
      treeSize: number(0),
      range: { start: number(1), end: number(2) },
      pinnedAtMs: number(3),
      expiresAtMs: number(4),
    },
    position: number(5),
  };
}

function argumentsDigest(search: SearchArguments): Buffer {
  const { log, query, window, restriction, order, maxResults, bound } = search;
  const text = canonicalJson({
    log,
    query,
    window: { ...window },
    restriction: { ...restriction },
    order: { ...order },
    maxResults,
    bound: { ...bound },
  });
  return createHash("sha256").update(text).digest().subarray(0, DIGEST_BYTES);
}
