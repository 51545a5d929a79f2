export { timeText } from "../core/instant.js";

/** Microseconds since 1970-01-01T00:00:00Z, an integer. May jump in both directions: nothing relies on its order. */
export type Clock = () => number;

const MICROS_PER_MS = 1000;

/**
 * The machine's clock in microseconds. The millisecond is the system's own, so a correction of the clock takes effect
 * at once; microseconds are counted from the moment a millisecond was first seen.
 */
export function systemClock(): Clock {
  let millisecond = 0;
  let seenAtMs = 0;
  return () => {
    const now = Date.now();
    if (now !== millisecond) {
      millisecond = now;
      seenAtMs = performance.now();
    }
    const micros = Math.floor((performance.now() - seenAtMs) * MICROS_PER_MS);
    return now * MICROS_PER_MS + Math.min(micros, MICROS_PER_MS - 1);
  };
}
