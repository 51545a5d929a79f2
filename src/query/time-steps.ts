import { LAST_MS } from "../core/segment/event-time.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** 1970-01-01 was a Thursday. */
const MONDAY = 4 * DAY;
const MONTHS_PER_YEAR = 12;

/** How a calendar or a clock is divided: milliseconds since 1970 of the step that holds a time, and of the next one. */
interface Step {
  begin(ms: number): number;
  next(begin: number): number;
}

const LENGTHS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  DAY,
];

/** From the shortest to the longest. */
const STEPS: readonly Step[] = [
  ...LENGTHS.map((length) => ofLength(length, 0)),
  ofLength(WEEK, MONDAY),
  ...[1, 3, 6].map(ofMonths),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000].map((years) => ofMonths(years * MONTHS_PER_YEAR)),
];

/**
 * Divides the time from `from` to `to`, both included and in milliseconds since 1970, into at most `most` steps of one
 * round length, the shortest that does: from milliseconds through hours and days of UTC, weeks from Monday, months, to
 * years. Returns where each begins and the last one ends, rising; the first may begin before `from`.
 */
export function timeSteps(from: number, to: number, most: number): readonly number[] {
  for (const step of STEPS) {
    const limits = limitsOf(step, { from, to, most });
    if (limits !== undefined) return limits;
  }
  return [from, to + 1];
}

function limitsOf(
  step: Step,
  { from, to, most }: { readonly from: number; readonly to: number; readonly most: number },
): readonly number[] | undefined {
  const limits = [step.begin(from)];
  for (let last = limits[0] ?? from; last <= to; limits.push(last)) {
    if (limits.length > most) return undefined;
    last = Math.min(step.next(last), LAST_MS + 1);
  }
  return limits;
}

function ofLength(length: number, offset: number): Step {
  return {
    begin: (ms) => Math.floor((ms - offset) / length) * length + offset,
    next: (begin) => begin + length,
  };
}

function ofMonths(months: number): Step {
  const begin = (count: number): number => {
    const date = new Date(0);
    date.setUTCFullYear(0, count * months, 1);
    return date.getTime();
  };
  const count = (ms: number): number => {
    const date = new Date(ms);
    return Math.floor((date.getUTCFullYear() * MONTHS_PER_YEAR + date.getUTCMonth()) / months);
  };
  return { begin: (ms) => begin(count(ms)), next: (ms) => begin(count(ms) + 1) };
}
