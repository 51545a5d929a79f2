import type { CheckedEvent } from "../../audit/checked-request.js";
import { stampEvent } from "../tree/leaf.js";
import type { SignedTree } from "../tree/signed-tree.js";
import type { DurableTree } from "./durable-tree.js";
import type { Growth } from "./growth.js";
import {
  QUEUE_LIMITS,
  SubmissionQueue,
  type Appended,
  type QueueLimits,
  type Repeated,
  type Submission,
} from "./queue.js";
import type { RequestKey } from "./request-key.js";
import type { Stamps } from "./stamps.js";
import { TreeWriter, type TreeWriterOptions } from "./tree-writer.js";

export interface SequencerOptions extends TreeWriterOptions {
  readonly stamps: Stamps;
  readonly limits?: QueueLimits | undefined;
  /** Told how many events wait for the batch in flight, whenever that changes. */
  readonly onWaiting?: ((events: number) => void) | undefined;
}

/**
 * Orders what is logged: one batch per log is in flight at a time, and requests that arrive meanwhile form the next.
 */
export class Sequencer {
  readonly #queue: SubmissionQueue;
  readonly #refreshes: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  readonly #writer: TreeWriter;
  #isRunning = false;
  #run: Promise<void> = Promise.resolve();

  constructor(private readonly options: SequencerOptions) {
    this.#queue = new SubmissionQueue(options.limits ?? QUEUE_LIMITS, options.onWaiting);
    this.#writer = new TreeWriter(options);
  }

  /** The newest tree that the store has shown, which reads use. */
  get seen(): SignedTree {
    return this.#writer.tree;
  }

  /** How far that tree may be shown and acknowledged. */
  get durable(): DurableTree {
    return this.#writer.durable;
  }

  /**
   * Resolves when the events are durable, at consecutive indexes. Rejects with UNAVAILABLE and its outcome when there
   * is no room, when the store did not accept them, or when that is not known; with LOG_CORRUPT or ROOT_CONFLICT when
   * the log accepts no more. The key is stored with the events. KeyedAppends makes sure that no two requests of this
   * process use one key at once.
   */
  async append(events: readonly CheckedEvent[], requestKey?: RequestKey): Promise<Appended | Repeated> {
    this.options.history.requireWritable();
    this.#queue.requireRoom(events.length);
    const stamp = this.options.stamps.next(this.seen.lastReceivedAt);
    const entries = events.map((event) => stampEvent(this.options.source.format, event, stamp));
    return new Promise((resolve, reject) => {
      this.#queue.add({ events, entries, requestKey, resolve, reject });
      this.#start();
    });
  }

  /** Reads the head, for stores that other gateways write to as well. Rejects like TreeWriter.reload. */
  refresh(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#refreshes.push({ resolve, reject });
      this.#start();
    });
  }

  /** Resolves when nothing is in flight or waiting. */
  async idle(): Promise<void> {
    while (this.#isRunning) await this.#run;
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run = this.#work();
  }

  async #work(): Promise<void> {
    while (this.#refreshes.length > 0 || !this.#queue.isEmpty) {
      if (this.#refreshes.length > 0) await this.#answerRefreshes();
      else await this.#commit();
    }
    // In the same step as the last look at the queue: a request that comes a moment later must start the next run.
    this.#isRunning = false;
  }

  async #answerRefreshes(): Promise<void> {
    const waiting = this.#refreshes.splice(0);
    try {
      await this.#writer.reload();
      for (const { resolve } of waiting) resolve();
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }

  async #commit(): Promise<void> {
    const batch = [...this.#queue.takeBatch()];
    const arrived = (begun: readonly Submission[]): readonly Submission[] => {
      const more = this.#queue.takeBatch(begun);
      batch.push(...more);
      return more;
    };
    try {
      const growth = await this.#writer.write([...batch], arrived);
      if (growth !== undefined) acknowledge(growth);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

function acknowledge({ requests, tree }: Growth): void {
  for (const { submission, firstIndex, entries } of requests) {
    submission.resolve({ kind: "appended", firstIndex, entries, tree });
  }
}
