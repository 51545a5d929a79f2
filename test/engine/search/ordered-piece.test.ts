import { expect, test } from "@jest/globals";
import { utf8, utf8Text } from "../../../src/core/bytes.js";
import { FIRST_MS } from "../../../src/core/segment/event-time.js";
import { RankedPiece, TimedPiece, type OrderedPiece } from "../../../src/engine/search/ordered-piece.js";

const START = 4_096;
const PLACES = [0, 1, 2, 3, 5];

function leavesOf(piece: OrderedPiece): readonly number[] {
  const leaves = [piece.leaf - START];
  while (piece.advance()) {
    leaves.push(piece.leaf - START);
    expect(piece.leaf - START).toBe(leaves.at(-1)); // to look does not move on
  }
  return leaves;
}

const keyOf = (piece: OrderedPiece): string | undefined => utf8Text(piece.key);

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

test("a key of an event's time is that time, and of none it is empty", () => {
  const column = { times: Float64Array.of(-FIRST_MS, -1, 0), micros: Float64Array.of(7, 0, 0) };
  const piece = new TimedPiece({ start: START, places: [0, 1, 2], descending: false }, column);
  const keys = [keyOf(piece)];
  while (piece.advance()) keys.push(keyOf(piece));
  expect(keys).toEqual(["", "0000-01-01T00:00:00.000000Z", "1970-01-01T00:00:00.000007Z"]);
});

test.each([false, true])("many times that are alike are in the order of their leaves: descending %j", (descending) => {
  const times = Float64Array.from({ length: 300 }, (_, place) => (place * 7) % 5);
  const column = { times, micros: new Float64Array(300) };
  const places = Array.from(times, (_, place) => place);
  const sign = descending ? -1 : 1;
  const wanted = [...places].sort((a, b) => sign * ((times[a] ?? 0) - (times[b] ?? 0) || a - b));
  expect(leavesOf(new TimedPiece({ start: START, places, descending }, column))).toEqual(wanted);
});

test("times are put in order when the second is asked for, and not again", () => {
  let compared = 0;
  const times = Float64Array.from({ length: 50 }, (_, place) => (place * 7) % 50);
  const column = {
    get times() {
      compared += 1;
      return times;
    },
    micros: new Float64Array(50),
  };
  const places = Array.from(times, (_, place) => place);
  const piece = new TimedPiece({ start: START, places, descending: false }, column);
  expect(compared).toBe(49 + 1);
  piece.advance();
  expect(compared).toBeGreaterThan(100);
  const sorted = compared;
  while (piece.advance()) expect(piece.isExact).toBe(true);
  expect(compared).toBe(sorted + 48);
});

test.each([
  [false, "a"],
  [true, "z"],
])("a key that is not known is no further than the first there may be: descending %j", (descending, bound) => {
  const column = { ranks: Float64Array.of(2, 2, 3), smallest: utf8("a"), largest: utf8("z") };
  const piece = new RankedPiece({ start: START, places: [0, 1, 2], descending }, column);
  expect([piece.isExact, keyOf(piece)]).toEqual([false, bound]);
  const [next] = piece.nextRanks(1);
  piece.learn(next?.rank ?? 0, utf8("m"));
  expect([piece.isExact, keyOf(piece)]).toEqual([true, "m"]);
  piece.advance();
  // Of the same rank the key is kept; of the next one that of the last is the bound.
  expect([piece.isExact, keyOf(piece)]).toEqual([!descending, "m"]);
  piece.advance();
  expect([piece.isExact, keyOf(piece)]).toEqual([false, "m"]);
});
