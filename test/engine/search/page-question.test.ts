import { describe, expect, test } from "@jest/globals";
import type { ProvablePage } from "../../../src/audit/proofs.js";
import { leavesAsked, pageQuestion } from "../../../src/engine/search/page-question.js";
import { expectCode } from "../rejection.js";

type Asked = Parameters<typeof pageQuestion>;

/** The leaves of a result of ten, newest first. */
const RESULT = [90, 80, 70, 60, 50, 40, 30, 20, 10, 0];
const leafAt = (position: number): Promise<number | undefined> => {
  expect(position).toBeGreaterThanOrEqual(0); // before the first there is none to ask for
  return Promise.resolve(RESULT[position]);
};

const page = (firstPosition: number, count: number, size: { limit: number; isFromEnd: boolean }): ProvablePage => ({
  result: { id: "r" },
  leafIndexes: RESULT.slice(firstPosition, firstPosition + count),
  firstPosition,
  size,
  hasNextPage: firstPosition + count < RESULT.length,
  hasPreviousPage: firstPosition > 0,
});
const asked = (direction: "asc" | "desc" = "desc", maxResults: number | null = null): Asked[1] => ({
  order: { field: "received_at", direction },
  maxResults,
});

describe("the question that a page answers", () => {
  const forward = { limit: 3, isFromEnd: false };
  const backward = { limit: 3, isFromEnd: true };
  test.each<[string, ProvablePage, Asked[1], object]>([
    ["the first", page(0, 3, forward), asked(), { after: undefined, descending: true, limit: 3 }],
    ["the second", page(3, 3, forward), asked(), { after: 70, descending: true, limit: 3 }],
    ["one at the second place", page(1, 3, forward), asked(), { after: 90, descending: true, limit: 3 }],
    ["a short last one", page(9, 1, forward), asked(), { after: 10, descending: true, limit: 3 }],
    ["a full last one", page(7, 3, forward), asked(), { after: 30, descending: true, limit: 3 }],
    ["one in rising order", page(3, 3, forward), asked("asc"), { after: 70, descending: false, limit: 3 }],
    [
      "one cut off by the most results",
      page(8, 2, forward),
      asked("desc", 10),
      { after: 20, descending: true, limit: 2 },
    ],
    ["one before the most results", page(8, 2, forward), asked("desc", 11), { after: 20, descending: true, limit: 3 }],
    ["the last, from the end", page(7, 3, backward), asked(), { after: undefined, descending: false, limit: 3 }],
    ["one from the end", page(4, 3, backward), asked(), { after: 20, descending: false, limit: 3 }],
    ["one from the end, rising", page(4, 3, backward), asked("asc"), { after: 20, descending: true, limit: 3 }],
    ["a short first one, from the end", page(0, 2, backward), asked(), { after: 70, descending: false, limit: 3 }],
  ])("of %s", async (...[, of, search, asks]) => {
    const { limit, ...wanted } = { limit: undefined, ...asks };
    expect(await pageQuestion(of, search, leafAt)).toEqual({ ...wanted, wanted: { kind: "page", limit } });
  });

  test("is refused behind the end of the result, and for a page of elsewhere", async () => {
    await expectCode(pageQuestion(page(12, 3, forward), asked(), leafAt), "BAD_USER_INPUT");
    const { result, leafIndexes, firstPosition, hasNextPage, hasPreviousPage } = page(0, 3, forward);
    const elsewhere = { result, leafIndexes, firstPosition, hasNextPage, hasPreviousPage };
    await expect(pageQuestion(elsewhere, asked(), leafAt)).rejects.toThrow("not a page of this service");
    const nothing = pageQuestion(page(1, 3, forward), asked(), () => Promise.resolve(undefined));
    await expectCode(nothing, "BAD_USER_INPUT");
  });

  test("has the leaves of a page from the end the other way round", () => {
    expect(leavesAsked(page(0, 2, forward))).toEqual([90, 80]);
    expect(leavesAsked(page(0, 2, backward))).toEqual([80, 90]);
  });
});
