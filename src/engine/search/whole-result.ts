import { requireWanted } from "../../audit/calls.js";
import { strayHit } from "../../audit/errors.js";
import type { IndexQuery, SearchIndex } from "../../audit/search-index.js";
import type { Entry, EntryOutcome, TreeEntry } from "../../audit/service.js";

/** Leaf indexes read at once in leaf order, where a slice costs as much as it holds. */
const SLICE = 10_000;
/**
 * In a field order an engine may sort everything for each slice, so slices are as large as memory allows: 1 MiB each.
 */
const SORTED_SLICE = 100_000;
/** Entries held in memory at once: up to 1 MiB each, most of them a thousandth of that. */
const PAGE_ENTRIES = 64;

/** What is needed to read a whole result. */
export interface WholeResult {
  readonly index: Pick<SearchIndex, "page">;
  readonly query: IndexQuery;
  /** The maximum number of entries. */
  readonly limit: number;
  readonly entries: (leafIndexes: readonly number[]) => Promise<readonly EntryOutcome[]>;
  /** Whether the search matches an entry, by the entry's own text. */
  readonly isHit: (entry: Entry) => Promise<boolean>;
}

/** Reads a result to its end, as Download.pages promises. Memory use does not depend on the result's size. */
export async function* readWhole(result: WholeResult, signal: AbortSignal): AsyncGenerator<readonly TreeEntry[]> {
  for await (const slice of slices(result, signal)) {
    for (let start = 0; start < slice.length; start += PAGE_ENTRIES) {
      requireWanted(signal);
      const page = slice.slice(start, start + PAGE_ENTRIES);
      const outcomes = await result.entries(page);
      for (const outcome of outcomes)
        if (outcome.kind === "entry" && !(await result.isHit(outcome.entry)))
          throw strayHit(outcome.entry.log, outcome.entry.leafIndex);
      yield page.map((leafIndex, place) => inTree(leafIndex, outcomes[place]));
    }
  }
}

/** The result is within a tree, so a missing entry is one that was lost. */
function inTree(leafIndex: number, outcome: EntryOutcome | undefined): TreeEntry {
  return outcome === undefined || outcome.kind === "missing" ? { kind: "corrupt", leafIndex } : outcome;
}

async function* slices({ index, query, limit }: WholeResult, signal: AbortSignal): AsyncGenerator<readonly number[]> {
  const atMost = query.order.field === "received_at" ? SLICE : SORTED_SLICE;
  let left = limit;
  let after: number | undefined;
  while (left > 0) {
    requireWanted(signal);
    const wanted = Math.min(left, atMost);
    const slice = await index.page(query, { limit: wanted, ...(after !== undefined && { after }) }, signal);
    yield slice;
    if (slice.length < wanted) return;
    left -= slice.length;
    after = slice.at(-1);
  }
}
