import type { Alarm } from "../../audit/alarm.js";
import { aheadOf } from "../../core/instant.js";
import { timeText, type Clock } from "../../audit/clock.js";

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
