import { AuditError } from "./errors.js";
import type { CheckedEvent, StampedEntry } from "./leaf.js";
import type { RequestKey } from "./request-key.js";
import type { SignedTree } from "./signed-tree.js";
import type { RequestReceipt } from "./store.js";

/** What became of a request: its entries are durable, the first of them at `firstIndex`, and in `tree`. */
export interface Appended {
  readonly kind: "appended";
  readonly firstIndex: number;
  readonly entries: readonly StampedEntry[];
  readonly tree: SignedTree;
}

/** A request whose key is in the log already, put there by another gateway: nothing was logged again. */
export interface Repeated {
  readonly kind: "repeated";
  readonly receipt: RequestReceipt;
}

/** A request on its way into the log: its events stay together, in one batch, in their order. */
export interface Submission {
  readonly events: readonly CheckedEvent[];
  /** Stamped before it waits, so that hashing is done while another batch is in flight. */
  readonly entries: readonly StampedEntry[];
  readonly requestKey: RequestKey | undefined;
  readonly resolve: (outcome: Appended | Repeated) => void;
  readonly reject: (error: unknown) => void;
}

export interface QueueLimits {
  /** A batch ends before the request that would make it longer than this; a longer request is a batch of its own. */
  readonly maxBatchEvents: number;
  /** Requests are turned away while more events than this would wait. */
  readonly maxWaitingEvents: number;
}

export const QUEUE_LIMITS: QueueLimits = { maxBatchEvents: 4_096, maxWaitingEvents: 16_384 };

/** How long a caller who was turned away should wait: a few batches. */
const RETRY_AFTER_MS = 250;

/** Requests that wait for the batch in flight, first come, first served. */
export class SubmissionQueue {
  #waiting: Submission[] = [];
  #waitingEvents = 0;

  /** `onWaiting` is told how many events wait, whenever that changes. */
  constructor(
    private readonly limits: QueueLimits,
    private readonly onWaiting?: (events: number) => void,
  ) {}

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Throws UNAVAILABLE with the outcome NONE, before anything was done for the request, when there is no room for so many events. */
  requireRoom(events: number): void {
    if (this.isEmpty || this.#waitingEvents + events <= this.limits.maxWaitingEvents) return;
    throw new AuditError("UNAVAILABLE", "More is being logged than the store can take: try again later.", {
      retryAfterMs: RETRY_AFTER_MS,
      outcome: "NONE",
    });
  }

  add(submission: Submission): void {
    this.#waiting.push(submission);
    this.#count(submission.entries.length);
  }

  /** Takes the next batch, or what goes with one that is begun: as many whole requests as fit, of a new batch at least one. */
  takeBatch(begun: readonly Submission[] = []): readonly Submission[] {
    let events = eventsIn(begun);
    const tooMany = this.#waiting.findIndex(({ entries }, place) => {
      events += entries.length;
      return begun.length + place > 0 && events > this.limits.maxBatchEvents;
    });
    const taken = this.#waiting.splice(0, tooMany === -1 ? this.#waiting.length : tooMany);
    this.#count(-eventsIn(taken));
    return taken;
  }

  #count(events: number): void {
    this.#waitingEvents += events;
    this.onWaiting?.(this.#waitingEvents);
  }
}

function eventsIn(submissions: readonly Submission[]): number {
  return submissions.reduce((sum, { entries }) => sum + entries.length, 0);
}
