import { describe, expect, test } from "@jest/globals";
import type { SegmentId } from "../../../src/core/segment/format.js";
import { dueAt } from "../../../src/core/segment/index-log.js";
import { namedAt, namedCount, segmentsNamed, withoutCovered } from "../../../src/core/segment/named-segments.js";
import { leavesOf } from "../../../src/core/segment/search.js";

const nameOf = ({ level, number }: SegmentId): string => `${level}/${number}`;
/** By the records themselves, one after the other. */
function due(from: number, to: number): readonly SegmentId[] {
  return Array.from({ length: to - from }, (_, place) => dueAt(from + place)).flat();
}
/** Those of some segments that lie below none of the others. */
function uncovered(segments: readonly SegmentId[]): readonly SegmentId[] {
  const names = new Set(segments.map(nameOf));
  const isCovered = ({ level, number }: SegmentId): boolean =>
    level < 4 &&
    (names.has(`${level + 1}/${Math.floor(number / 16)}`) ||
      isCovered({ level: level + 1, number: Math.floor(number / 16) }));
  return segments.filter((id) => !isCovered(id));
}

/** Around the bases at which segments of levels 1, 2 and 3 are due. */
const SIZES = [0, 1, 15, 16, 17, 18, 32, 33, 100, 271, 272, 273, 289, 600, 4_351, 4_352, 4_360];

describe("the segments that records name", () => {
  test("are counted and found by place, each once", () => {
    for (const size of SIZES) {
      expect(namedCount(size)).toBe(due(0, size).length);
      const found = Array.from({ length: namedCount(size) }, (_, place) => nameOf(namedAt(place, size)));
      expect(found.toSorted()).toEqual(due(0, size).map(nameOf).toSorted());
    }
  });

  test("from one size to another are those of these records, without what lies below others, by their leaves", () => {
    for (const from of SIZES)
      for (const to of SIZES.filter((size) => size >= from)) {
        const all = due(from, to);
        const tops = uncovered(all);
        const found = segmentsNamed(from, to);
        expect([from, to, found.map(nameOf).toSorted()]).toEqual([from, to, tops.map(nameOf).toSorted()]);
        expect(
          found.every((id, place) => place === 0 || leavesOf(id).start >= leavesOf(found[place - 1] ?? id).end),
        ).toBe(true);
        expect(withoutCovered(all)).toEqual(found);
      }
  });

  test("reach level 4, where a record that is due names it", () => {
    const size = 65_536 + 4_096;
    expect(segmentsNamed(0, size).slice(0, 2)).toEqual([
      { level: 4, number: 0 },
      { level: 2, number: 256 },
    ]);
    expect(namedAt(namedCount(size) - 1, size)).toEqual({ level: 4, number: 0 });
    expect(segmentsNamed(size - 1, size)).toEqual([{ level: 4, number: 0 }, ...segmentsNamed(size - 1, size).slice(1)]);
  });
});
