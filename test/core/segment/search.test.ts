import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { utf8, nobleSha256 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import type { SegmentFilter } from "../../../src/core/segment/filter.js";
import { columnOf, compareBytes, KEY_COLUMNS } from "../../../src/core/segment/format.js";
import { sortKey } from "../../../src/core/segment/group.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { SegmentReader } from "../../../src/core/segment/read.js";
import { countMatches, matchingLeaves, type Segments } from "../../../src/core/segment/search.js";
import { leavesByKey, leavesByTime } from "./sorted-leaves.js";
import { baseSegments, entryAt, groupOf } from "./corpus.js";
import { filtersOver } from "./filters.js";
import { matchesPlainly, plainEntry, plainTime, plainValue, type PlainEntry } from "./plain-matcher.js";

const SEED = 20_261_129;
const SIZE = 4_096 + 2 * 256;

let entries: readonly PlainEntry[] = [];
/** Microseconds since 1970, -Infinity where there is no time. */
let times: readonly number[] = [];
let segments: Segments = { readers: [], sha256: nobleSha256 };

beforeAll(() => {
  entries = Array.from({ length: SIZE }, (_, leaf) => plainEntry(entryAt(leaf)));
  times = entries.map((entry) => {
    const time = plainTime(entry);
    return time === undefined ? -Infinity : time.epochMs * 1_000 + time.micros;
  });
  const built = [buildSegment(groupOf(0), 1), ...baseSegments(groupOf(1, 2 * 256))];
  segments = { readers: built.map((segment) => new SegmentReader(memorySource(segment))), sha256: nobleSha256 };
});

const query = fc.record({
  filter: filtersOver(SIZE),
  range: fc.tuple(fc.nat(SIZE), fc.nat(SIZE)).map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) })),
  descending: fc.boolean(),
});

describe(`segments, compared with a plain matcher (seed ${SEED})`, () => {
  test("find what it finds, in both orders, in any range, and count it", () => {
    fc.assert(
      fc.property(query, (asked) => {
        const wanted = plainly(asked.filter, asked.range);
        const found = [...matchingLeaves(segments, asked)];
        expect(found).toEqual(asked.descending ? wanted.reverse() : wanted);
        expect(countMatches(segments, asked)).toBe(found.length);
      }),
      { numRuns: 150, seed: SEED },
    );
  });

  test("sort what it finds by each column of keys", () => {
    fc.assert(
      fc.property(query, fc.constantFrom(...KEY_COLUMNS), (asked, name) => {
        const key = (leaf: number): Uint8Array => sortKey(utf8(plainValue(entries[leaf] ?? nothing(), name) ?? ""));
        const wanted = plainly(asked.filter, asked.range).sort((a, b) => compareBytes(key(a), key(b)) || a - b);
        const found = [...leavesByKey(segments, asked, { column: columnOf(name) ?? -1, keyOf: key })];
        expect(found).toEqual(asked.descending ? wanted.reverse() : wanted);
      }),
      { numRuns: 30, seed: SEED },
    );
  });

  test("sort what it finds by the event's own time", () => {
    fc.assert(
      fc.property(query, (asked) => {
        const time = (leaf: number): number => times[leaf] ?? nothing();
        const order = (a: number, b: number): number => (time(a) === time(b) ? a - b : time(a) - time(b));
        const wanted = plainly(asked.filter, asked.range).sort(order);
        expect([...leavesByTime(segments, asked)]).toEqual(asked.descending ? wanted.reverse() : wanted);
      }),
      { numRuns: 30, seed: SEED },
    );
  });
});

describe("a search over segments", () => {
  const all = { filter: { kind: "all" as const }, range: { start: 0, end: SIZE }, descending: true };

  test("refuses a gap, an overlap and an end that is too early, before it counts", () => {
    const { readers, sha256 } = segments;
    const without = (place: number): Segments => ({ readers: readers.filter((_, i) => i !== place), sha256 });
    for (const place of [0, 1, 2]) expect(() => countMatches(without(place), all)).toThrow(RangeError);
    const twice = { readers: [...readers.slice(0, 2), ...readers.slice(1)], sha256 };
    expect(() => countMatches(twice, all)).toThrow("must tile");
  });

  test("reads no block of a piece that the other side of an AND excludes", () => {
    const segment = buildSegment(groupOf(0), 1);
    const source = memorySource(segment);
    const readBy = (filter: SegmentFilter): number => {
      const read = new Set<number>();
      const reader = new SegmentReader({
        block: (number) => (read.add(number), source.block(number)),
        locate: (term) => source.locate(term),
      });
      const range = { start: 0, end: 4_096 };
      countMatches({ readers: [reader], sha256: nobleSha256 }, { filter, range, descending: false });
      return [...read].filter((number) => number > reader.header.dictionaryBlocks).length;
    };
    const common: SegmentFilter = { kind: "phrase", field: "message", words: ["logged", "in"], prefix: false };
    const absent: SegmentFilter = { kind: "exact", field: "actor", value: "nobody" };
    expect(readBy(common)).toBeGreaterThan(2);
    expect(readBy({ kind: "and", filters: [common, absent] })).toBe(0);
  });
});

function plainly(filter: SegmentFilter, range: { readonly start: number; readonly end: number }): number[] {
  const found: number[] = [];
  for (let leaf = range.start; leaf < range.end; leaf++)
    if (matchesPlainly(filter, entries[leaf] ?? nothing())) found.push(leaf);
  return found;
}

function nothing(): never {
  throw new Error("no such entry");
}
