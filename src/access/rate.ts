import { LRUCache } from "lru-cache";
import { AuditError } from "../audit/errors.js";

export interface EventRateSettings {
  /** How many events a credential may log at once after a pause. */
  readonly capacity: number;
  /** How many it may log over time. */
  readonly eventsPerSecond: number;
}

/** A credential that paused long enough is forgotten without loss, so only the busiest of very many gain by this bound. */
const MAX_CREDENTIALS = 10_000;

/** Limits how many events each credential logs, by a token bucket: events count, not requests. In this process alone. */
export class EventRate {
  /** When a credential's bucket will be full again: all that a bucket needs to know (ITU-T I.371, the GCRA). */
  private readonly fullAtMs = new LRUCache<string, number>({ max: MAX_CREDENTIALS });
  private readonly msPerEvent: number;

  /** `now` is a clock in milliseconds that does not go back. */
  constructor(
    private readonly settings: EventRateSettings,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.msPerEvent = 1_000 / settings.eventsPerSecond;
  }

  /**
   * Counts events against a credential. Throws AuditError RATE_LIMITED, nothing counted, when they are too many now.
   * A request larger than the capacity waits for a full bucket, or it could never be let through, and is paid off after.
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
    return new AuditError("RATE_LIMITED", `the credential may log ${limits}: try again later`, { retryAfterMs });
  }
}
