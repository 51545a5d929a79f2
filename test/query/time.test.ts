import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { timeText } from "../../src/core/instant.js";
import { instantRange, parseTime, resolveWindow, writtenTime } from "../../src/query/time.js";

const NOW = "2026-03-31T12:00:00.000007Z";
const nowMicros = Date.parse("2026-03-31T12:00:00Z") * 1000 + 7;

describe("a timestamp", () => {
  test.each([
    ["2026-01-31T09:00:00Z", "2026-01-31T09:00:00.000000Z"],
    ["2026-01-31t09:00:00z", "2026-01-31T09:00:00.000000Z"],
    ["2026-01-31 09:00:00Z", "2026-01-31T09:00:00.000000Z"],
    ["2026-01-31T09:00:00", "2026-01-31T09:00:00.000000Z"],
    ["2026-1-3T9:0:7", "2026-01-03T09:00:07.000000Z"],
    ["2026-01-31T09:00:00.5Z", "2026-01-31T09:00:00.500000Z"],
    ["2026-01-31T09:00:00.123456Z", "2026-01-31T09:00:00.123456Z"],
    ["2026-01-31T09:00:00.123456000Z", "2026-01-31T09:00:00.123456Z"],
    ["2026-01-31T09:00:00.123456001Z", "2026-01-31T09:00:00.123457Z"],
    ["2026-12-31T23:59:59.9999999Z", "2027-01-01T00:00:00.000000Z"],
    ["2026-01-31T09:00:00+02:00", "2026-01-31T07:00:00.000000Z"],
    ["2026-01-31T09:00:00-5", "2026-01-31T14:00:00.000000Z"],
    ["2026-01-31T09:00:00+05:30", "2026-01-31T03:30:00.000000Z"],
    ["2026-01-31T09:00:00-00:00", "2026-01-31T09:00:00.000000Z"],
    ["2026-01-31T09:00:00+23:59", "2026-01-30T09:01:00.000000Z"],
    ["2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000000Z"],
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000Z"],
  ])("%s is %s", (text, receivedAt) => {
    expect(parseTime(text, nowMicros)).toEqual({ kind: "time", receivedAt });
  });

  test("of every receivedAt is itself", () => {
    const micros = fc.integer({ min: 0, max: 9e15 });
    fc.assert(
      fc.property(micros, (some) => {
        const receivedAt = timeText(some);
        expect(parseTime(receivedAt, nowMicros)).toEqual({ kind: "time", receivedAt });
      }),
    );
  });
});

describe("a relative time", () => {
  test.each([
    [["0d", "0s", "0y"], NOW],
    [["30s", "30sec", "30secs", "30second", "30seconds"], "2026-03-31T11:59:30.000007Z"],
    [["90mi", "90min", "90mins", "90minute", "90minutes"], "2026-03-31T10:30:00.000007Z"],
    [["36h", "36hr", "36hrs", "36hour", "36hours"], "2026-03-30T00:00:00.000007Z"],
    [["7d", "7da", "7day", "7days", "007d"], "2026-03-24T12:00:00.000007Z"],
    [["2w", "2week", "2weeks"], "2026-03-17T12:00:00.000007Z"],
    [["1mo", "1mon", "1month", "1months"], "2026-02-28T12:00:00.000007Z"],
    [["2y", "2year", "2years", "24mo"], "2024-03-31T12:00:00.000007Z"],
    [["2000y"], "0026-03-31T12:00:00.000007Z"],
  ])("%j counts back from now", (texts, receivedAt) => {
    for (const text of texts) expect(parseTime(text, nowMicros)).toEqual({ kind: "time", receivedAt });
  });

  test("in days is exact days of 24 hours, whatever clocks are put forward in between", () => {
    expect(parseTime("2d", nowMicros)).toEqual({ kind: "time", receivedAt: "2026-03-29T12:00:00.000007Z" });
  });
});

const TIME = "an RFC 3339 time such as 2026-01-31T09:00:00Z, or a time back from now such as 7d, 120min or 2months";

