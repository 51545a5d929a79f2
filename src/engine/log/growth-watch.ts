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
