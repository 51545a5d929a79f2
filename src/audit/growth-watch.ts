/** How often a store that others write to is asked whether the log has grown, while somebody waits for that. */
const POLL_MS = 1_000;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Where those wait who want to know that a log has grown. One for each log, however many wait. */
export class GrowthWatch {
  readonly #waiting = new Set<Waiter>();
  #timer: NodeJS.Timeout | undefined;

  /** `look`, if others write to the log too: asks the store, and calls `grown` if they did. */
  constructor(private readonly look?: () => Promise<void>) {}

  /** Resolves when the log has grown after this call, or when the signal aborts. Rejects when nobody can tell any more. */
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

  /** The log is longer than before. */
  grown(): void {
    for (const { resolve } of [...this.#waiting]) resolve();
  }

  /** It cannot be known whether the log grows; those who wait are told why. */
  fail(error: unknown): void {
    for (const { reject } of [...this.#waiting]) reject(error);
  }

  #enter(waiter: Waiter): void {
    this.#waiting.add(waiter);
    this.#schedule();
  }

  #leave(waiter: Waiter): void {
    this.#waiting.delete(waiter);
    if (this.#waiting.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    const { look } = this;
    if (look === undefined || this.#waiting.size === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#poll(look);
    }, POLL_MS);
  }

  async #poll(look: () => Promise<void>): Promise<void> {
    await look().catch((error: unknown) => {
      this.fail(error);
    });
    this.#schedule();
  }
}
