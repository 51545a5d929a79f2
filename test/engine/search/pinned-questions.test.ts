import { beforeEach, describe, expect, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import type { IndexQuery, SearchIndex, Slice } from "../../../src/audit/search-index.js";
import type { PageRequest, ResultPage, SearchRequest } from "../../../src/audit/service.js";
import type { CustomField, FieldName } from "../../../src/core/event.js";
import { PinnedSearches } from "../../../src/engine/search/pinned-searches.js";
import { TokenSealer } from "../../../src/keys/sealed-token.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { rejection } from "../rejection.js";
import { NEW_YEAR } from "../test-log.js";
import { memoryIndex } from "./memory-index.js";

const LOG = "default";
const SIZE = 10;
/** An entry a minute, from New Year on; every one is a match. */
const timeOf = (leaf: number): string => new Date(NEW_YEAR / 1_000 + leaf * 60_000).toISOString().replace("Z", "000Z");

let pages: (readonly [IndexQuery, Slice])[];
let searches: PinnedSearches;
/** Of the log's own schema. */
let fields: readonly FieldName[];
/** Those that are a match, of the leaves of a range. */
let isMatch: (leaf: number) => boolean;
beforeEach(() => {
  [pages, fields, isMatch] = [[], [], () => true];
  const leavesOf = ({ range, order }: IndexQuery): readonly number[] => {
    const leaves = Array.from({ length: range.end - range.start }, (_, place) => range.start + place).filter(isMatch);
    return order.direction === "desc" ? leaves.reverse() : leaves;
  };
  const index = replaced<SearchIndex>(memoryIndex(new MemoryLogStore()), {
    page: (query, slice) => {
      pages.push([query, slice]);
      const { offset = 0, limit } = slice;
      return Promise.resolve(leavesOf(query).slice(offset, offset + limit));
    },
    count: (query, cap) => Promise.resolve(Math.min(cap, leavesOf(query).length)),
  });
  searches = new PinnedSearches({
    ...{ index, sealer: new TokenSealer(new Uint8Array(32).fill(1)), clock: () => NEW_YEAR + SIZE * 60_000_000 },
    ...{ ttlMs: 3_600_000, alarm: () => undefined, customFields: () => fields },
    firstAtOrAfter: (_, times, size) => {
      expect(times).not.toEqual([]); // of no window nothing is looked up
      return Promise.resolve(
        times.map(
          (time) => Array.from({ length: size }, (_leaf, leaf) => leaf).filter((leaf) => timeOf(leaf) < time).length,
        ),
      );
    },
    receivedAt: () => Promise.reject(new Error("not asked")),
  });
});

const search = (more: Partial<SearchRequest> = {}, page: PageRequest = {}): Promise<ResultPage> =>
  searches.search({ log: LOG, query: "", ...more }, page, { newestSize: SIZE });
const OPEN = { from: undefined, until: undefined };

describe("what is to be proven of a result", () => {
  test("is its count, up to the most that it may hold", async () => {
    const question = { filter: { kind: "all" }, window: OPEN, after: undefined, descending: true };
    const whole = { log: LOG, treeSize: SIZE, window: { start: 0, end: SIZE } };
    expect(await searches.question({ of: "totalCount", page: await search() }, {})).toEqual({
      ...whole,
      question: { ...question, wanted: { kind: "count", cap: undefined } },
    });
    expect(await searches.question({ of: "totalCount", page: await search({ maxResults: 4 }) }, {})).toEqual({
      ...whole,
      question: { ...question, wanted: { kind: "count", cap: 4 } },
    });
  });

  test("is its page, behind the match before it, in its window", async () => {
    const [start, end] = [timeOf(2), timeOf(8)];
    const page = await search({ window: { start, end } }, { first: 2, offset: 3 });
    expect(page.leafIndexes).toEqual([4, 3]);
    expect(await searches.question({ of: "page", page }, {})).toEqual({
      ...{ log: LOG, treeSize: SIZE, window: { start: 2, end: 8 } },
      question: {
        ...{ filter: { kind: "all" }, window: { from: start, until: end }, after: 5, descending: true },
        wanted: { kind: "page", limit: 2 },
      },
    });
    expect(pages.at(-1)).toMatchObject([{ range: { start: 2, end: 8 } }, { offset: 2, limit: 1 }]);
  });

  test("is no page in the order of a field, though its count is", async () => {
    const page = await search({ order: { field: "actor", direction: "asc" } });
    expect(await rejection(searches.question({ of: "page", page }, {}))).toMatchObject({
      code: "BAD_USER_INPUT",
      problems: [{ path: "orderBy.field", got: "ACTOR" }],
    });
    expect(await searches.question({ of: "totalCount", page }, {})).toMatchObject({ question: { descending: true } });
  });

  test("is nothing of another credential's result, nor of one that expired", async () => {
    const page = await search();
    const asked = searches.question({ of: "page", page }, { bound: { actor: ["bob"] } });
    expect(await rejection(asked)).toMatchObject({ problems: [{ path: "id", got: "a result of another credential" }] });
    const gone = { ...page, result: { id: "x" } };
    expect(await rejection(searches.question({ of: "page", page: gone }, {}))).toMatchObject({
      code: "BAD_USER_INPUT",
    });
  });
});

describe("a result that may hold fewer matches than there are", () => {
  test.each([
    [undefined, false],
    [1, true],
    [4, true],
    [SIZE - 1, true],
    [SIZE, false],
    [SIZE + 5, false],
  ])("of at most %p says whether it was cut off: %p", async (maxResults, isCut) => {
    const { result, leafIndexes, hasNextPage } = await search(maxResults === undefined ? {} : { maxResults }, {
      first: 100,
    });
    expect([await result.isTruncated(), hasNextPage]).toEqual([isCut, false]);
    expect(leafIndexes).toHaveLength(Math.min(maxResults ?? SIZE, SIZE));
    expect(await result.totalCount()).toBe(Math.min(maxResults ?? SIZE, SIZE));
  });

  test("is read no further than it may hold", async () => {
    const page = await search({ maxResults: 4 }, { first: 3 });
    expect([page.leafIndexes, page.hasNextPage]).toEqual([[9, 8, 7], true]);
    const last = await search({ maxResults: 4 }, { first: 3, offset: 3 });
    expect([last.leafIndexes, last.hasNextPage]).toEqual([[6], false]);
    pages.length = 0;
    const behind = await search({ maxResults: 4 }, { first: 3, offset: 4 });
    expect([behind.leafIndexes, pages]).toEqual([[], []]);
  });
});

test("a result is downloaded up to what it may hold, or every match of it", async () => {
  const { result } = await search({ maxResults: 4 });
  const limits: number[] = [];
  for (const everyMatch of [false, true]) {
    pages.length = 0;
    const download = await searches.download({ id: result.id, everyMatch }, undefined, () => (leaves) => {
      return Promise.resolve(leaves.map((leafIndex) => ({ kind: "corrupt", leafIndex })));
    });
    let count = 0;
    for await (const page of download.pages(new AbortController().signal)) count += page.length;
    limits.push(count);
  }
  expect(limits).toEqual([4, SIZE]);
});

describe("a pinned window", () => {
  test.each([
    [{ start: timeOf(2) }, [9, 8, 7, 6, 5, 4, 3, 2]],
    [{ end: timeOf(2) }, [1, 0]],
    [{ start: timeOf(2), end: timeOf(4) }, [3, 2]],
  ])("may be open: %j", async (window, leaves) => {
    expect((await search({ window })).leafIndexes).toEqual(leaves);
  });
});

test("a result that holds every match is not cut off, whatever else is in its range", async () => {
  isMatch = (leaf) => leaf < 2;
  const { result } = await search({ maxResults: 2 });
  expect(await result.isTruncated()).toBe(false);
  isMatch = (leaf) => leaf < 3;
  expect(await result.isTruncated()).toBe(true);
});

test("a result is refused whose search names a field that the log's schema has no more", async () => {
  const region = "region" as CustomField;
  fields = [region];
  const { result } = await search({ restriction: { [region]: ["north"] } });
  const { id } = result;
  expect(await searches.results(id, {})).toMatchObject({ result: { log: LOG } });
  fields = [];
  expect(await rejection(searches.results(id, {}))).toMatchObject({
    problems: [{ path: "id", got: "a result whose query is no longer understood" }],
  });
});
