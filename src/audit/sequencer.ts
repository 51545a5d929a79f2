import { setTimeout as sleep } from "node:timers/promises";
import { equalBytes, HASH_BYTES } from "../core/bytes.js";
import { timeText, type Clock } from "./clock.js";
import { deadline } from "./deadline.js";
import { AuditError } from "./errors.js";
import { growTree, type Growth } from "./growth.js";
import { stampEvent, type CheckedEvent } from "./leaf.js";
import { QUEUE_LIMITS, SubmissionQueue, type Appended, type QueueLimits, type Submission } from "./queue.js";
import { extendTree, type SignedTree, type TreeSource } from "./signed-tree.js";
import type { StoredTile } from "./store.js";

export interface SequencerOptions {
  readonly source: TreeSource;
  /** The newest durable tree. */
  readonly tree: SignedTree;
  readonly clock: Clock;
  readonly limits?: QueueLimits;
  /** After this an append counts as one of unknown outcome. Default 30,000. */
  readonly appendTimeoutMs?: number;
  /** Told of each tree once it is durable, and of the tiles that this process filled with it. */
  readonly onGrown?: (tree: SignedTree, full: readonly StoredTile[]) => void;
  /** Told when the log can take no more entries. */
  readonly onBroken?: (error: AuditError) => void;
}

/** How often another gateway may be faster before a request is turned away. */
const MAX_CONFLICTS = 50;
/** How long to wait before each look at the head after an append of unknown outcome. */
const LOOK_DELAYS_MS = [0, 50, 200, 1_000];
const RETRY_AFTER_MS = 1_000;

/**
 * Orders what is logged: one batch of a log in flight at a time, and whatever arrives meanwhile is the next.
 *
 * It owns the log's newest tree. A tree takes the last one's place only when the store has said that it is durable, or
 * when it was read back from the store and found to extend the last; so indexes are dense and roots only grow.
 */
export class Sequencer {
  readonly #queue: SubmissionQueue;
  readonly #refreshes: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  #tree: SignedTree;
  #lastStamp: string;
  /** Set while the outcome of an append is unknown: nothing is written before the head has been looked at. */
  #isInDoubt = false;
  #broken: AuditError | undefined;
  #isRunning = false;
  #run: Promise<void> = Promise.resolve();

  constructor(private readonly options: SequencerOptions) {
    this.#queue = new SubmissionQueue(options.limits ?? QUEUE_LIMITS);
    this.#tree = options.tree;
    this.#lastStamp = options.tree.lastReceivedAt;
  }

  /** The newest tree that is known to be durable. */
  get tree(): SignedTree {
    return this.#tree;
  }

