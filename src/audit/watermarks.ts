interface Waiter {
  readonly log: string;
  readonly size: number;
  readonly settle: (reached: boolean) => void;
}

/** How far each log is indexed, and who waits for more: for an index that follows the log inside this process. */
export class Watermarks {
  readonly #sizes = new Map<string, number>();
  readonly #waiters = new Set<Waiter>();
  #closed = false;

  size(log: string): number {
    return this.#sizes.get(log) ?? 0;
  }

  covers(log: string, size: number): boolean {
    return this.size(log) >= size;
  }

  /** Resolves true once the log is indexed up to `size`, false after `timeoutMs`. */
  reached(log: string, size: number, timeoutMs: number): Promise<boolean> {
    if (this.#closed || this.covers(log, size)) return Promise.resolve(this.covers(log, size));
    return new Promise((resolve) => {
      const settle = (reached: boolean): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve(reached);
      };
      const timer = setTimeout(settle, timeoutMs, false);
      const waiter = { log, size, settle };
      this.#waiters.add(waiter);
    });
  }

  advance(log: string, size: number): void {
    this.#sizes.set(log, size);
    for (const waiter of this.#waiters) if (this.covers(waiter.log, waiter.size)) waiter.settle(true);
  }

  /** The index starts over; waiting callers keep waiting. */
  reset(): void {
    this.#sizes.clear();
  }

  /** Nothing more will be indexed: all waiting, now or later, ends with false. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters) waiter.settle(false);
  }
}
