/** How many appends after a conflict take the head's row lock first. */
const CAUTIOUS_APPENDS = 32;

/**
 * How a log's next append takes the head: by compare-and-swap while this gateway seems to be alone, behind the head's
 * row lock for a while after a conflict with another gateway. A swap costs one round trip, but a lost one costs a whole
 * batch sent in vain; behind the lock a conflict is known before anything is sent.
 */
export class Contention {
  readonly #cautiousAppends = new Map<string, number>();

  locksFirst(log: string): boolean {
    return this.#cautiousAppends.has(log);
  }

  conflicted(log: string): void {
    this.#cautiousAppends.set(log, CAUTIOUS_APPENDS);
  }

  appended(log: string): void {
    const left = (this.#cautiousAppends.get(log) ?? 0) - 1;
    if (left > 0) this.#cautiousAppends.set(log, left);
    else this.#cautiousAppends.delete(log);
  }
}
