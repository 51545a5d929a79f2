import { expect, test } from "@jest/globals";
import { utf8 } from "../../../src/core/bytes.js";
import { RankedPiece, TimedPiece, type OrderedPiece } from "../../../src/engine/search/ordered-piece.js";

const START = 4_096;
const PLACES = [0, 1, 2, 3, 5];

function leavesOf(piece: OrderedPiece): readonly number[] {
  const leaves = [piece.leaf - START];
  while (piece.advance()) leaves.push(piece.leaf - START);
  return leaves;
}

test.each([
  [false, [2, 3, 1, 5, 0]],
  [true, [0, 5, 1, 3, 2]],
])("matches are in the order of their times, then of their leaves: descending %j", (descending, leaves) => {
  // The third has none, the fourth is earlier by microseconds alone; two are alike.
  const column = { times: Float64Array.of(9, 7, -1, 7, 0, 7), micros: Float64Array.of(1, 5, 0, 4, 0, 5) };
  expect(leavesOf(new TimedPiece({ start: START, places: PLACES, descending }, column))).toEqual(leaves);
});

test.each([
  [false, [2, 3, 1, 5, 0]],
  [true, [0, 5, 1, 3, 2]],
])("matches are in the order of their ranks, then of their leaves: descending %j", (descending, leaves) => {
  const column = { ranks: Float64Array.of(9, 3, 0, 2, 0, 3), smallest: utf8("a"), largest: utf8("z") };
  expect(leavesOf(new RankedPiece({ start: START, places: PLACES, descending }, column))).toEqual(leaves);
});

test("ranks without a key are looked up ahead: one, then twice as many each time, each once", () => {
  const ranks = Float64Array.of(0, 1, 2, 2, 3, 4, 5, 6);
  const places = Array.from(ranks, (_, place) => place);
  const piece = new RankedPiece(
    { start: START, places, descending: false },
    { ranks, smallest: utf8("a"), largest: utf8("z") },
  );
  const next = (most: number): readonly number[] => piece.nextRanks(most).map(({ rank }) => rank);
  // Of the empty key and of the smallest nothing has to be read.
  expect([next(64), next(64), next(2), next(64)]).toEqual([[2], [2, 3], [2, 3], [2, 3, 4, 5, 6]]);
  piece.learn(2, utf8("b"));
  expect(next(1)).toEqual([3]);
});
