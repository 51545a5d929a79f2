import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { FIRST_MS, LAST_MS } from "../../src/core/segment/event-time.js";
import { timeSteps } from "../../src/query/time-steps.js";

const at = (text: string): number => Date.parse(text);
const iso = (limits: readonly number[]): readonly string[] => limits.map((ms) => new Date(ms).toISOString());
const spans = fc
  .tuple(
    fc.oneof(fc.integer({ min: FIRST_MS, max: LAST_MS }), fc.integer({ min: 0, max: 10_000_000 })),
    fc.oneof(fc.integer({ min: FIRST_MS, max: LAST_MS }), fc.integer({ min: 0, max: 10_000_000 })),
  )
  .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));

describe("steps of time", () => {
  test("cover what is asked for, without a gap, in at most so many", () => {
    fc.assert(
      fc.property(spans, fc.integer({ min: 1, max: 500 }), ({ from, to }, most) => {
        const limits = timeSteps(from, to, most);
        expect(limits.length - 1).toBeGreaterThanOrEqual(1);
        expect(limits.length - 1).toBeLessThanOrEqual(most);
        expect(limits[0]).toBeLessThanOrEqual(from);
        expect(limits[1]).toBeGreaterThan(from);
        expect(limits.at(-1)).toBeGreaterThan(to);
        expect(limits.at(-2)).toBeLessThanOrEqual(to);
        for (let i = 1; i < limits.length; i++) expect(limits[i]).toBeGreaterThan(limits[i - 1] ?? Infinity);
      }),
    );
  });

  test("are as short as so many of them allow", () => {
    const fewer = (most: number): number =>
      timeSteps(at("2026-01-01T00:00:00Z"), at("2026-12-31T23:59:59.999Z"), most).length - 1;
    expect([366, 365, 364, 53, 52, 12, 11, 4, 3, 2, 1].map(fewer)).toEqual([365, 365, 53, 53, 12, 12, 4, 4, 2, 2, 1]);
  });

  test.each([
    {
      are: "minutes",
      of: ["2026-01-01T10:00:30Z", "2026-01-01T10:02:59Z", 4],
      limits: ["10:00", "10:01", "10:02", "10:03"].map((time) => `2026-01-01T${time}:00.000Z`),
    },
    {
      are: "weeks from Monday",
      of: ["2026-01-01T00:00:00Z", "2026-01-14T00:00:00Z", 4],
      limits: ["2025-12-29", "2026-01-05", "2026-01-12", "2026-01-19"].map((day) => `${day}T00:00:00.000Z`),
    },
    {
      are: "months of their own lengths",
      of: ["2026-01-31T00:00:00Z", "2026-03-01T00:00:00Z", 3],
      limits: ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"].map((day) => `${day}T00:00:00.000Z`),
    },
    {
      are: "one millisecond",
      of: ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 500],
      limits: ["00:00:00.000Z", "00:00:00.001Z"].map((time) => `2026-01-01T${time}`),
    },
  ] as const)("are $are", ({ of: [from, to, most], limits }) => {
    expect(iso(timeSteps(at(from), at(to), most))).toEqual(limits);
  });
});
