import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { IndexQuery } from "../../../src/audit/search-index.js";
import { FACET_FIELDS, type Facet, type FacetRequest } from "../../../src/audit/breakdown.js";
import { fieldText } from "../../../src/core/event.js";
import { eventTime, FIRST_MS } from "../../../src/core/segment/event-time.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { compareBytes } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { valueTerm } from "../../../src/core/words/words.js";
import { countLeaves, countMatches, countTimes, timesOf } from "../../../src/engine/search/counts.js";
import { partsOf, type SearchedLog } from "../../../src/engine/search/matches.js";
import { type SegmentSession } from "../../../src/engine/search/open-segment.js";
import { topValues } from "../../../src/engine/search/value-counts.js";
import type { LeafRange } from "../../../src/core/tree.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import type { Filter } from "../../../src/query/filter.js";
import {
  asked,
  events,
  makeSmallLog,
  plainly,
  readable,
  searched,
  SEED,
  SIZE,
  sought,
  type Layout,
} from "./small-log.js";

beforeAll(makeSmallLog);

const DAY = Date.UTC(2026, 0, 1);
const RUNS = { numRuns: 40, seed: SEED };
const rising = (least: number, most: number): fc.Arbitrary<readonly number[]> =>
  fc.array(fc.integer({ min: least, max: most }), { maxLength: 12 }).map((limits) => limits.sort((a, b) => a - b));

function timeOf(leaf: number): number | undefined {
  const time = events[leaf]?.timestamp;
  return time === undefined ? undefined : eventTime(fieldText(time))?.epochMs;
}

function between(values: readonly (number | undefined)[], limits: readonly number[]): readonly number[] {
  return limits.slice(1).map((end, place) => {
    const start = limits[place] ?? 0;
    return values.filter((value) => value !== undefined && value >= start && value < end).length;
  });
}

function facetOf(leaves: readonly number[], { field, first }: FacetRequest): Facet {
  const counts = new Map<string, number>();
  for (const leaf of leaves) {
    const value = events[leaf]?.[field];
    if (value !== undefined) counts.set(value, 1 + (counts.get(value) ?? 0));
  }
  const present = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const termOf = (value: string): Uint8Array => valueTerm(value, field, nodeSha256);
  const values = [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || compareBytes(termOf(a.value), termOf(b.value)))
    .slice(0, first);
  const listed = values.reduce((sum, { count }) => sum + count, 0);
  return { values, distinctCount: counts.size, otherCount: present - listed, missingCount: leaves.length - present };
}

describe(`counts of matches, wherever the entries are found (seed ${SEED})`, () => {
  test("are those of a plain scan, up to any cap", async () => {
    await fc.assert(
      fc.asyncProperty(asked, fc.integer({ min: 1, max: SIZE + 1 }), async ({ filter, range, layout }, cap) => {
        const count = plainly({ filter, range }).length;
        const read = await searched(range, layout);
        expect(await countMatches(sought(filter), cap, read)).toBe(Math.min(cap, count));
      }),
      RUNS,
    );
  });

  test("by leaves and by the events' own times are those of a plain scan", async () => {
    const limits = fc.tuple(rising(0, SIZE + 10), rising(DAY - 86_400_000, DAY + 3 * 86_400_000));
    await fc.assert(
      fc.asyncProperty(asked, limits, async ({ filter, range, layout }, [byLeaf, byTime]) => {
        const leaves = plainly({ filter, range });
        const times = leaves.map(timeOf);
        const known = times.filter((time) => time !== undefined);
        const read = await searched(range, layout);
        expect(await countLeaves(sought(filter), byLeaf, read)).toEqual(between(leaves, byLeaf));
        expect(await countTimes(sought(filter), byTime, read)).toEqual(between(times, byTime));
        const span = known.length === 0 ? undefined : { first: Math.min(...known), last: Math.max(...known) };
        expect(await timesOf(sought(filter), read)).toEqual({ span, without: times.length - known.length });
      }),
      RUNS,
    );
  });

  test("by the values of a field are those of a plain scan", async () => {
    const facets = fc.record({ field: fc.constantFrom(...FACET_FIELDS), first: fc.integer({ min: 1, max: 60 }) });
    await fc.assert(
      fc.asyncProperty(asked, facets, async ({ filter, range, layout }, wanted) => {
        const found = await topValues(sought(filter), wanted, await searched(range, layout));
        expect(found).toEqual(facetOf(plainly({ filter, range }), wanted));
      }),
      RUNS,
    );
  });
});

describe("buckets", () => {
  const all = sought({ kind: "all" });
  const LAYOUTS: readonly (readonly [string, Layout])[] = [
    ["segments", { stored: [true, true, true], recent: [] }],
    ["rows", { stored: [], recent: ["rows", "rows", "rows"] }],
  ];

  test.each(LAYOUTS)("begin with their first leaf and end before the next one's, in %s", async (_, layout) => {
    const read = await searched({ start: 0, end: 768 }, layout);
    const counts = (...limits: readonly number[]): Promise<readonly number[]> => countLeaves(all, limits, read);
    expect(await counts(0, 768)).toEqual([768]);
    expect(await counts(0, 1, 2, 255, 256, 257, 768)).toEqual([1, 1, 253, 1, 1, 511]);
    expect(await counts(767, 768, 800)).toEqual([1, 0]);
    expect(await counts(5, 5, 5, 9)).toEqual([0, 0, 4]);
    expect(await counts(300)).toEqual([]);
    expect(await counts()).toEqual([]);
  });

  test.each(LAYOUTS)("hold a time at their start, and not at their end, in %s", async (_, layout) => {
    const read = await searched({ start: 0, end: 768 }, layout);
    const times = Array.from({ length: 768 }, (_leaf, leaf) => timeOf(leaf)).filter((time) => time !== undefined);
    for (const time of times.slice(0, 20)) {
      const same = times.filter((other) => other === time).length;
      expect(await countTimes(all, [time - 1, time, time + 1], read)).toEqual([
        times.filter((other) => other === time - 1).length,
        same,
      ]);
    }
  });
});

