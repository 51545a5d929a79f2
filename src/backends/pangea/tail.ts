import { setTimeout as sleep } from "node:timers/promises";
import { timeText } from "../../audit/clock.js";
import type { EntryOutcome, FollowAsking, SearchRequest, TailRequest } from "../../audit/service.js";
import { microsOf } from "./lookups.js";
import type { PangeaSearches } from "./searches.js";
import type { ShownEntries } from "./shown.js";
import { unsupported } from "./shown.js";

export interface TailOptions {
  readonly searches: PangeaSearches;
  readonly shown: ShownEntries;
  /** How long the service is left alone between two looks. */
  readonly pollMs: number;
}

/** Events that the service shows late are still found when they were received within this time before the newest. */
const OVERLAP_MICROS = 10_000_000;
const PAGE = 1_000;
const MICROS_PER_MS = 1_000;

/**
 * Follows a log by searching it again and again: entries in the order of their time, each once, as late as a poll and the
 * service make them. Resumes at 0 or behind an entry that was shown here; else rejects with UNSUPPORTED.
 */
export function tailByPolling(
  { log, query = "", fromLeafIndex }: TailRequest,
  asking: FollowAsking,
  options: TailOptions,
): Promise<AsyncIterable<EntryOutcome>> {
  const start = startOf(fromLeafIndex, options.shown);
  return Promise.resolve(follow({ log, query }, { ...asking, start, from: fromLeafIndex ?? 0 }, options));
}

function startOf(fromLeafIndex: number | undefined, shown: ShownEntries): number {
  if (fromLeafIndex === undefined) return Date.now() * MICROS_PER_MS;
  if (fromLeafIndex === 0) return 0;
  const before = shown.known(fromLeafIndex - 1);
  if (before !== undefined) return microsOf(before.envelope.received_at);
  throw unsupported(
    `follow a log from the leaf index ${fromLeafIndex}`,
    "Follow it from 0, or search for what is missed.",
  );
}

interface Following extends FollowAsking {
  readonly start: number;
  /** Entries before this index were seen. */
  readonly from: number;
}

async function* follow(
  search: Pick<SearchRequest, "log" | "query">,
  { start: begin, from, bound, signal }: Following,
  { searches, pollMs }: TailOptions,
): AsyncGenerator<EntryOutcome> {
  const isOver = (): boolean => signal.aborted;
  const seen = new Map<string, number>();
  let newest = begin;
  while (!isOver()) {
    const start = timeText(Math.max(begin, newest - OVERLAP_MICROS));
    const request = { ...search, window: { start }, order: { field: "received_at", direction: "asc" } } as const;
    let page = await searches.search(request, { first: PAGE }, { bound, signal });
    for (;;) {
      for (const outcome of page.entries ?? []) {
        if (outcome.kind !== "entry") continue;
        const { entry } = outcome;
        if (seen.has(entry.hash) || entry.leafIndex < from || !(await page.result.matches(entry))) continue;
        const at = microsOf(entry.envelope.received_at);
        seen.set(entry.hash, at);
        newest = Math.max(newest, at);
        if (isOver()) return;
        yield outcome;
      }
      if (!page.hasNextPage || isOver()) break;
      const offset = page.firstPosition + (page.entries?.length ?? 0);
      page = await searches.results(page.result.id, { first: PAGE, offset }, { bound, signal });
    }
    for (const [hash, at] of seen) if (at < newest - OVERLAP_MICROS) seen.delete(hash);
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}
