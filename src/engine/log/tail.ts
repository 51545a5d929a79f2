import { setImmediate as otherWork } from "node:timers/promises";
import { badInput } from "../../audit/errors.js";
import type { Entry, EntryOutcome, TailRequest, TreeEntry } from "../../audit/service.js";
import type { FieldName } from "../../core/event.js";
import { isTreeSize } from "../../core/tree.js";
import { restrictionAllows, type Filter, type Restriction } from "../../query/filter.js";
import { parseQuery } from "../../query/parser.js";
import { queryProblem } from "../search/search-request.js";

/** Entries that a tail holds in memory at a time. */
const PAGE_ENTRIES = 64;

/** What a tail needs from a log. */
export interface TailedLog {
  /** Returns the log's size once it is above `size`; earlier, and then possibly not above, when the signal aborts. */
  grownBeyond(size: number, signal: AbortSignal): Promise<number>;
  entries(leafIndexes: readonly number[]): Promise<readonly EntryOutcome[]>;
  /** Whether a filter matches an entry by its own text. */
  isMatch(filter: Filter, entry: Entry): Promise<boolean>;
}

/** A tail with valid arguments. */
export interface CheckedTail {
  readonly filter: Filter;
  readonly fromLeafIndex: number;
}

/** With what the caller may see. */
export interface BoundTail extends CheckedTail {
  readonly bound: Restriction | undefined;
}

/** Fills in the defaults for a log of a size. Throws BAD_USER_INPUT naming every bad argument. */
export function checkTail(
  { query = "", fromLeafIndex }: TailRequest,
  size: number,
  customFields: readonly FieldName[] = [],
): CheckedTail {
  const parsed = parseQuery(query, customFields);
  const from = fromLeafIndex ?? size;
  const problems = [
    ...(parsed.kind === "syntax-error" ? [queryProblem(parsed)] : []),
    ...(isTreeSize(from) && from <= size
      ? []
      : [{ path: "fromLeafIndex", expected: `at most ${size}, the size of the log`, got: String(from) }]),
  ];
  if (parsed.kind === "syntax-error" || problems.length > 0) throw badInput(problems);
  return { filter: parsed.filter, fromLeafIndex: from };
}

/**
 * Yields the entries of a log from an index on, in index order, and continues with new ones until the signal aborts.
 * The log itself is the queue: nothing is read before it is asked for, so a slow reader costs one page.
 */
export async function* tailLog(log: TailedLog, tail: BoundTail, signal: AbortSignal): AsyncGenerator<EntryOutcome> {
  const isOver = (): boolean => signal.aborted;
  let next = tail.fromLeafIndex;
  for (;;) {
    const size = await log.grownBeyond(next, signal);
    if (isOver()) return;
    const page = Array.from({ length: Math.min(size - next, PAGE_ENTRIES) }, (_, place) => next + place);
    for (const outcome of await log.entries(page)) {
      // The caller may lose access to the rest of a page that was read for it.
      if (isOver()) return;
      if (outcome.kind === "missing") break; // lost in a failover, before it was durable: others take its place
      if (await isShown(outcome, tail, log)) yield outcome;
      next += 1;
    }
    // A long catch-up without matches must not block other requests.
    await otherWork();
  }
}

/** A corrupt entry's bytes cannot be trusted to say whose it is, so it is shown only to callers without a bound. */
async function isShown(outcome: TreeEntry, { filter, bound }: BoundTail, log: TailedLog): Promise<boolean> {
  if (outcome.kind === "corrupt") return bound === undefined;
  const { entry } = outcome;
  return (bound === undefined || restrictionAllows(bound, entry.envelope.event)) && log.isMatch(filter, entry);
}
