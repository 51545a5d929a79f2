import {
  calendarInstant,
  instantOf,
  instantText,
  monthsBefore,
  type Instant,
  type InstantRange,
} from "../core/instant.js";
import type { FieldProblem } from "../core/json.js";
import { eventTime } from "../core/segment/event-time.js";
import { excerpt } from "./excerpt.js";

/** A window of time, [start, end). Each text is an RFC 3339 time or relative to now (`7d`, `120min`). */
export interface TimeWindow {
  readonly start?: string;
  readonly end?: string;
  /** A relative time, in place of start and end: the window from then until now. */
  readonly last?: string;
  /** Which of an entry's times: receivedAt, which is the default, or the event's own. */
  readonly of?: "received_at" | "timestamp";
}

/** A window's bounds as texts: RFC 3339 UTC with six fractional digits and `Z`. */
export interface WindowBounds {
  readonly start: string | undefined;
  readonly end: string | undefined;
}

export type WindowResolution =
  | { readonly kind: "resolved"; readonly bounds: WindowBounds }
  | { readonly kind: "invalid"; readonly problems: readonly FieldProblem[] };

export type ParsedTime =
  | { readonly kind: "time"; readonly receivedAt: string }
  | { readonly kind: "invalid"; readonly expected: string; readonly got: string };

const MAX_TIME_CHARACTERS = 128;

const BACK_FROM_NOW = "a time back from now such as 7d, 120min or 2months";
const TIME = `an RFC 3339 time such as 2026-01-31T09:00:00Z, or ${BACK_FROM_NOW}`;

/**
 * The Pangea protocol's pattern: RFC 3339, but parts may have one digit and the zone may be missing, which means UTC.
 */
const TIMESTAMP =
  /^(\d{4})-(\d{1,2})-(\d{1,2})[Tt ](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{1,2})(?::(\d{2}))?)?$/;

const DURATION = /^(\d+)([a-z]+)$/;

const MS_PER_SECOND = 1_000;
const MS_PER_UNIT = new Map([
  ...named(["s", "sec", "secs", "second", "seconds"], MS_PER_SECOND),
  ...named(["mi", "min", "mins", "minute", "minutes"], 60 * MS_PER_SECOND),
  ...named(["h", "hour", "hr", "hrs", "hours"], 3_600 * MS_PER_SECOND),
  ...named(["d", "da", "day", "days"], 86_400 * MS_PER_SECOND),
  ...named(["w", "week", "weeks"], 7 * 86_400 * MS_PER_SECOND),
]);
const MONTHS_PER_UNIT = new Map([...named(["mo", "mon", "month", "months"], 1), ...named(["y", "year", "years"], 12)]);

/**
 * Parses an RFC 3339 or relative time. `nowMicros`, microseconds since 1970, is what a relative time counts back from.
 */
export function parseTime(text: string, nowMicros: number): ParsedTime {
  return asTime(text, TIME, () => timestamp(text) ?? backFromNow(text, nowMicros));
}

const DAY = /^\d{4}-\d\d-\d\d$/;
const MS_PER_DAY = 86_400_000;

/** A written time, or a day of UTC, from its beginning to its end; undefined for anything else. */
export function writtenTime(text: string): { readonly start: Instant; readonly end: Instant } | undefined {
  const start = eventTime(DAY.test(text) ? `${text}T00:00:00Z` : text);
  if (start === undefined || !text.includes("-", 1)) return undefined;
  if (DAY.test(text)) return { start, end: { epochMs: start.epochMs + MS_PER_DAY, micros: 0 } };
  return {
    start,
    end: start.micros < 999 ? { ...start, micros: start.micros + 1 } : { epochMs: start.epochMs + 1, micros: 0 },
  };
}

/** A window's bounds as instants. */
export function instantRange({ start, end }: WindowBounds): InstantRange {
  const instant = (text: string | undefined): Instant | undefined => (text === undefined ? undefined : eventTime(text));
  return { start: instant(start), end: instant(end) };
}

