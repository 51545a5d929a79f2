import { setTimeout as sleep } from "node:timers/promises";
import type { BulkQueue, ClaimedBulk } from "../../audit/bulk-queue.js";
import { AuditError } from "../../audit/errors.js";
import type { RefusedEvent } from "../../audit/service.js";
import type { LogKey } from "../../keys/log-key.js";
import { bulkEnd, bulkFailure, bulkId, type EndedBulk } from "./bulk-request.js";

type Outcome = Omit<EndedBulk, "expiresAtMs">;

export interface BulkRunnerOptions {
  readonly queue: BulkQueue;
  /** The logs that are kept here. */
  readonly logs: readonly string[];
  /**
   * Logs a request under its idempotency key: whatever happens in between, twice is once. Returns the events that were refused
   * when it was accepted. Rejects what was changed.
   */
  readonly append: (bulk: ClaimedBulk) => Promise<readonly RefusedEvent[]>;
  readonly key: (log: string) => LogKey;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** How long an end is kept. */
  readonly resultTtlMs: number;
  /** Told, in one sentence, of what an operator must look at. */
  readonly alarm: (message: string) => void;
}

const MAX_RUNNING = 4;
/** A gateway that dies delays its requests by this. An append that takes longer may run twice, and logs once. */
const LEASE_MS = 10_000;
/** How often to look for what a gateway left behind that died. */
const LOOK_EVERY_MS = 5_000;
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 30_000;

/**
 * Executes queued bulk requests, a few at a time, those of other gateways that died included. What cannot be logged now
 * is tried again until it can; what can never be logged ends as failed.
 */
export class BulkRunner {
  readonly #running = new Map<string, Promise<void>>();
  readonly #closed = new AbortController();
  readonly #loop: Promise<void>;
  #hurry = new AbortController();

  constructor(private readonly options: BulkRunnerOptions) {
    this.#loop = this.#lookUntilClosed();
  }

  /** There is something to do: does not wait for the next look. */
  wake(): void {
    this.#hurry.abort();
  }

  /** Takes no more requests; resolves when what is under way has ended, or has to be tried again after the next start. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#hurry.abort();
    await this.#loop;
    await Promise.all(this.#running.values());
  }

  async #lookUntilClosed(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      this.#hurry = new AbortController();
      const { signal } = this.#hurry;
      // A store that is away is there again at one of the next looks.
      await this.#look().catch(() => undefined);
      await pause(LOOK_EVERY_MS, signal);
    }
  }

  async #look(): Promise<void> {
    const { queue, logs, nowMs } = this.options;
    const now = nowMs();
    const limit = MAX_RUNNING - this.#running.size;
    const claimed = limit === 0 ? [] : await queue.claim({ logs, nowMs: now, heldUntilMs: now + LEASE_MS, limit });
    for (const bulk of claimed) this.#start(bulk);
    if (claimed.length === 0) await queue.removeExpired(now);
  }

  /** A request that has been tried for longer than its lease is claimed again: it goes on as it was. */
  #start(bulk: ClaimedBulk): void {
    const id = bulkId(bulk);
    if (this.#running.has(id)) return;
    const execution = this.#execute(bulk).finally(() => {
      this.#running.delete(id);
      this.wake();
    });
    this.#running.set(id, execution);
  }

  async #execute(bulk: ClaimedBulk): Promise<void> {
    for (let retries = 0; !this.#closed.signal.aborted; retries++) {
      try {
        await this.#end(bulk, await this.#outcome(bulk));
        return;
      } catch {
        await pause(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** retries), this.#closed.signal);
      }
    }
  }

  /** Rejects UNAVAILABLE when it has to be tried again. */
  async #outcome(bulk: ClaimedBulk): Promise<Outcome> {
    try {
      return { failure: undefined, refused: await this.options.append(bulk) };
    } catch (error) {
      if (isToBeTriedAgain(error)) throw error;
      const failure = bulkFailure(error);
      this.options.alarm(`A bulk request accepted for the log ${bulk.log} could not be logged: ${failure.code}.`);
      return { failure, refused: [] };
    }
  }

  async #end({ log, name }: ClaimedBulk, outcome: Outcome): Promise<void> {
    const { queue, key, nowMs, resultTtlMs } = this.options;
    const place = { log, name };
    await queue.finish(place, bulkEnd(key(log), place, { ...outcome, expiresAtMs: nowMs() + resultTtlMs }));
  }
}

/** A log that was found broken while an append was in doubt may hold the events: the next attempt looks for their key first. */
function isToBeTriedAgain(error: unknown): boolean {
  return error instanceof AuditError && (error.code === "UNAVAILABLE" || error.outcome === "UNKNOWN");
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
