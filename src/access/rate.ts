import { LRUCache } from "lru-cache";
import { AuditError } from "../audit/errors.js";

export interface EventRateSettings {
  /** How many events a credential may log at once after a pause. */
  readonly capacity: number;
  /** How many it may log on average. */
  readonly eventsPerSecond: number;
}

/**
 * A credential that paused long enough is forgotten without loss, so only among very many does anyone gain from this
 * limit.
 */
const MAX_CREDENTIALS = 10_000;

/**
 * Limits how many events each credential logs, by a token bucket that counts events, not requests. For this process
 * only.
 */
export class EventRate {
  /** When a credential's bucket will be full again: all the state that a bucket needs (ITU-T I.371, the GCRA). */
  private readonly fullAtMs = new LRUCache<string, number>({ max: MAX_CREDENTIALS });
  private readonly msPerEvent: number;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(
    private readonly settings: EventRateSettings,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.msPerEvent = 1_000 / settings.eventsPerSecond;
  }

  /**
   * Counts events against a credential. Throws AuditError RATE_LIMITED, counting nothing, when they are too many now. A
   * request larger than the capacity waits for a full bucket, because it could never pass otherwise, and is paid off
   * afterwards.
   */
  take(credential: string, count: number): void {
    const now = this.now();
    const { capacity } = this.settings;
    const fullAtMs = Math.max(now, this.fullAtMs.get(credential) ?? now);
    const retryAfterMs = fullAtMs - now - (capacity - Math.min(count, capacity)) * this.msPerEvent;
    if (retryAfterMs > 0) throw this.limited(Math.ceil(retryAfterMs));
    this.fullAtMs.set(credential, fullAtMs + count * this.msPerEvent);
  }

  private limited(retryAfterMs: number): AuditError {
    const { capacity, eventsPerSecond } = this.settings;
    const limits = `${eventsPerSecond} events a second, and ${capacity} at once`;
    return new AuditError("RATE_LIMITED", `The credential may log ${limits}: try again later.`, { retryAfterMs });
  }
}