describe("a text that is no time", () => {
  test.each(["", "now", "7", "d", "-7d", "+7d", "7 d", "1.5d", "7m", "7D", "7fortnights", "2026-01-31", "T09:00:00Z"])(
    "such as %j is refused with an example",
    (text) => {
      expect(parseTime(text, nowMicros)).toEqual({ kind: "invalid", expected: TIME, got: JSON.stringify(text) });
    },
  );

  test.each([
    "2026-01-31T09:00Z",
    "2026-01-31T09:00:00.Z",
    "26-01-31T09:00:00Z",
    "2026-01-31T09:00:00+0200",
    "2026-01-31T09:00:00Z\n",
  ])("such as %j is refused, though it resembles one", (text) => {
    expect(parseTime(text, nowMicros)).toMatchObject({ kind: "invalid", expected: TIME });
  });

  test.each([
    "2026-02-30T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-12-31T23:59:60Z",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+01:60",
  ])("such as %s is refused because it does not exist", (text) => {
    const expected = "a date and time that exist";
    expect(parseTime(text, nowMicros)).toEqual({ kind: "invalid", expected, got: JSON.stringify(text) });
  });

  test.each([
    "3000y",
    "9".repeat(100) + "d",
    "9".repeat(100) + "mo",
    "0000-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
  ])("such as %s is refused because no text can write it", (text) => {
    expect(parseTime(text, nowMicros)).toMatchObject({ kind: "invalid", expected: "a time in the years 0000 to 9999" });
  });

  test("is never one of more than 128 characters", () => {
    expect(parseTime("0".repeat(127) + "d", nowMicros).kind).toBe("time");
    expect(parseTime("0".repeat(128) + "d", nowMicros)).toMatchObject({ kind: "invalid", expected: TIME });
  });

  test("does not make it throw", () => {
    const piece = fc.constantFrom(..."0123456789-:TZ.+dmyow \0é".split(""));
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(piece, { maxLength: 40 }).map((parts) => parts.join("")),
    );
    fc.assert(fc.property(text, (some) => ["time", "invalid"].includes(parseTime(some, nowMicros).kind)));
  });
});

test("a window's bounds are instants where they are given", () => {
  const start = { epochMs: Date.parse("2026-01-31T09:00:00Z"), micros: 7 };
  expect(instantRange({ start: "2026-01-31T09:00:00.000007Z", end: undefined })).toEqual({ start, end: undefined });
  expect(instantRange({ start: undefined, end: "2026-01-31T09:00:00.000007Z" })).toEqual({
    start: undefined,
    end: start,
  });
});

test("a written time ends a microsecond after it begins, also at the end of a millisecond", () => {
  const epochMs = Date.parse("2026-01-31T09:00:00.007Z");
  const ends = ["2026-01-31T09:00:00.007998Z", "2026-01-31T09:00:00.007999Z"].map((text) => writtenTime(text)?.end);
  expect(ends).toEqual([
    { epochMs, micros: 999 },
    { epochMs: epochMs + 1, micros: 0 },
  ]);
});

describe("a window", () => {
  test.each([
    [{}, {}],
    [{ start: "7d" }, { start: "2026-03-24T12:00:00.000007Z" }],
    [{ end: "0d" }, { end: NOW }],
    [
      { start: "21d", end: "7d" },
      { start: "2026-03-10T12:00:00.000007Z", end: "2026-03-24T12:00:00.000007Z" },
    ],
    [
      { start: "2026-01-01T00:00:00Z", end: "0d" },
      { start: "2026-01-01T00:00:00.000000Z", end: NOW },
    ],
    [{ last: "120min" }, { start: "2026-03-31T10:00:00.000007Z" }],
    [
      { start: "1d", end: "1d" },
      { start: "2026-03-30T12:00:00.000007Z", end: "2026-03-30T12:00:00.000007Z" },
    ],
  ])("%j is %j", (window, resolved) => {
    expect(resolveWindow(window, nowMicros)).toEqual({ kind: "resolved", bounds: resolved });
  });

  test("names every bad time at once", () => {
    expect(resolveWindow({ start: "yesterday", end: "2026-02-30T00:00:00Z" }, nowMicros)).toEqual({
      kind: "invalid",
      problems: [
        { path: "window.start", expected: TIME, got: '"yesterday"' },
        { path: "window.end", expected: "a date and time that exist", got: '"2026-02-30T00:00:00Z"' },
      ],
    });
  });

  test("takes a relative time as last, nothing else", () => {
    expect(resolveWindow({ last: "2026-01-01T00:00:00Z" }, nowMicros)).toMatchObject({
      problems: [{ path: "window.last", expected: "a time back from now such as 7d, 120min or 2months" }],
    });
  });

  test.each([{ start: "7d" }, { end: "0d" }, { start: "7d", end: "0d" }])("refuses last beside %j", (others) => {
    expect(resolveWindow({ last: "1d", ...others }, nowMicros)).toMatchObject({
      problems: [{ path: "window.last", expected: "last alone, or start and end without it", got: "both" }],
    });
  });

  test("refuses an end before the start", () => {
    expect(resolveWindow({ start: "1d", end: "2d" }, nowMicros)).toEqual({
      kind: "invalid",
      problems: [
        {
          path: "window.end",
          expected: "a time not before the start, 2026-03-30T12:00:00.000007Z",
          got: "2026-03-29T12:00:00.000007Z",
        },
      ],
    });
  });

  test("is named as the caller's argument is", () => {
    expect(resolveWindow({ start: "x" }, nowMicros, "input")).toMatchObject({ problems: [{ path: "input.start" }] });
  });
});
