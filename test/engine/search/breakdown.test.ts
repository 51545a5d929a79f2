import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { FACET_FIELDS, type Facet, type FacetRequest } from "../../../src/audit/breakdown.js";
import type { IndexQuery } from "../../../src/audit/search-index.js";
import { digestOf } from "../../../src/core/bytes.js";
import { fieldText, type AuditEvent } from "../../../src/core/event.js";
import { readEnvelope } from "../../../src/core/format.js";
import { eventTime } from "../../../src/core/segment/event-time.js";
import { compareBytes } from "../../../src/core/segment/format.js";
import type { SegmentIndexOptions } from "../../../src/engine/search/segment-index.js";
import { matcherOf } from "../../../src/query/filter.js";
import type { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { valueTerm } from "../../../src/core/words/words.js";
import { entryAt } from "../../core/segment/corpus.js";
import { logged } from "../../stores/search-events.js";
import { expectCode } from "../rejection.js";
import { corpus, queries, SEED, SIZE } from "./oracle.js";
import { BUILD_MS, GROUP, idle, LOG, logOf, opened, untilStored } from "./segment-indexes.js";
import { SearchableEvent } from "../../../src/core/words/entry-terms.js";

const everything: IndexQuery = {
  log: LOG,
  filter: { kind: "all" },
  range: { start: 0, end: SIZE },
  order: { field: "received_at", direction: "desc" },
};
const rising = (least: number, most: number): fc.Arbitrary<readonly number[]> =>
  fc.array(fc.integer({ min: least, max: most }), { maxLength: 12 }).map((limits) => limits.sort((a, b) => a - b));
const DAY = Date.UTC(2026, 0, 1);
const facets = fc.record({ field: fc.constantFrom(...FACET_FIELDS), first: fc.integer({ min: 1, max: 60 }) });

describe(`counts of an index, compared with a plain scan (seed ${SEED})`, () => {
  let store: MemoryLogStore;
  let events: readonly (AuditEvent | undefined)[];

  beforeAll(async () => {
    const entries = corpus(SIZE);
    store = await logOf(entries);
    events = entries.map(({ canonical }) => readEnvelope(canonical)?.event);
  });

  const matching = ({ filter, range }: IndexQuery): readonly number[] =>
    Array.from({ length: range.end - range.start }, (_, place) => range.start + place).filter((leaf) => {
      const event = events[leaf];
      return matcherOf(filter)(new SearchableEvent(event));
    });

  const timeOf = (leaf: number): number | undefined => {
    const time = events[leaf]?.timestamp;
    return time === undefined ? undefined : eventTime(fieldText(time))?.epochMs;
  };

  const between = (values: readonly (number | undefined)[], limits: readonly number[]): readonly number[] =>
    limits.slice(1).map((end, place) => {
      const start = limits[place] ?? 0;
      return values.filter((value) => value !== undefined && value >= start && value < end).length;
    });

  function facetOf(query: IndexQuery, { field, first }: FacetRequest): Facet {
    const leaves = matching(query);
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
    return {
      values,
      distinctCount: counts.size,
      otherCount: present - listed,
      missingCount: leaves.length - present,
    };
  }

  test.each<[string, number, Partial<SegmentIndexOptions>]>([
    ["everything that can be stored is", 2 * GROUP, {}],
    ["no block stays in memory", 2 * GROUP, { cacheBytes: 1_000 }],
    ["nothing is stored yet", 0, { blocks: idle() }],
  ])(
    "are the same when %s",
    async (_, stored, options) => {
      const index = opened(store, options);
      await untilStored(index, stored);
      const limits = fc.tuple(rising(0, SIZE + 10), rising(DAY - 86_400_000, DAY + 3 * 86_400_000));
      await fc.assert(
        fc.asyncProperty(queries, limits, facets, async (query, [leafLimits, timeLimits], wanted) => {
          const leaves = matching(query);
          expect(await index.countLeaves(query, leafLimits)).toEqual(between(leaves, leafLimits));
          const times = leaves.map(timeOf);
          expect(await index.countTimes(query, timeLimits)).toEqual(between(times, timeLimits));
          const known = times.filter((time) => time !== undefined);
          const found = await index.timesOf(query);
          expect(found.without).toBe(times.length - known.length);
          expect(found.span).toEqual(
            known.length === 0 ? undefined : { first: Math.min(...known), last: Math.max(...known) },
          );
          expect(await index.topValues(query, wanted)).toEqual(facetOf(query, wanted));
        }),
        { numRuns: 40, seed: SEED },
      );
    },
    BUILD_MS,
  );

  test("are of whole segments without reading what has each value", async () => {
    const index = opened(store);
    await untilStored(index, 2 * GROUP);
    for (const field of FACET_FIELDS)
      expect(await index.topValues(everything, { field, first: 100 })).toEqual(
        facetOf(everything, { field, first: 100 }),
      );
  });

  test("stop when their caller no longer wants them", async () => {
    const index = opened(store, { blocks: idle() });
    const aborted = AbortSignal.abort(new Error("not wanted"));
    await expect(index.topValues(everything, { field: "actor", first: 1 }, aborted)).rejects.toThrow("not wanted");
    await expect(index.countTimes(everything, [0, 1], aborted)).rejects.toThrow("not wanted");
  });
});

describe("the values of few matches in a segment in memory", () => {
  test.each([
    ["none", [], { values: [], distinctCount: 0, otherCount: 0, missingCount: 0 }],
    ["one", ["e7"], { values: [{ value: "user0", count: 1 }], distinctCount: 1, otherCount: 0, missingCount: 0 }],
    [
      "some, of which one has no value",
      ["e7", "e8", "e15", "e3"],
      { values: [{ value: "user0", count: 2 }], distinctCount: 2, otherCount: 1, missingCount: 1 },
    ],
  ] as const)("are counted: of %s", async (_, words, expected) => {
    const entries = Array.from({ length: 256 }, (_, at) =>
      logged(at === 3 ? { message: "e3" } : { message: `e${at}`, actor: `user${at === 15 ? 0 : at % 7}` }, at),
    );
    const index = opened(await logOf(entries), { blocks: idle() });
    const filters = words.map((word) => ({ kind: "phrase", field: "message", words: [word], prefix: false }) as const);
    const query = { ...everything, filter: { kind: "or", filters } as const, range: { start: 0, end: 256 } };
    expect(await index.topValues(query, { field: "actor", first: 1 })).toEqual(expected);
  });
});

describe("counts over an entry that was changed", () => {
  test("are refused, for nobody can tell whether it is a match", async () => {
    const index = opened(await logOf(corpus(20)));
    index.follow(LOG, (leafIndexes) =>
      Promise.resolve(
        leafIndexes.map((leaf) =>
          leaf === 7
            ? { kind: "corrupt" }
            : {
                kind: "entry",
                entry: { canonical: corpus(20)[leaf]?.canonical ?? "", hash: digestOf(entryAt(leaf).leafHash) },
              },
        ),
      ),
    );
    const query = { ...everything, range: { start: 0, end: 20 } };
    await expectCode(index.countLeaves(query, [0, 20]), "ENTRY_CORRUPT");
    await expectCode(index.countTimes(query, [0, 1]), "ENTRY_CORRUPT");
    await expectCode(index.timesOf(query), "ENTRY_CORRUPT");
    await expectCode(index.topValues(query, { field: "actor", first: 3 }), "ENTRY_CORRUPT");
  });
});
