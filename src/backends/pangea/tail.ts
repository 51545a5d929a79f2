import { setTimeout as sleep } from "node:timers/promises";
import { timeText } from "../../audit/clock.js";
import { AuditError } from "../../audit/errors.js";
import type { EntryOutcome, FollowAsking, ResultPage, SearchRequest, TailRequest } from "../../audit/service.js";
import { microsOf } from "./lookups.js";
import type { PangeaSearches } from "./searches.js";
import type { ShownEntries } from "./shown.js";
import { unsupported } from "./shown.js";
import { LONGEST_PAUSE_MS } from "./wire.js";

export interface TailOptions {
  readonly searches: PangeaSearches;
  readonly shown: ShownEntries;
  /** How long the service is left alone between two looks. */
  readonly pollMs: number;
  /** How many events it is asked for at once. */
  readonly pageSize: number;
}

/** Events that the service shows late are still found when they were received within this time before the newest. */
const OVERLAP_MICROS = 10_000_000;
const MICROS_PER_MS = 1_000;
/** While the service fails, it is left alone twice as long each time, up to this. */
const LONGEST_REST_MS = 60_000;

/**
 * Follows a log by searching it again and again: entries in the order of their time, each once, as late as a poll and the
 * service make them. Goes on while the service fails and may work again. Resumes at 0 or behind an entry that was shown here;
 * else rejects with UNSUPPORTED.
 */
export function tailByPolling(
  { log, query = "", fromLeafIndex }: TailRequest,
  asking: FollowAsking,
  options: TailOptions,
): Promise<AsyncIterable<EntryOutcome>> {
  const start = startOf(fromLeafIndex, options.shown);
  return Promise.resolve(
    follow(new Looks({ log, query }, { start, from: fromLeafIndex ?? 0 }, options), asking, options),
  );
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

async function* follow(looks: Looks, asking: FollowAsking, { pollMs }: TailOptions): AsyncGenerator<EntryOutcome> {
  const { signal } = asking;
  const isOver = (): boolean => signal.aborted;
  for (let failures = 0; !isOver();) {
    let retryAfterMs = 0;
    try {
      yield* looks.next(asking);
      failures = 0;
    } catch (error) {
      if (isOver() || !mayPass(error)) throw error;
      failures++;
      retryAfterMs = error.retryAfterMs ?? 0;
    }
    await sleep(pauseOf(failures, { pollMs, retryAfterMs }), undefined, { signal }).catch(() => undefined);
  }
}

/** How long the service is left alone after so many looks in a row that failed; somewhat less by chance, for others follow it, too. */
export function pauseOf(
  failures: number,
  { pollMs, retryAfterMs }: { readonly pollMs: number; readonly retryAfterMs: number },
  chance = Math.random(),
): number {
  if (failures === 0) return pollMs;
  const longest = Math.min(pollMs * 2 ** failures, LONGEST_REST_MS);
  const asked = retryAfterMs > LONGEST_PAUSE_MS ? retryAfterMs : 0; // less is this gateway's own word
  return Math.max(asked, longest * (0.75 + 0.25 * chance));
}

/** What nobody has to mend; the errors of a refused token, query or tree come with no time to try again. */
function mayPass(error: unknown): error is AuditError {
  return error instanceof AuditError && error.code === "UNAVAILABLE" && error.retryAfterMs !== undefined;
}

interface Begun {
  readonly start: number;
  /** Entries before this index were seen. */
  readonly from: number;
}

/** Looks at a log one after the other, each for what those before have not shown. */
class Looks {
  readonly #seen = new Map<string, number>();
  #newest: number;

  constructor(
    private readonly search: Pick<SearchRequest, "log" | "query">,
    private readonly begun: Begun,
    private readonly options: TailOptions,
  ) {
    this.#newest = begun.start;
  }

  async *next(asking: FollowAsking): AsyncGenerator<EntryOutcome> {
    const { signal } = asking;
    const { searches, pageSize: first } = this.options;
    const start = timeText(Math.max(this.begun.start, this.#newest - OVERLAP_MICROS));
    const request = { ...this.search, window: { start }, order: { field: "received_at", direction: "asc" } } as const;
    let page = await searches.search(request, { first }, asking);
    for (;;) {
      for await (const outcome of this.#unseen(page)) {
        if (signal.aborted) return;
        yield outcome;
      }
      if (!page.hasNextPage || signal.aborted) break;
      const offset = page.firstPosition + (page.entries?.length ?? 0);
      page = await searches.results(page.result.id, { first, offset }, asking).catch(lostResult);
    }
    for (const [hash, at] of this.#seen) if (at < this.#newest - OVERLAP_MICROS) this.#seen.delete(hash);
  }

  async *#unseen({ entries = [], result }: ResultPage): AsyncGenerator<EntryOutcome> {
    for (const outcome of entries) {
      if (outcome.kind !== "entry") continue;
      const { entry } = outcome;
      if (this.#seen.has(entry.hash) || entry.leafIndex < this.begun.from || !(await result.matches(entry))) continue;
      const at = microsOf(entry.envelope.received_at);
      this.#seen.set(entry.hash, at);
      this.#newest = Math.max(this.#newest, at);
      yield outcome;
    }
  }
}

/** A result that the service has just given can only be refused because it is there no more: another search gives another one. */
function lostResult(error: unknown): never {
  if (!(error instanceof AuditError) || error.code !== "BAD_USER_INPUT") throw error;
  throw new AuditError("UNAVAILABLE", `The audit service has lost a result: ${error.message}`, {
    retryAfterMs: 0,
    cause: error,
  });
}