describe("what is counted", () => {
  const all = sought({ kind: "all" });
  const FIRST = "0000-01-01T00:00:00Z";

  test("has no entry that was changed: whether it matches cannot be told", async () => {
    const read = await searched({ start: 0, end: 9 }, { stored: [], recent: [] });
    const entries: typeof read.entries = (leaves) => Promise.resolve(leaves.map(() => ({ kind: "corrupt" })));
    const may = { ...all, isMatch: () => true };
    const refused = {
      code: "ENTRY_CORRUPT",
      message: expect.stringMatching(/^Entry 0 of the log default /) as unknown,
    };
    await expect(countMatches(may, 9, { ...read, entries })).rejects.toMatchObject(refused);
  });

  test.each(["a segment", "rows"])("may be a single event, at the first of all times, in %s", async (where) => {
    const group = new Group(0, nodeSha256);
    const text = `{"event":{"message":"m","timestamp":"${FIRST}"},"received_at":"2026-01-01T00:00:00.000000Z"}`;
    group.add({ canonical: utf8(text), leafHash: nodeSha256(utf8(text)) });
    while (group.documents < 256) group.skip();
    const segments = where === "rows" ? [] : [readable(buildSegment(group, 0))];
    const read = await searched({ start: 0, end: 0 }, { stored: [], recent: [] });
    const parts = partsOf({ start: 0, end: 1 }, segments, []);
    const entries: typeof read.entries = () =>
      Promise.resolve([{ kind: "entry", entry: { canonical: text, hash: digestOf(nodeSha256(utf8(text))) } }]);
    expect(await timesOf(all, { ...read, parts, entries })).toEqual({
      span: { first: FIRST_MS, last: FIRST_MS },
      without: 0,
    });
    expect(await countTimes(all, [FIRST_MS, FIRST_MS + 1], { ...read, parts, entries })).toEqual([1]);
  });

  /** What is searched of the first segment, and how often it was read. */
  async function counted(
    range: LeafRange,
    count: (read: SearchedLog) => Promise<unknown>,
  ): Promise<{ readonly found: unknown; readonly reads: number }> {
    let reads = 0;
    const { parts, ...read } = await searched(range, { stored: [true], recent: [] });
    const seen = parts.map((part) => {
      if (part.kind !== "segment") return part;
      const session = (): SegmentSession => {
        const one = part.segment.session();
        return { read: (run) => ((reads += 1), one.read(run)) };
      };
      return { ...part, segment: { range: part.range, session } };
    });
    return { found: await count({ ...read, parts: seen }), reads };
  }

  const failed: Filter = { kind: "exact", field: "status", value: "failed" };
  const nobody: Filter = { kind: "exact", field: "actor", value: "nobody" };
  const lo: Filter = { kind: "phrase", field: "message", words: ["lo"], prefix: true };
  const WHOLE = { start: 0, end: 256 };

  test.each<[string, Pick<IndexQuery, "filter" | "range">, number]>([
    ["a value in a segment, by its dictionary", { filter: failed, range: WHOLE }, 1],
    ["everything", { filter: { kind: "all" }, range: WHOLE }, 1],
    ["nothing", { filter: nobody, range: WHOLE }, 1],
    ["a value without the first entry", { filter: failed, range: { start: 1, end: 256 } }, 3],
    ["a value without the last entry", { filter: failed, range: { start: 0, end: 255 } }, 3],
    ["a beginning of words", { filter: lo, range: WHOLE }, 3],
    ["all but a value", { filter: { kind: "not", filter: failed }, range: WHOLE }, 3],
    ["both of two", { filter: { kind: "and", filters: [failed, lo] }, range: WHOLE }, 3],
    ["either of two", { filter: { kind: "or", filters: [failed, lo] }, range: WHOLE }, 3],
  ])("is read no more than its number needs: %s", async (_, { filter, range }, reads) => {
    const wanted = plainly({ filter, range }).length;
    const exactly = await counted(range, (read) => countMatches(sought(filter), Infinity, read));
    expect(exactly).toEqual({ found: wanted, reads });
    const capped = await counted(range, (read) => countMatches(sought(filter), 5, read));
    expect(capped.found).toBe(Math.min(5, wanted));
  });

  test("is read once more for its times where there is a match", async () => {
    for (const [filter, reads] of [
      [nobody, 1],
      [{ kind: "all" }, 4],
    ] as const)
      expect((await counted(WHOLE, (read) => countTimes(sought(filter), [0, 1], read))).reads).toBe(reads);
  });
});
