import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { calendarInstant, instantOf, instantText, monthsBefore, timeText } from "../../src/core/instant.js";

const time = { year: 2026, month: 1, day: 31, hour: 9, minute: 0, second: 0, micros: 0, offsetMinutes: 0 };

const textOf = (changes: Partial<typeof time>): string | undefined => {
  const instant = calendarInstant({ ...time, ...changes });
  return instant && instantText(instant);
};

describe("the text of a time", () => {
  test.each([
    [0, "1970-01-01T00:00:00.000000Z"],
    [-1, "1969-12-31T23:59:59.999999Z"],
    [1_767_225_600_123_456, "2026-01-01T00:00:00.123456Z"],
    [Number.MAX_SAFE_INTEGER, "2255-06-05T23:47:34.740991Z"],
  ])("of %i microseconds is %s", (micros, text) => {
    expect(timeText(micros)).toBe(text);
  });

  test("sorts as the time does", () => {
    const micros = fc.integer({ min: -9e15, max: 9e15 });
    fc.assert(fc.property(micros, micros, (a, b) => timeText(a) < timeText(b) === a < b));
  });

  test("ends with the years 0000 and 9999", () => {
    expect(instantText({ epochMs: -62_167_219_200_000, micros: 0 })).toBe("0000-01-01T00:00:00.000000Z");
    expect(instantText({ epochMs: 253_402_300_799_999, micros: 999 })).toBe("9999-12-31T23:59:59.999999Z");
    expect(instantText({ epochMs: -62_167_219_200_001, micros: 999 })).toBeUndefined();
    expect(instantText({ epochMs: 253_402_300_800_000, micros: 0 })).toBeUndefined();
    expect(instantText({ epochMs: NaN, micros: 0 })).toBeUndefined();
    expect(() => timeText(NaN)).toThrow(RangeError);
  });
});

describe("a calendar time", () => {
  test.each([
    [{}, "2026-01-31T09:00:00.000000Z"],
    [{ micros: 1 }, "2026-01-31T09:00:00.000001Z"],
    [{ micros: 1_000_000 }, "2026-01-31T09:00:01.000000Z"],
    [{ offsetMinutes: 570 }, "2026-01-30T23:30:00.000000Z"],
    [{ offsetMinutes: -900 }, "2026-02-01T00:00:00.000000Z"],
    [{ year: 2024, month: 2, day: 29 }, "2024-02-29T09:00:00.000000Z"],
    [{ year: 0, month: 2, day: 29 }, "0000-02-29T09:00:00.000000Z"],
    [{ year: 99 }, "0099-01-31T09:00:00.000000Z"],
  ])("with %j is %s", (changes, text) => {
    expect(textOf(changes)).toBe(text);
  });

  test.each([
    { month: 2, day: 29 },
    { year: 1900, month: 2, day: 29 },
    { month: 4, day: 31 },
    { month: 0 },
    { month: 13 },
    { day: 0 },
    { day: 32 },
    { hour: 24 },
    { minute: 60 },
    { second: 60 },
  ])("with %j does not exist", (changes) => {
    expect(textOf(changes)).toBeUndefined();
  });
});

describe("months before a time", () => {
  test.each([
    ["2026-03-31", 1, "2026-02-28"],
    ["2024-03-31", 1, "2024-02-29"],
    ["2026-03-30", 0, "2026-03-30"],
    ["2026-01-15", 1, "2025-12-15"],
    ["2026-01-31", 13, "2024-12-31"],
    ["2024-02-29", 12, "2023-02-28"],
    ["2024-02-29", 48, "2020-02-29"],
    ["2026-07-31", 1, "2026-06-30"],
  ])("%s, %i of them, are %s", (from, months, expected) => {
    const instant = instantOf(Date.parse(`${from}T23:59:59.123Z`) * 1000 + 456);
    expect(instantText(monthsBefore(instant, months))).toBe(`${expected}T23:59:59.123456Z`);
  });
});
