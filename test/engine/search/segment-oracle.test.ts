import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { IndexQuery, Slice } from "../../../src/audit/search-index.js";
import { readEnvelope } from "../../../src/core/format.js";
import type { SegmentIndexOptions } from "../../../src/engine/search/segment-index.js";
import { matcherOf } from "../../../src/query/filter.js";
import { ORDER_FIELDS, sortKey } from "../../../src/query/order.js";
import { compareCodePoints } from "../../query/code-points.js";
import type { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { entryAt } from "../../core/segment/corpus.js";
import { hashOf } from "../../stores/batches.js";
import { corpus, leaves, queries, SEED, SIZE } from "./oracle.js";
import { BUILD_MS, GROUP, idle, LOG, logOf, opened, untilStored } from "./segment-indexes.js";
import { SearchableEvent } from "../../../src/core/words/entry-terms.js";

const slices = fc.record(
  { after: leaves, offset: fc.nat(20), limit: fc.oneof(fc.nat(60), fc.constant(SIZE)) },
  { requiredKeys: ["limit"] },
);

describe(`the segment index, compared with a plain scan (seed ${SEED})`, () => {
  let store: MemoryLogStore;
  let events: readonly { readonly found: SearchableEvent; readonly keys: ReadonlyMap<string, string> }[];

  beforeAll(async () => {
    const entries = corpus(SIZE);
    store = await logOf(entries);
    events = entries.map(({ canonical }) => {
      const event = readEnvelope(canonical)?.event;
      const key = (name: (typeof ORDER_FIELDS)[number]): string =>
        event === undefined || name === "received_at" ? "" : sortKey(event, name);
      return {
        found: new SearchableEvent(event),
        keys: new Map(ORDER_FIELDS.map((name) => [name, key(name)])),
      };
    });
  });

  function plainly({ filter, range, order }: IndexQuery, { after, offset = 0, limit }: Slice): readonly number[] {
    const sign = order.direction === "asc" ? 1 : -1;
    const compare = (a: number, b: number): number =>
      sign * (compareCodePoints(keyOf(a, order.field), keyOf(b, order.field)) || a - b);
    const found = Array.from({ length: range.end - range.start }, (_, place) => range.start + place)
      .filter((at) => matcherOf(filter)(events[at]?.found ?? new SearchableEvent(undefined)))
      .filter((at) => after === undefined || compare(at, after) > 0)
      .sort(compare);
    return found.slice(offset, offset + limit);
  }

  function keyOf(at: number, name: string): string {
    return events[at]?.keys.get(name) ?? "";
  }

  test.each<[string, number, Partial<SegmentIndexOptions>]>([
    ["everything that can be stored is", 2 * GROUP, {}],
    ["no block stays in memory", 2 * GROUP, { cacheBytes: 1_000 }],
    ["nothing is stored yet", 0, { blocks: idle() }],
  ])(
    "finds the same, in every order, when %s",
    async (_, stored, options) => {
      const index = opened(store, options);
      await untilStored(index, stored);
      await fc.assert(
        fc.asyncProperty(queries, slices, async (query, slice) => {
          expect(await index.page(query, slice)).toEqual(plainly(query, slice));
          const all = plainly(query, { limit: SIZE });
          expect(await index.count(query, Infinity)).toBe(all.length);
        }),
        { numRuns: 60, seed: SEED },
      );
    },
    BUILD_MS,
  );

  test("finds leaves by their hash, in segments and behind them", async () => {
    const index = opened(store);
    await untilStored(index, 2 * GROUP);
    for (const at of [0, 5_000, 2 * GROUP + 3, SIZE - 1])
      expect(await index.leavesByHash(LOG, entryAt(at).leafHash, SIZE)).toEqual([at]);
    expect(await index.leavesByHash(LOG, hashOf("nothing"), SIZE)).toEqual([]);
  });
});
