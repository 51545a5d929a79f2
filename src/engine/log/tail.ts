import { setImmediate as otherWork } from "node:timers/promises";
import { badInput } from "../../audit/errors.js";
import type { EntryOutcome, TailRequest } from "../../audit/service.js";
import { isTreeSize } from "../../core/tree.js";
import type { Filter } from "../../query/ast.js";
import { matches } from "../../query/match.js";
import { parseQuery } from "../../query/parser.js";
import { restrictionAllows, type Restriction } from "../../query/restriction.js";
import { queryProblem } from "../search/search-arguments.js";

/** Entries that one tail holds in memory at a time. */
const PAGE_ENTRIES = 64;

/** What a tail needs of a log. */
export interface TailedLog {
  /** The log's size once it is above `size`; sooner, and then perhaps not above, when the signal aborts. */
  grownBeyond(size: number, signal: AbortSignal): Promise<number>;
  entries(leafIndexes: readonly number[]): Promise<readonly EntryOutcome[]>;
}

/** A tail whose arguments can be meant. */
export interface CheckedTail {
  readonly filter: Filter;
  readonly fromLeafIndex: number;
}

/** For an asker who sees nothing outside of a bound. */
export interface BoundTail extends CheckedTail {
  readonly bound: Restriction | undefined;
}

/** Fills in the defaults for a log of a size. Throws BAD_USER_INPUT that names every bad argument. */
export function checkTail({ query = "", fromLeafIndex }: TailRequest, size: number): CheckedTail {
  const parsed = parseQuery(query);
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
 * Shows the entries of a log from an index on, in index order, and goes on with those that are logged: until the signal
 * aborts. The log itself is the queue: nothing is read before it is asked for, so a slow reader costs one page.
 */
export async function* tailLog(log: TailedLog, tail: BoundTail, signal: AbortSignal): AsyncGenerator<EntryOutcome> {
  const isOver = (): boolean => signal.aborted;
  let next = tail.fromLeafIndex;
  for (;;) {
    const size = await log.grownBeyond(next, signal);
    if (isOver()) return;
    const page = Array.from({ length: Math.min(size - next, PAGE_ENTRIES) }, (_, place) => next + place);
    for (const outcome of await log.entries(page)) {
      // A reader may lose the right to the rest of a page that was read for it.
      if (isOver()) return;
      if (isShown(outcome, tail)) yield outcome;
    }
    next += page.length;
    // A long way to catch up, of which nothing matches, must not keep others from being answered.
    await otherWork();
  }
}

/** The bytes of a corrupt entry cannot be trusted to say whose it is, so only who sees everything is told of it. */
function isShown(outcome: EntryOutcome, { filter, bound }: BoundTail): boolean {
  if (outcome.kind !== "entry") return outcome.kind === "corrupt" && bound === undefined;
  const { event } = outcome.entry.envelope;
  return (bound === undefined || restrictionAllows(bound, event)) && matches(filter, event);
}
