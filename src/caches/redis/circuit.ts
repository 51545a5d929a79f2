export interface CircuitOptions {
  /** Consecutive failures after which calls no longer try. */
  readonly maxFailures: number;
  /** How long no call tries; then one does, and its outcome decides. */
  readonly pauseMs: number;
  /** Called when the circuit opens, and after each later try that failed. */
  readonly onOpen: () => void;
  /** Called when a try succeeded after the circuit had been open. */
  readonly onClosed: () => void;
}

/**
 * Spares callers a wait that has just failed for others: a dead server costs a few timeouts a second, not one per call.
 */
export class Circuit {
  #failures = 0;
  #closedAgainAtMs = 0;

  constructor(private readonly options: CircuitOptions) {}

  /** The task's result; undefined when it failed or was not tried. */
  async run<T>(task: () => Promise<T>): Promise<T | undefined> {
    if (!this.#mayTry()) return undefined;
    try {
      const result = await task();
      this.#succeeded();
      return result;
    } catch {
      this.#failed();
      return undefined;
    }
  }

  #mayTry(): boolean {
    if (this.#failures < this.options.maxFailures) return true;
    if (performance.now() < this.#closedAgainAtMs) return false;
    this.#pause(); // others wait for this one's outcome, not beside it
    return true;
  }

  #succeeded(): void {
    if (this.#failures >= this.options.maxFailures) this.options.onClosed();
    this.#failures = 0;
  }

  #failed(): void {
    this.#failures += 1;
    if (this.#failures < this.options.maxFailures) return;
    this.#pause();
    this.options.onOpen();
  }

  #pause(): void {
    this.#closedAgainAtMs = performance.now() + this.options.pauseMs;
  }
}