/** Resolves a window's times; reports every bad one below `path`. */
export function resolveWindow(window: TimeWindow, nowMicros: number, path = "window"): WindowResolution {
  const { start, end, last } = window;
  const times = {
    start: start === undefined ? undefined : parseTime(start, nowMicros),
    end: end === undefined ? undefined : parseTime(end, nowMicros),
    last: last === undefined ? undefined : asTime(last, BACK_FROM_NOW, () => backFromNow(last, nowMicros)),
  };
  const problems = [...badTimes(times, path), ...contradictions(times, path)];
  if (problems.length > 0) return { kind: "invalid", problems };
  return { kind: "resolved", bounds: { start: receivedAt(times.start ?? times.last), end: receivedAt(times.end) } };
}

interface WindowTimes {
  readonly start: ParsedTime | undefined;
  readonly end: ParsedTime | undefined;
  readonly last: ParsedTime | undefined;
}

function badTimes(times: WindowTimes, path: string): readonly FieldProblem[] {
  return Object.entries(times).flatMap(([name, time]: [string, ParsedTime | undefined]) =>
    time?.kind === "invalid" ? [{ path: `${path}.${name}`, expected: time.expected, got: time.got }] : [],
  );
}

function contradictions({ start, end, last }: WindowTimes, path: string): readonly FieldProblem[] {
  if (last !== undefined && (start !== undefined || end !== undefined))
    return [{ path: `${path}.last`, expected: "last alone, or start and end without it", got: "both" }];
  const [from, to] = [receivedAt(start), receivedAt(end)];
  if (from === undefined || to === undefined || from <= to) return [];
  return [{ path: `${path}.end`, expected: `a time not before the start, ${from}`, got: to }];
}

function receivedAt(time: ParsedTime | undefined): string | undefined {
  return time?.kind === "time" ? time.receivedAt : undefined;
}

function asTime(text: string, expected: string, read: () => Instant | "impossible" | undefined): ParsedTime {
  const got = excerpt(text);
  const instant = text.length > MAX_TIME_CHARACTERS ? undefined : read();
  if (instant === undefined) return { kind: "invalid", expected, got };
  if (instant === "impossible") return { kind: "invalid", expected: "a date and time that exist", got };
  const found = instantText(instant);
  if (found === undefined) return { kind: "invalid", expected: "a time in the years 0000 to 9999", got };
  return { kind: "time", receivedAt: found };
}

function timestamp(text: string): Instant | "impossible" | undefined {
  const parts = TIMESTAMP.exec(text);
  if (parts === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  const [fraction = "", sign, zoneHours = "0", zoneMinutes = "0"] = parts.slice(7);
  if (Number(zoneHours) > 23 || Number(zoneMinutes) > 59) return "impossible";
  const distance = Number(zoneHours) * 60 + Number(zoneMinutes);
  const offsetMinutes = sign === "-" ? -distance : distance;
  const micros = fractionMicros(fraction);
  return calendarInstant({ year, month, day, hour, minute, second, micros, offsetMinutes }) ?? "impossible";
}

/** Finer digits round up: receivedAt is in whole microseconds, so the same entries lie within both bounds. */
function fractionMicros(digits: string): number {
  const micros = Number(digits.slice(0, 6).padEnd(6, "0"));
  return /[1-9]/.test(digits.slice(6)) ? micros + 1 : micros;
}

function backFromNow(text: string, nowMicros: number): Instant | undefined {
  const [, count, unit = ""] = DURATION.exec(text) ?? [];
  const [ms, months] = [MS_PER_UNIT.get(unit), MONTHS_PER_UNIT.get(unit)];
  const now = instantOf(nowMicros);
  if (ms !== undefined) return { epochMs: now.epochMs - Number(count) * ms, micros: now.micros };
  return months === undefined ? undefined : monthsBefore(now, Number(count) * months);
}

function named(names: readonly string[], amount: number): readonly (readonly [string, number])[] {
  return names.map((name) => [name, amount]);
}
