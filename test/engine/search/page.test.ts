import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { PageRequest } from "../../../src/audit/service.js";
import {
  pageProblems,
  readPage,
  spanOf,
  type Page,
  type ReadableResult,
} from "../../../src/engine/search/search-request.js";

/** A result of `total` leaves whose leaf at position p is 1000 + p, so that a position is never taken for a leaf. */
function resultOf(total: number, asked: number[] = []): ReadableResult {
  const leaves = Array.from({ length: total }, (_, position) => 1000 + position);
  return {
    read: (offset, limit) => (asked.push(limit), Promise.resolve(leaves.slice(offset, offset + limit))),
    count: () => Promise.resolve(total),
  };
}

interface Cut {
  readonly after: number | undefined;
  readonly before: number | undefined;
}

/** Relay's EdgesToReturn on a whole list, then the flags as "is there anything before, anything after". */
function model(total: number, page: PageRequest, { after, before }: Cut): Omit<Page, "leafIndexes"> & { size: number } {
  const start = Math.min(total, after === undefined ? (page.offset ?? 0) : after + 1);
  let positions = Array.from({ length: total }, (_, p) => p).filter(
    (p) => p >= start && (before === undefined || p < before),
  );
  const first = page.first ?? (page.last === undefined ? 20 : undefined);
  if (first !== undefined) positions = positions.slice(0, first);
  if (page.last !== undefined) positions = page.last === 0 ? [] : positions.slice(-page.last);
  const at = positions[0];
  return {
    start: at ?? -1,
    size: positions.length,
    hasPreviousPage: at !== undefined && at > 0,
    hasNextPage: at !== undefined && at + positions.length < total,
  };
}

const total = fc.integer({ min: 0, max: 60 });
const size = fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined });

describe("a page of a result", () => {
  it.each([
    [0, false],
    [1, true],
    [2, true],
  ])("behind the end of %i matches has a page before it: %j", async (n, hasPreviousPage) => {
    const page = await readPage(resultOf(n), spanOf({ first: 5, offset: 7 }, undefined, undefined));
    expect(page).toMatchObject({ leafIndexes: [], hasNextPage: false, hasPreviousPage });
  });

  it("is what Relay's algorithm gives, with exact flags", async () => {
    const asked = fc.record({ n: total, first: size, last: size, a: fc.nat(59), b: fc.nat(59), which: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(asked, async ({ n, first, last, a, b, which }) => {
        const after = n > 0 && (which & 1) === 1 ? a % n : undefined;
        const before = n > 0 && (which & 2) === 2 ? b % n : undefined;
        const request: PageRequest = { ...(first !== undefined && { first }), ...(last !== undefined && { last }) };
        const page = await readPage(resultOf(n), spanOf(request, after, before));
        const expected = model(n, request, { after, before });
        expect(page.leafIndexes).toEqual(Array.from({ length: expected.size }, (_, i) => 1000 + expected.start + i));
        if (expected.size === 0) return;
        expect(page).toMatchObject({
          start: expected.start,
          hasNextPage: expected.hasNextPage,
          hasPreviousPage: expected.hasPreviousPage,
        });
      }),
      { numRuns: 500 },
    );
  });

  it.each<[PageRequest, number | undefined, number | undefined, number, number, boolean, boolean]>([
    // What is asked of ten matches; after and before which position; from where on, how many, and what lies beside them.
    [{ last: 2 }, undefined, undefined, 8, 2, false, true],
    [{ last: 2 }, undefined, 5, 3, 2, true, true],
    [{ last: 2 }, undefined, 9, 7, 2, true, true],
    [{ last: 9 }, undefined, 5, 0, 5, true, false],
    [{ last: 9 }, 5, undefined, 6, 4, false, true],
    [{ last: 9 }, 0, undefined, 1, 9, false, true],
    [{ last: 2 }, 5, 8, 6, 2, true, true],
    [{ last: 3 }, 5, 6, 6, 0, true, true],
    [{ first: 3 }, 5, undefined, 6, 3, true, true],
    [{ first: 4 }, 5, undefined, 6, 4, false, true],
    [{ first: 3 }, undefined, 2, 0, 2, true, false],
    [{ first: 9, last: 2 }, undefined, 5, 3, 2, true, true],
    [{ first: 3, last: 2 }, 5, undefined, 7, 2, true, true],
    [{ first: 2, last: 3 }, undefined, undefined, 0, 2, true, false],
    [{ first: 10 }, undefined, undefined, 0, 10, false, false],
  ])("of ten matches, asked for as %j after %p and before %p", async (...row) => {
    const [page, after, before, start, count, next, previous] = row;
    const read = await readPage(resultOf(10), spanOf(page, after, before));
    expect(read).toEqual({
      start,
      leafIndexes: Array.from({ length: count }, (_, place) => 1_000 + start + place),
      hasNextPage: next,
      hasPreviousPage: previous,
    });
  });

  it("says of an empty page whether anything lies on either side of its place", async () => {
    expect(await readPage(resultOf(5), spanOf({ first: 0 }, 1, undefined))).toMatchObject({
      start: 2,
      leafIndexes: [],
      hasNextPage: true,
      hasPreviousPage: true,
    });
    expect(await readPage(resultOf(0), spanOf({}, undefined, undefined))).toMatchObject({
      hasNextPage: false,
      hasPreviousPage: false,
    });
    expect(await readPage(resultOf(0), spanOf({ offset: 7 }, undefined, undefined))).toMatchObject({
      hasNextPage: false,
      hasPreviousPage: false,
    });
    expect(await readPage(resultOf(3), spanOf({ offset: 7 }, undefined, undefined))).toMatchObject({
      leafIndexes: [],
      hasNextPage: false,
      hasPreviousPage: true,
    });
  });

  it("reads one match more than it shows, which says whether there is another page", async () => {
    const asked: number[] = [];
    await readPage(resultOf(60, asked), spanOf({ first: 7 }, undefined, undefined));
    await readPage(resultOf(60, asked), spanOf({ last: 7 }, undefined, 20));
    expect(asked).toEqual([8, 8]);
  });

  it("starts at an offset, twenty long unless told", async () => {
    const page = await readPage(resultOf(60), spanOf({ offset: 30 }, undefined, undefined));
    expect(page).toMatchObject({ start: 30, hasNextPage: true, hasPreviousPage: true });
    expect(page.leafIndexes).toHaveLength(20);
  });
});

describe("page arguments", () => {
  it("that contradict each other are named", () => {
    expect(pageProblems({ offset: 1, before: "x" })).toMatchObject([{ got: "offset and before" }]);
  });

  it.each([
    [{ first: -1 }, ["first"]],
    [{ last: -1 }, ["last"]],
    [{ first: 1001 }, ["first"]],
    [{ last: 1001, first: 1.5 }, ["first", "last"]],
    [{ offset: -1 }, ["offset"]],
    [{ offset: 1, after: "x" }, ["offset"]],
    [{ offset: 1, last: 3 }, ["offset"]],
    [{ first: 1000, last: 0 }, []],
    [{ offset: 0, first: 0 }, []],
  ])("of %j are refused at %j", (page: PageRequest, paths) => {
    expect(pageProblems(page).map(({ path }) => path)).toEqual(paths);
  });
});
