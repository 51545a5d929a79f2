import { expect, test } from "@jest/globals";
import type { SearchIndex, Slice } from "../../../src/audit/search-index.js";
import { readWhole } from "../../../src/engine/search/whole-result.js";

/** What matters of an index that finds so many leaves; where each slice began and how long it was to be is noted. */
function indexOf(total: number) {
  const slices: Slice[] = [];
  const page: SearchIndex["page"] = (_query, slice) => {
    slices.push(slice);
    const start = slice.after === undefined ? 0 : slice.after + 1;
    const length = Math.max(0, Math.min(slice.limit, total - start));
    return Promise.resolve(Array.from({ length }, (_, place) => start + place));
  };
  return { slices, page };
}

test.each([
  ["received_at", 10_000],
  ["actor", 100_000],
] as const)("a whole result in the order of %s is read in slices of %i, each entry once", async (field, most) => {
  const order = { field, direction: "asc" } as const;
  const query = { log: "default", filter: { kind: "all" }, range: { start: 0, end: 300_000 }, order } as const;
  for (const [total, limit] of [
    [0, Infinity],
    [most - 1, Infinity],
    [most, Infinity],
    [2 * most + 70, Infinity],
    [2 * most, most + 5],
    [2 * most, 2 * most],
    [2 * most, most + 1],
    [2, 1],
    [65, 64],
  ] as const) {
    const { slices, page } = indexOf(total);
    const pages: number[] = [];
    let next = 0;
    const result = readWhole(
      {
        ...{ index: { page }, query, limit },
        entries: (leaves) => Promise.resolve(leaves.map((leafIndex) => ({ kind: "corrupt", leafIndex }))),
        isHit: () => Promise.resolve(true),
      },
      new AbortController().signal,
    );
    for await (const outcomes of result) {
      pages.push(outcomes.length);
      for (const outcome of outcomes) if (outcome.kind === "corrupt" && outcome.leafIndex === next) next += 1;
    }
    expect(next).toBe(Math.min(total, limit));
    expect(pages.filter((length) => length < 1 || length > 64)).toEqual([]);
    expect(slices.length).toBe(Math.min(Math.ceil(limit / most), Math.floor(total / most) + 1));
    expect(slices.filter((slice) => slice.limit > most || slice.limit < 1)).toEqual([]);
  }
});
