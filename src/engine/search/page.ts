import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, type PageRequest } from "../../audit/service.js";
import type { FieldProblem } from "../../core/json.js";

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
