import { setImmediate as others } from "node:timers/promises";

/** How long a search may hold the event loop. */
const STEP_MS = 10;

/** Work in steps: others run between them, and it ends when its signal aborts. */
export class Steps {
  #since = performance.now();

  constructor(private readonly signal?: AbortSignal) {}

  /** Called between two pieces of work of at most some milliseconds. Rejects with the signal's reason once it aborts. */
  async pause(): Promise<void> {
    if (performance.now() - this.#since > STEP_MS) {
      await others();
      this.#since = performance.now();
    }
    this.signal?.throwIfAborted();
  }
}
