import { describe, expect, test } from "@jest/globals";
import type { IndexQuery, SearchIndex, Slice } from "../../../src/audit/search-index.js";
import type { Entry } from "../../../src/audit/service.js";
import { readWhole, type WholeResult } from "../../../src/engine/search/whole-result.js";

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

describe("a whole result", () => {
  const entry = { log: "default", leafIndex: 0 } as Entry;
  const query: IndexQuery = {
    ...{ log: "default", filter: { kind: "all" }, range: { start: 0, end: 300 } },
    order: { field: "received_at", direction: "asc" },
  };

  function readAll(more: Partial<WholeResult>, signal = new AbortController().signal) {
    const { page } = indexOf(100);
    const entries: WholeResult["entries"] = (leaves) =>
      Promise.resolve(leaves.map((leafIndex) => ({ kind: "corrupt", leafIndex })));
    const isHit = () => Promise.resolve(true);
    return readWhole({ index: { page }, query, limit: Infinity, entries, isHit, ...more }, signal);
  }

  test("has what was read at each of its leaves, and what is missing there as corrupt", async () => {
    const hit = { kind: "entry", entry } as const;
    const entries = () =>
      Promise.resolve([hit, { kind: "missing" } as const, { kind: "corrupt", leafIndex: 2 } as const]);
    const first = await readAll({ entries, limit: 4 }).next();
    expect(first.value).toEqual([hit, ...[1, 2, 3].map((leafIndex) => ({ kind: "corrupt", leafIndex }))]);
  });

  test("is refused where an entry is no match, and asks that of entries alone", async () => {
    const entries: WholeResult["entries"] = () => Promise.resolve([{ kind: "entry", entry }]);
    const stray = readAll({ entries, isHit: () => Promise.resolve(false), limit: 1 }).next();
    await expect(stray).rejects.toThrow("names entry 0 of the log default, which the search does not match");
    expect((await readAll({ isHit: () => Promise.reject(new Error("not asked")) }).next()).value).toHaveLength(64);
  });

  test.each(["before it begins", "between two pages", "while its leaves are looked up"])(
    "ends %s when nobody wants it",
    async (when) => {
      const caller = new AbortController();
      const gone = (): void => {
        caller.abort(new Error("gone"));
      };
      const { page } = indexOf(100);
      const looked: SearchIndex["page"] = (...asked) => {
        if (when === "before it begins") throw new Error("not asked");
        if (when === "while its leaves are looked up") gone();
        return page(...asked);
      };
      if (when === "before it begins") gone();
      const pages = readAll({ index: { page: looked } }, caller.signal);
      if (when === "between two pages") {
        expect((await pages.next()).value).toHaveLength(64);
        gone();
      }
      await expect(pages.next()).rejects.toThrow("The download was stopped.");
    },
  );
});
