import { calendarInstant, type Instant } from "../instant.js";

/** 0000-01-01T00:00:00Z and the end of 9999, in milliseconds since 1970: the range of RFC 3339. */
export const FIRST_MS = -62_167_219_200_000;
export const LAST_MS = 253_402_300_799_999;

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:[Zz]|([+-])(\d\d):?(\d\d)?)?$/;
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?$/;
/** The most digits of a whole number of seconds, milliseconds, microseconds since 1970; more are nanoseconds. */
const MAX_SECONDS_DIGITS = 11;
const MAX_MILLIS_DIGITS = 14;
const MAX_MICROS_DIGITS = 17;
const MAX_NUMBER_CHARACTERS = 40;

/**
 * The instant of an event's `timestamp`, given as text: RFC 3339, in which seconds and zone may be left out (which means
 * UTC), or a decimal number since 1970, whose digits say of what: up to 11 of seconds, 14 of milliseconds, 17 of
 * microseconds, else of nanoseconds. What is beyond a microsecond is cut off. Undefined for anything else.
 */
export function eventTime(text: string): Instant | undefined {
  const instant = text.length > MAX_NUMBER_CHARACTERS ? undefined : (written(text) ?? counted(text));
  return instant !== undefined && instant.epochMs >= FIRST_MS && instant.epochMs <= LAST_MS ? instant : undefined;
}

/** Whether a text is a time as RFC 3339 writes it, with seconds and a zone. */
export function isRfc3339(text: string): boolean {
  const found = text.length > MAX_NUMBER_CHARACTERS ? null : RFC_3339.exec(text);
  return found?.[6] !== undefined && /(?:z|:\d\d)$/i.test(text) && eventTime(text) !== undefined;
}

function written(text: string): Instant | undefined {
  const found = RFC_3339.exec(text);
  if (found === null) return undefined;
  const part = (place: number): number => Number(found[place] ?? 0);
  const [zoneHours, zoneMinutes] = [part(9), part(10)];
  if (zoneHours > 23 || zoneMinutes > 59) return undefined;
  const offsetMinutes = (found[8] === "-" ? -1 : 1) * (60 * zoneHours + zoneMinutes);
  const micros = Number((found[7] ?? "").slice(0, 6).padEnd(6, "0"));
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  return calendarInstant({ year, month, day, hour, minute, second, micros, offsetMinutes });
}

function counted(text: string): Instant | undefined {
  const found = NUMBER.exec(text);
  if (found === null) return undefined;
  const [, sign, whole = "", fraction = ""] = found;
  const shift = microsDigits(whole.length);
  const digits = shift >= 0 ? whole + fraction.slice(0, shift).padEnd(shift, "0") : whole.slice(0, shift);
  const magnitude = BigInt(digits);
  const micros = sign === "-" ? -magnitude : magnitude;
  const below = ((micros % 1_000n) + 1_000n) % 1_000n;
  return { epochMs: Number((micros - below) / 1_000n), micros: Number(below) };
}

/** By how many digits such a number must be longer to be of microseconds. */
function microsDigits(length: number): number {
  if (length <= MAX_SECONDS_DIGITS) return 6;
  if (length <= MAX_MILLIS_DIGITS) return 3;
  return length <= MAX_MICROS_DIGITS ? 0 : -3;
}
