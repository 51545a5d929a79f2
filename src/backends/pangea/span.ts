import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, type PageRequest } from "../../audit/service.js";
import type { FieldProblem } from "../../core/event.js";

/** Neighbouring positions of a result, [start, end). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The positions of a page's opened cursors. */
export interface CursorPositions {
  readonly after: number | undefined;
  readonly before: number | undefined;
}

/** Relay's algorithm (GraphQL Cursor Connections, section 4.4) over a result whose size is known. */
export function spanOf(
  { first, last, offset = 0 }: PageRequest,
  { after, before }: CursorPositions,
  total: number,
): Span {
  let start = after === undefined ? offset : after + 1;
  let end = Math.max(start, Math.min(before ?? total, total));
  if (first !== undefined || last === undefined) end = Math.min(end, start + (first ?? DEFAULT_PAGE_SIZE));
  if (last !== undefined) start = Math.max(start, end - last);
  return { start, end };
}

/** Every invalid page argument. Cursors are checked where they are opened. */
export function pageProblems(page: PageRequest): readonly FieldProblem[] {
  const most = { first: MAX_PAGE_SIZE, last: MAX_PAGE_SIZE, offset: Number.MAX_SAFE_INTEGER };
  const sizes = (["first", "last", "offset"] as const).flatMap((path) => {
    const size = page[path];
    if (size === undefined || (Number.isSafeInteger(size) && size >= 0 && size <= most[path])) return [];
    return [{ path, expected: `a whole number from 0 to ${most[path]}`, got: String(size) }];
  });
  const rival = (["after", "before", "last"] as const).find((name) => page[name] !== undefined);
  if (page.offset === undefined || rival === undefined) return sizes;
  return [...sizes, { path: "offset", expected: "no offset beside a cursor or last", got: `offset and ${rival}` }];
}
