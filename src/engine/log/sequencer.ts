import type { Alarm } from "../../audit/alarm.js";
import type { CheckedEvent } from "../../audit/checked-request.js";
import { timeText, type Clock } from "../../audit/clock.js";
import { aheadOf } from "../../core/instant.js";
import { stampEvent } from "../tree/stamped-entry.js";
import {
  QUEUE_LIMITS,
  SubmissionQueue,
  type Growth,
  type Appended,
  type QueueLimits,
  type Repeated,
  type Submission,
  type RequestKey,
} from "./batch.js";
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

  constructor(private readonly options: SequencerOptions) {
    this.#queue = new SubmissionQueue(options.limits ?? QUEUE_LIMITS, options.onWaiting);
    this.#writer = new TreeWriter(options);
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
    const stamp = this.options.stamps.next(this.options.tree.newest.lastReceivedAt);
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

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#work();
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

export interface StampsOptions {
  readonly log: string;
  readonly clock: Clock;
  /** A clock that cannot be set, in milliseconds. Default: the process's. */
  readonly monotonicMs?: () => number;
  /** The time of the newest entry when the log was opened. */
  readonly lastReceivedAt: string;
  readonly alarm: Alarm;
  /** Called with a sentence when the reason for an alarm is gone. */
  readonly note: (message: string) => void;
}

/** The clocks of several gateways differ by less if they are maintained. */
const MAX_AHEAD_MS = 5 * 60_000;
const MAX_JUMP_MS = 60 * 60_000;
const HOUR_MS = 3_600_000;

/**
 * Gives requests their times: the clock's, or the last one given if the clock was set back since. So a clock that is
 * far ahead for a moment dates all entries until it really reaches that time, which cannot be undone: it raises an
 * alarm at once.
 * A jump forward is reported, not refused. A machine that slept or was moved wakes up with a monotonic clock that stood
 * still and a correct wall clock: refusing that would stop the log for good, or trust the same clock a moment later.
 */
export class Stamps {
  #last: string;
  #isAhead = false;
  #seen: { readonly clockMs: number; readonly monotonicMs: number } | undefined;

  constructor(private readonly options: StampsOptions) {
    this.#last = options.lastReceivedAt;
  }

  /** `newest`: the time of the log's newest entry, which may come from another gateway. */
  next(newest: string): string {
    const micros = this.options.clock();
    const now = timeText(micros);
    if (now > this.#last) this.#last = now;
    this.#watchJump(micros / 1_000);
    this.#watchAhead(micros / 1_000, newest > this.#last ? newest : this.#last);
    return this.#last;
  }

  #watchJump(clockMs: number): void {
    const { log, alarm, monotonicMs: monotonic = () => performance.now() } = this.options;
    const last = this.#seen;
    this.#seen = { clockMs, monotonicMs: monotonic() };
    if (last === undefined) return;
    const jumpMs = clockMs - last.clockMs - (this.#seen.monotonicMs - last.monotonicMs);
    if (jumpMs <= MAX_JUMP_MS) return;
    alarm(
      `The clock went ${hours(jumpMs)} forward between two requests to the log ${log}. If that is wrong, all later entries get a wrong time until the clock has really come so far: check the clock.`,
      "WRONG_CLOCK",
    );
  }

  #watchAhead(clockMs: number, newest: string): void {
    const { log, alarm, note } = this.options;
    const aheadMs = aheadOf(clockMs, newest);
    if (aheadMs > MAX_AHEAD_MS && !this.#isAhead) {
      this.#isAhead = true;
      alarm(
        `The newest entry of the log ${log} is ${hours(aheadMs)} ahead of this gateway's clock, and so will all later entries be until the clock has come so far: check the clocks of all gateways.`,
        "WRONG_CLOCK",
      );
    } else if (aheadMs === 0 && this.#isAhead) {
      this.#isAhead = false;
      note(`The clock has come as far as the newest entry of the log ${log}.`);
    }
  }
}

function hours(ms: number): string {
  return `${(ms / HOUR_MS).toFixed(1)} h`;
}
