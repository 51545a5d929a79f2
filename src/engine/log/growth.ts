import type { AppendBatch, RequestReceipt } from "../../audit/store.js";
import type { LogFormat } from "../../core/format.js";
import type { LogKey } from "../../keys/log-key.js";
import { stampEvent, type StampedEntry } from "../tree/entries.js";
import type { SignedTree, TreeSource } from "../tree/signed-tree.js";
import type { Submission } from "./queue.js";
import { sealedReceipt } from "./seals.js";

/** A batch computed on top of a tree, and the tree that it gives if the store accepts it. */
export interface Growth {
  readonly batch: AppendBatch;
  readonly tree: SignedTree;
  readonly requests: readonly GrownRequest[];
}

/** A request of a batch, with its entries at their indexes. */
export interface GrownRequest {
  readonly submission: Submission;
  readonly firstIndex: number;
  readonly entries: readonly StampedEntry[];
}

type Grower = Pick<TreeSource, "log" | "format" | "key">;

/** Assigns leaf indexes after a tree to the requests, and computes and signs the new root. */
export function growTree(grower: Grower, tree: SignedTree, submissions: readonly Submission[]): Growth {
  const requests = placed(tree.edge.size, submissions, inTime(grower.format, tree.lastReceivedAt, submissions));
  const entries = requests.flatMap((request) => request.entries);
  const { edge, tiles } = tree.edge.append(entries.map(({ leafHash }) => leafHash));
  const receipts = requests.flatMap((request) => receiptsOf(grower.key, request, edge.size));
  const rootHash = edge.root();
  const checkpoint = grower.key.sign(edge.size, rootHash);
  const lastReceivedAt = entries.at(-1)?.receivedAt ?? tree.lastReceivedAt;
  const expected = { expectedSize: tree.edge.size, expectedRoot: tree.rootHash };
  return {
    batch: { log: grower.log, ...expected, entries, tiles, rootHash, checkpoint, receipts },
    tree: { edge, rootHash, checkpoint, lastReceivedAt },
    requests,
  };
}

/** Stamps requests again when another gateway's entries have later times: receivedAt never decreases along the log. */
function inTime(
  format: LogFormat,
  lastReceivedAt: string,
  submissions: readonly Submission[],
): readonly (readonly StampedEntry[])[] {
  return submissions.map(({ events, entries }) => {
    const stamp = entries[0]?.receivedAt ?? lastReceivedAt;
    if (stamp >= lastReceivedAt) return entries;
    return events.map((event) => stampEvent(format, event, lastReceivedAt));
  });
}

function placed(
  size: number,
  submissions: readonly Submission[],
  stamped: readonly (readonly StampedEntry[])[],
): readonly GrownRequest[] {
  let nextIndex = size;
  return submissions.map((submission, place) => {
    const entries = stamped[place] ?? [];
    const firstIndex = nextIndex;
    nextIndex += entries.length;
    return { submission, firstIndex, entries };
  });
}

function receiptsOf(
  key: LogKey,
  { submission: { requestKey }, firstIndex, entries }: GrownRequest,
  treeSize: number,
): readonly RequestReceipt[] {
  return requestKey === undefined
    ? []
    : [sealedReceipt(key, { ...requestKey, firstIndex, count: entries.length, treeSize })];
}

/** How often a store that others write to is polled for growth while someone waits for it. */
const LOOK_MS = 1_000;
/** The minimum time between polls, however many hints arrive. */
const HINTED_LOOK_MS = 20;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Wakes those who wait for a log to grow. One per log, however many wait. */
export class GrowthWatch {
  readonly #waiting = new Set<Waiter>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  /** Whether a hint of growth arrived since the last poll. */
  #isHinted = false;
  #lookedAtMs = -Infinity;

  #look: (() => Promise<void>) | undefined;

  /** Where others write to the log too: `look` asks the store, and calls `grown` if they did. */
  lookBy(look: () => Promise<void>): void {
    this.#look = look;
  }

  /**
   * Resolves when the log has grown after this call, or when the signal aborts. Rejects when growth can no longer be
   * detected.
   */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        signal.removeEventListener("abort", stop);
        this.#leave(waiter);
      };
      const waiter: Waiter = {
        resolve: () => {
          leave();
          resolve();
        },
        reject: (error) => {
          leave();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      };
      const stop = waiter.resolve;
      signal.addEventListener("abort", stop);
      this.#enter(waiter);
    });
  }

  /** The log has grown. */
  grown(): void {
    for (const { resolve } of [...this.#waiting]) resolve();
  }

  /** Growth can no longer be detected: everyone who waits gets the error. */
  fail(error: unknown): void {
    for (const { reject } of [...this.#waiting]) reject(error);
  }

  /** Others may have written: polls soon, if someone waits. */
  hint(): void {
    this.#isHinted = true;
    this.#schedule();
  }

  #enter(waiter: Waiter): void {
    this.#waiting.add(waiter);
    if (this.#timer === undefined) this.#schedule();
  }

  #leave(waiter: Waiter): void {
    this.#waiting.delete(waiter);
    if (this.#waiting.size === 0) this.#stop();
  }

  #schedule(): void {
    const look = this.#look;
    if (look === undefined || this.#isLooking || this.#waiting.size === 0) return;
    this.#stop();
    const dueMs = this.#lookedAtMs + (this.#isHinted ? HINTED_LOOK_MS : LOOK_MS);
    this.#timer = setTimeout(() => void this.#lookNow(look), Math.max(0, dueMs - performance.now()));
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #lookNow(look: () => Promise<void>): Promise<void> {
    this.#timer = undefined;
    this.#isLooking = true;
    this.#isHinted = false;
    await look().catch((error: unknown) => {
      this.fail(error);
    });
    this.#isLooking = false;
    this.#lookedAtMs = performance.now();
    this.#schedule();
  }
}
