/**
 * A moment in UTC: whole milliseconds since 1970 and the microseconds beyond them, 0 to 999.
 * Two numbers, because one number of microseconds loses digits after the year 2255.
 */
export interface Instant {
  readonly epochMs: number;
  readonly micros: number;
}

/** A calendar date and time of day as written, month and day counted from 1, with its offset from UTC. */
export interface CalendarTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Microseconds within the second, 0 to 1,000,000. */
  readonly micros: number;
  /** Minutes by which the written time is ahead of UTC. */
  readonly offsetMinutes: number;
}

/** From `start` up to but not including `end`; undefined for a side without a bound. */
export interface InstantRange {
  readonly start: Instant | undefined;
  readonly end: Instant | undefined;
}

const MICROS_PER_MS = 1_000;
const MS_PER_MINUTE = 60_000;
/** 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: the range of RFC 3339. */
const FIRST_MS = -62_167_219_200_000;
const LAST_MS = 253_402_300_799_999;

/**
 * RFC 3339 UTC with six fractional digits and `Z`, which sorts as text in time order. `micros`: integer, since 1970.
 * Throws a RangeError outside the years 0000 to 9999.
 */
export function timeText(micros: number): string {
  const text = instantText(instantOf(micros));
  if (text === undefined) throw new RangeError(`no time in the years 0000 to 9999: ${micros} microseconds`);
  return text;
}

/** The instant of an integer number of microseconds since 1970. */
export function instantOf(micros: number): Instant {
  const epochMs = Math.floor(micros / MICROS_PER_MS);
  return { epochMs, micros: micros - epochMs * MICROS_PER_MS };
}

export function isWithin(instant: Instant, { start, end }: InstantRange): boolean {
  return (start === undefined || !isBefore(instant, start)) && (end === undefined || isBefore(instant, end));
}

function isBefore(a: Instant, b: Instant): boolean {
  return a.epochMs === b.epochMs ? a.micros < b.micros : a.epochMs < b.epochMs;
}

/** An instant as such text; undefined outside the years 0000 to 9999. */
export function instantText({ epochMs, micros }: Instant): string | undefined {
  if (!(epochMs >= FIRST_MS && epochMs <= LAST_MS)) return undefined;
  return `${new Date(epochMs).toISOString().slice(0, -1)}${String(micros).padStart(3, "0")}Z`;
}

/**
 * The instant of a written time; undefined for a time that does not exist, such as 30 February, 24:00 or a leap second.
 */
export function calendarInstant(time: CalendarTime): Instant | undefined {
  if (time.hour > 23 || time.minute > 59 || time.second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(time.year, time.month - 1, time.day);
  if (date.getUTCMonth() !== time.month - 1 || date.getUTCDate() !== time.day) return undefined;
  date.setUTCHours(time.hour, time.minute, time.second);
  const { epochMs, micros } = instantOf(time.micros);
  return { epochMs: date.getTime() - time.offsetMinutes * MS_PER_MINUTE + epochMs, micros };
}

/** The same day and time of day some months earlier, in UTC; the last day of a month that is too short. */
export function monthsBefore(instant: Instant, months: number): Instant {
  const date = new Date(instant.epochMs);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() - months + 1, 0);
  date.setUTCDate(Math.min(day, date.getUTCDate()));
  return { epochMs: date.getTime(), micros: instant.micros };
}

/** How many milliseconds an entry's time is ahead of a clock; 0 when it is not. */
export function aheadOf(clockMs: number, receivedAt: string): number {
  return Math.max(0, Date.parse(receivedAt) - clockMs);
}
