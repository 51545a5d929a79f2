import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "./database.js";
import { analyzeIndex, mergePendingTerms, prepareBatch, storeBatch } from "./index-batch.js";
import { releaseLease, takeLease } from "./lease.js";

/** What arrives within this time is indexed together, unless a search waits for it. */
const GATHER_MS = 50;

/** When another gateway holds the lease, or the database is away, the follower looks again after this time. */
const RETRY_MS = 500;

/** Below this size every plan is quick. */
const SMALLEST_ANALYZED = 1_000;

/** Called with a log and how far it is indexed, each time that is known to have grown. */
export type Advance = (log: string, size: number) => void;

interface Round {
  /** Ends the gathering in progress. */
  hurry: AbortController;
  /** Something may have been appended since the log was last looked at. */
  isAskedAgain: boolean;
}

/**
 * Lets the index follow the logs: one round per log at a time, which takes the log's lease, indexes batch after batch
 * until nothing is left, and gives the lease back, so that any other gateway may be next.
 */
export class Follower {
  readonly #database: Database;
  readonly #advance: Advance;
  readonly #holder = randomUUID();
  readonly #rounds = new Map<string, Round>();
  /** Per log, the size at which the planner was last told about it, as far as this process knows. */
  readonly #analyzed = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  readonly #closed = new AbortController();

  constructor(database: Database, advance: Advance) {
    this.#database = database;
    this.#advance = advance;
  }

  /** Makes sure that the log is indexed soon; `urgent`: at once, because somebody waits. Never throws. */
  wake(log: string, urgency: "soon" | "urgent"): void {
    if (this.#closed.signal.aborted) return;
    const round = this.#rounds.get(log) ?? this.#begin(log);
    round.isAskedAgain = true;
    if (urgency === "urgent") round.hurry.abort();
  }

  /** Ends the gathering in progress, if there is one: somebody waits. Asks for no round, so that waiting costs no transactions. */
  hurry(log: string): void {
    this.#rounds.get(log)?.hurry.abort();
  }

  /** Resolves when the batch in hand is written. */
  async close(): Promise<void> {
    this.#closed.abort();
    for (const round of this.#rounds.values()) round.hurry.abort();
    await Promise.all(this.#running);
  }

  #begin(log: string): Round {
    const round: Round = { hurry: new AbortController(), isAskedAgain: true };
    this.#rounds.set(log, round);
    const running = this.#run(log, round).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return round;
  }

  async #run(log: string, round: Round): Promise<void> {
    while (round.isAskedAgain && !this.#closed.signal.aborted) {
      await pause(GATHER_MS, round.hurry.signal);
      round.hurry = new AbortController();
      round.isAskedAgain = false;
      if (await this.#caughtUp(log)) continue;
      round.isAskedAgain = true;
      await pause(RETRY_MS, this.#closed.signal);
    }
    this.#rounds.delete(log);
  }

  /** False when another gateway is at it or the database is away: what is missing is still missing. */
  async #caughtUp(log: string): Promise<boolean> {
    try {
      const size = await takeLease(this.#database, log, this.#holder);
      if (size === undefined) return false;
      const isDone = await this.#indexFrom(log, size);
      await releaseLease(this.#database, log, this.#holder);
      return isDone;
    } catch {
      return false;
    }
  }

  async #indexFrom(log: string, start: number): Promise<boolean> {
    this.#advance(log, start);
    let next = prepareBatch(this.#database, log, start);
    while (!this.#closed.signal.aborted) {
      const batch = await next;
      if (batch.documents.length === 0) break;
      const end = batch.start + batch.documents.length;
      // The next batch is cut into words while the server stores this one.
      next = prepareBatch(this.#database, log, end);
      next.catch(() => undefined);
      if (!(await storeBatch(this.#database, this.#holder, batch))) return false;
      this.#advance(log, end);
      await mergePendingTerms(this.#database);
      await this.#analyzeWhenDoubled(log, batch.start, end);
    }
    return true;
  }

  async #analyzeWhenDoubled(log: string, start: number, end: number): Promise<void> {
    const analyzed = this.#analyzed.get(log) ?? start;
    this.#analyzed.set(log, analyzed);
    if (end < Math.max(2 * analyzed, SMALLEST_ANALYZED)) return;
    await analyzeIndex(this.#database);
    this.#analyzed.set(log, end);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
