import type { SearchRequest } from "../../audit/service.js";
import type { FieldProblem } from "../../core/json.js";
import { allOf, restrictionFilter, restrictionProblems, type Filter, type Restriction } from "../../query/filter.js";
import { NEWEST_FIRST } from "../../query/order.js";
import { parseQuery } from "../../query/parser.js";
import { instantRange, resolveWindow, type WindowBounds } from "../../query/time.js";
import type { SearchArguments } from "./pin.js";

/** A search ready to be pinned, or every invalid argument. */
export type CheckedSearch =
  | { readonly kind: "checked"; readonly filter: Filter; readonly bounds: WindowBounds }
  | { readonly kind: "invalid"; readonly problems: readonly FieldProblem[] };

const WHOLE_LOG: WindowBounds = { start: undefined, end: undefined };

/** A request's arguments with defaults filled in: what is pinned and what cursors are bound to. */
export function searchArguments(request: SearchRequest, bound: Restriction = {}): SearchArguments {
  return {
    log: request.log,
    query: request.query,
    window: request.window ?? {},
    restriction: request.restriction ?? {},
    order: request.order ?? NEWEST_FIRST,
    maxResults: request.maxResults ?? null,
    bound,
  };
}

/** Checks the arguments; relative times count back from `nowMicros`. */
export function checkSearch(search: SearchArguments, nowMicros: number): CheckedSearch {
  const query = parseQuery(search.query);
  const window = resolveWindow(search.window, nowMicros);
  const problems = [
    ...(query.kind === "syntax-error" ? [queryProblem(query)] : []),
    ...(window.kind === "invalid" ? window.problems : []),
    ...restrictionProblems(search.restriction, "restriction"),
    ...maxResultsProblems(search.maxResults),
  ];
  if (problems.length > 0 || query.kind === "syntax-error" || window.kind === "invalid") {
    return { kind: "invalid", problems };
  }
  const filter = restricted(query.filter, search);
  if (search.window.of !== "timestamp") return { kind: "checked", filter, bounds: window.bounds };
  const time = { kind: "time", ...instantRange(window.bounds) } as const;
  const isBounded = time.start !== undefined || time.end !== undefined;
  return { kind: "checked", filter: isBounded ? allOf([filter, time]) : filter, bounds: WHOLE_LOG };
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
