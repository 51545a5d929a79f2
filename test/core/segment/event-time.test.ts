import { describe, expect, test } from "@jest/globals";
import { decidingPart, edgesOf, entriesToProve, rangeOf, type Question } from "../../../src/core/segment/answer.js";
import { eventTime } from "../../../src/core/segment/event-time.js";

const at = (text: string): number => Date.parse(text);
const NEW_YEAR = at("2026-01-01T00:00:00Z");

describe("the time of an event", () => {
  test.each<[string, number, number]>([
    ["2026-01-01T00:00:00Z", NEW_YEAR, 0],
    ["2026-01-01t00:00:00z", NEW_YEAR, 0],
    ["2026-01-01 00:00", NEW_YEAR, 0],
    ["2026-01-01T00:00+00:00", NEW_YEAR, 0],
    ["2026-01-01T01:30:00+0130", NEW_YEAR, 0],
    ["2026-01-01T01:00:00+01", NEW_YEAR, 0],
    ["2025-12-31T22:29:00-01:31", NEW_YEAR, 0],
    ["2026-01-01T23:59:00+23:59", NEW_YEAR, 0],
    ["2026-01-01T00:00:00.5Z", NEW_YEAR + 500, 0],
    ["2026-01-01T00:00:00,000001Z", NEW_YEAR, 1],
    ["2026-01-01T00:00:00.1234569Z", NEW_YEAR + 123, 456],
    ["0000-01-01T00:00:00Z", at("0000-01-01T00:00:00Z"), 0],
    ["9999-12-31T23:59:59.999999Z", at("9999-12-31T23:59:59.999Z"), 999],
    ["1767225600", NEW_YEAR, 0],
    ["1767225600.25", NEW_YEAR + 250, 0],
    ["1767225600.0000019", NEW_YEAR, 1],
    ["1767225600000", NEW_YEAR, 0],
    ["1767225600000.5", NEW_YEAR, 500],
    ["1767225600000001", NEW_YEAR, 1],
    ["1767225600000000999", NEW_YEAR, 0],
    ["1767225600000001000.9", NEW_YEAR, 1],
    ["0", 0, 0],
    ["-1", -1_000, 0],
    ["-0.000001", -1, 999],
    ["-1.0015", -1_002, 500],
    ["12345678901", 12_345_678_901_000, 0], // 11 digits: seconds
    ["123456789012", 123_456_789_012, 0], // 12: milliseconds
    ["12345678901234", 12_345_678_901_234, 0], // 14
    ["123456789012345", 123_456_789_012, 345], // 15: microseconds
    ["12345678901234567", 12_345_678_901_234, 567], // 17
    ["123456789012345678", 123_456_789_012, 345], // 18: nanoseconds
    ["99999999999", 99_999_999_999_000, 0],
    ["00000000001.5", 1_500, 0],
  ])("%s is read", (text, epochMs, micros) => {
    expect(eventTime(text)).toEqual({ epochMs, micros });
  });

  test.each([
    ...["", "yesterday", "2026-01-01", "2026-01-01T00", "2026-13-01T00:00Z", "2026-02-30T00:00Z", "2026-01-01T24:00Z"],
    ...[
      "2026-01-01T00:60Z",
      "2026-01-01T00:00:60Z",
      "2026-01-01T00:00+24:00",
      "2026-01-01T00:00+00:60",
      "1e9",
      "+1",
      "1.",
    ],
    ...["0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "-99999999999", "9".repeat(41), "1".repeat(40)],
    ...["0x10", " 1", "1 ", "2026-01-01T00:00:00.Z", "12026-01-01T00:00Z"],
  ])("%j is none", (text) => {
    expect(eventTime(text)).toBeUndefined();
  });
});

describe("what of a log a question is about", () => {
  const question = (after: number | undefined, descending: boolean, isWindow = true): Question => ({
    filter: { kind: "all" },
    window: { from: isWindow ? "a" : undefined, until: isWindow ? "b" : undefined },
    after,
    descending,
    wanted: { kind: "page", limit: 1 },
  });

  test.each<[number | undefined, boolean, readonly [number, number]]>([
    [undefined, true, [10, 20]],
    [15, true, [10, 15]],
    [10, true, [10, 10]],
    [5, true, [10, 10]],
    [20, true, [10, 20]],
    [25, true, [10, 20]],
    [undefined, false, [10, 20]],
    [15, false, [16, 20]],
    [9, false, [10, 20]],
    [5, false, [10, 20]],
    [19, false, [20, 20]],
    [25, false, [20, 20]],
  ])("is behind leaf %p of its window (descending: %p)", (after, descending, [start, end]) => {
    expect(rangeOf(question(after, descending), { start: 10, end: 20 })).toEqual({ start, end });
  });

  test("has the entries beside the edges of its window, as far as there are any", () => {
    const edges = (start: number, end: number): readonly number[] =>
      edgesOf(question(undefined, true), { start, end }, 20);
    expect([edges(5, 10), edges(0, 20), edges(20, 20), edges(0, 0), edges(1, 19)]).toEqual([
      [4, 5, 9, 10],
      [0, 19],
      [19, 19],
      [0, 0],
      [0, 1, 18, 19],
    ]);
    expect(edgesOf(question(undefined, true, false), { start: 5, end: 10 }, 20)).toEqual([]);
  });

  test("is proven by the entries behind the index, and those at the edges, each once", () => {
    expect(entriesToProve({ start: 5, end: 9 }, [4, 5, 8], 7)).toEqual([4, 5, 7, 8]);
    expect(entriesToProve({ start: 5, end: 7 }, [], 7)).toEqual([]);
    expect(entriesToProve({ start: 5, end: 7 }, [6, 2], 0)).toEqual([2, 5, 6]);
  });

  test.each<[readonly number[], number, boolean, readonly [number, number]]>([
    [[], 0, true, [20, 20]],
    [[], 0, false, [10, 10]],
    [[], 1, true, [10, 20]],
    [[15], 2, false, [10, 20]],
    [[15, 12], 2, true, [12, 20]],
    [[12, 15], 2, false, [10, 16]],
  ])(
    "is decided by the part up to its last leaf, %j of at most %d (descending: %p)",
    (...[leaves, most, descending, part]) => {
      const [start, end] = part;
      expect(decidingPart(leaves, { most, range: { start: 10, end: 20 }, descending })).toEqual({ start, end });
    },
  );
});