  /**
   * Resolves when the events are durable, at consecutive indexes. Rejects UNAVAILABLE when there is no room, when the
   * store did not take them, or when it cannot be said whether it did; LOG_CORRUPT when the log takes no more.
   */
  async append(events: readonly CheckedEvent[]): Promise<Appended> {
    if (this.#broken !== undefined) throw this.#broken;
    this.#queue.requireRoom(events.length);
    const stamp = this.#stamp();
    const entries = events.map((event) => stampEvent(this.options.source.format, event, stamp));
    return new Promise((resolve, reject) => {
      this.#queue.add({ events, entries, resolve, reject });
      this.#start();
    });
  }

  /** Looks at the head, for stores that other gateways write to as well. */
  refresh(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#refreshes.push({ resolve, reject });
      this.#start();
    });
  }

  /** Takes no more entries from now on. */
  breakWith(error: AuditError): void {
    if (this.#broken !== undefined) return;
    this.#broken = error;
    this.options.onBroken?.(error);
  }

  /** Resolves when nothing is in flight or waiting. */
  async idle(): Promise<void> {
    while (this.#isRunning) await this.#run;
  }

  /** The clock's time, or the last one given if the clock has been set back since. */
  #stamp(): string {
    const now = timeText(this.options.clock());
    if (now > this.#lastStamp) this.#lastStamp = now;
    return this.#lastStamp;
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run = this.#work();
  }

  async #work(): Promise<void> {
    while (this.#refreshes.length > 0 || !this.#queue.isEmpty) {
      if (this.#refreshes.length > 0) await this.#answerRefreshes();
      else await this.#commit(this.#queue.takeBatch());
    }
    // In one step with the last look at the queue: a request that comes a moment later must start the next run.
    this.#isRunning = false;
  }

  async #answerRefreshes(): Promise<void> {
    const waiting = this.#refreshes.splice(0);
    try {
      await this.#reload();
      for (const { resolve } of waiting) resolve();
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }

  async #commit(batch: readonly Submission[]): Promise<void> {
    try {
      const growth = await this.#store(batch);
      acknowledge(batch, growth);
    } catch (error) {
      const known = error instanceof AuditError ? error : unavailable("The store failed.", error);
      for (const { reject } of batch) reject(known);
    }
  }

  /** Writes a batch, on top of whatever the log has become meanwhile. */
  async #store(batch: readonly Submission[]): Promise<Growth> {
    if (this.#isInDoubt) await this.#reload();
    for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
      if (this.#broken !== undefined) throw this.#broken;
      const growth = growTree(this.options.source, this.#tree, batch);
      const outcome = await this.#write(growth);
      if (outcome.kind === "appended") return this.#advance(growth);
      if (outcome.kind === "unknown") return this.#settleDoubt(growth, outcome.cause);
      await this.#reload();
    }
    throw unavailable("Other gateways kept appending to the log first: try again.");
  }

  async #write({ batch }: Growth): Promise<WriteOutcome> {
    try {
      return await deadline(this.options.source.store.append(batch), this.options.appendTimeoutMs ?? 30_000);
    } catch (cause) {
      this.#isInDoubt = true;
      return { kind: "unknown", cause };
    }
  }

  #advance(growth: Growth): Growth {
    this.#tree = growth.tree;
    this.options.onGrown?.(growth.tree, growth.batch.tiles);
    return growth;
  }

  /** Finds out what became of an append that did not say: a batch found at its place was written after all. */
  async #settleDoubt(growth: Growth, cause: unknown): Promise<Growth> {
    await this.#lookAgain(cause);
    if (await this.#holds(growth)) return growth;
    throw unavailable("The store did not take the entries: try again.", cause);
  }

  async #lookAgain(cause: unknown): Promise<void> {
    for (const delayMs of LOOK_DELAYS_MS) {
      await sleep(delayMs);
      try {
        await this.#reload();
        return;
      } catch (error) {
        if (error instanceof AuditError && error.code === "LOG_CORRUPT") throw error;
      }
    }
    throw unavailable("The store cannot be reached, and it is not known whether the entries were stored.", cause);
  }

  async #holds({ batch, tree }: Growth): Promise<boolean> {
    if (this.#tree.edge.size < tree.edge.size) return false;
    const { log, store } = this.options.source;
    const stored = await store.leafHashes(log, { start: batch.expectedSize, end: tree.edge.size });
    return batch.entries.every(({ leafHash }, place) =>
      equalBytes(leafHash, stored.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES)),
    );
  }

  /** Takes the store's head for the newest tree, once it is proven to extend the one known. */
  async #reload(): Promise<void> {
    const { log, store } = this.options.source;
    const head = await store.head(log);
    try {
      if (head === undefined) throw new AuditError("LOG_CORRUPT", `The log ${log} is gone from the store.`);
      const tree = await extendTree(this.options.source, this.#tree, head);
      this.#isInDoubt = false;
      if (tree.edge.size === this.#tree.edge.size) return;
      this.#tree = tree;
      this.options.onGrown?.(tree, []);
    } catch (error) {
      if (error instanceof AuditError && error.code === "LOG_CORRUPT") this.breakWith(error);
      throw error;
    }
  }
}

type WriteOutcome =
  { readonly kind: "appended" } | { readonly kind: "conflict" } | { readonly kind: "unknown"; readonly cause: unknown };

function acknowledge(batch: readonly Submission[], { batch: { expectedSize }, requests, tree }: Growth): void {
  let firstIndex = expectedSize;
  batch.forEach(({ resolve }, place) => {
    const entries = requests[place] ?? [];
    resolve({ firstIndex, entries, tree });
    firstIndex += entries.length;
  });
}

function unavailable(message: string, cause?: unknown): AuditError {
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS, cause });
}
