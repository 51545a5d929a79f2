import type { PageRequest } from "../../audit/service.js";
import type { PinnedState } from "./pin.js";
import type { Cursor, Cursors } from "./search-request.js";

/** The opened cursors of a page request. */
export interface OpenedCursors {
  readonly after: Cursor | undefined;
  readonly before: Cursor | undefined;
}

/** What a page's cursors must agree with: not expired, and of a known result with exactly its state. */
interface Bound {
  readonly nowMs: number;
  readonly state?: PinnedState;
}

interface CursorProblem {
  readonly path: "after" | "before";
  readonly expected: string;
  readonly got: string;
}

/** Opens both cursors. They must have the given `state`, or without one, the same state as each other. */
export function openCursors(
  cursors: Cursors,
  page: PageRequest,
  { nowMs, state }: Bound,
): OpenedCursors & { readonly problems: readonly CursorProblem[] } {
  const problems: CursorProblem[] = [];
  const open = (path: "after" | "before", beside?: PinnedState): Cursor | undefined => {
    const text = page[path];
    if (text === undefined) return undefined;
    const opened = cursors.open(text, nowMs);
    if (opened.kind === "opened" && isSameState(opened.cursor.state, beside)) return opened.cursor;
    const got = opened.kind === "opened" ? "a cursor of another search" : opened.got;
    problems.push({ path, expected: "a cursor of this search", got });
    return undefined;
  };
  const after = open("after", state);
  const before = open("before", state ?? after?.state);
  return { after, before, problems };
}

/** An invalid search has no cursors. Without this check, digesting its text would fail on a lone surrogate. */
export function strayCursors(page: PageRequest): readonly CursorProblem[] {
  const given = (["after", "before"] as const).filter((path) => page[path] !== undefined);
  return given.map((path) => ({ path, expected: "a cursor of this search", got: "a cursor of another search" }));
}

function isSameState(a: PinnedState, b: PinnedState | undefined): boolean {
  if (b === undefined) return true;
  const sameRange = a.range.start === b.range.start && a.range.end === b.range.end;
  const sameTimes = a.pinnedAtMs === b.pinnedAtMs && a.expiresAtMs === b.expiresAtMs;
  return sameRange && sameTimes && a.treeSize === b.treeSize;
}
