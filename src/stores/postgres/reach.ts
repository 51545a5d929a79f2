/** Documents that the first walk looks at: enough for a page of a frequent word, in less than a millisecond. */
export const FIRST_REACH = 500;

/** What fetching one match through the index costs, in documents scanned one after the other. */
const LOOK_UP_COST = 4;

/** Matches are not spread evenly: a walk goes this much further than even spread would need. */
const MARGIN = 1.5;

export interface WalkSoFar {
  /** Documents looked at, and matches among them. */
  readonly reach: number;
  readonly found: number;
  /** Matches asked for: more than found. */
  readonly wanted: number;
  /** Documents in the whole range of the search. */
  readonly span: number;
}

/**
 * How far the next walk should reach; undefined when looking up all matches promises to be cheaper. Decided here and not by
 * the server's planner: its estimate of a word's frequency is as old as its last ANALYZE, and a rare word that it takes for
 * a frequent one costs a walk through the whole log.
 */
export function nextReach({ reach, found, wanted, span }: WalkSoFar): number | undefined {
  const density = (found + 0.5) / reach;
  const documents = Math.ceil((MARGIN * wanted) / density);
  const matches = density * span;
  return documents <= matches * LOOK_UP_COST ? documents : undefined;
}
