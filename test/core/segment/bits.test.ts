import { describe, expect, test } from "@jest/globals";
import {
  bitsBetween,
  bitsOfBytes,
  both,
  countBits,
  countsBefore,
  either,
  has,
  isEmpty,
  noBits,
  NO_BITS,
  set,
  setPlaces,
  without,
  type PieceBits,
} from "../../../src/core/segment/bits.js";
import { PIECE_DOCUMENTS } from "../../../src/core/segment/format.js";
import { Heap } from "../../../src/core/segment/heap.js";

const ALL = Array.from({ length: PIECE_DOCUMENTS }, (_, document) => document);

/** Sets of documents: at the edges of words of 32 bits and of the piece, dense, none, all. */
const SETS: readonly (readonly number[])[] = [
  [],
  [0],
  [31],
  [32],
  [PIECE_DOCUMENTS - 1],
  [0, 1, 30, 31, 32, 33, 63, 64, 4_063, 4_064, 4_095],
  ALL.filter((document) => document % 3 === 0),
  ALL.filter((document) => document > 0),
  ALL,
];

function bitsOf(documents: readonly number[]): PieceBits {
  if (documents.length === PIECE_DOCUMENTS) return bitsBetween(0, PIECE_DOCUMENTS);
  const bits = noBits();
  for (const document of documents) set(bits, document);
  return bits;
}

describe("the bits of a piece", () => {
  test.each(SETS.map((documents) => [documents.length, documents] as const))(
    "are a set of %d documents",
    (size, of) => {
      const bits = bitsOf(of);
      expect(setPlaces(bits)).toEqual(of);
      expect(countBits(bits)).toBe(size);
      expect(isEmpty(bits)).toBe(size === 0);
      const known = new Set(of);
      expect(ALL.filter((document) => has(bits, document) !== known.has(document))).toEqual([]);
      const before = countsBefore(bits);
      let count = 0;
      for (const document of ALL) {
        if (document % 7 === 0 || document > 4_060) expect([document, before(document)]).toEqual([document, count]);
        if (known.has(document)) count += 1;
      }
      const bytes = Uint8Array.from({ length: PIECE_DOCUMENTS / 8 }, (_, place) =>
        [0, 1, 2, 3, 4, 5, 6, 7].reduce((byte, bit) => byte | (known.has(8 * place + bit) ? 1 << bit : 0), 0),
      );
      expect(setPlaces(bitsOfBytes(bytes))).toEqual(of);
    },
  );

  test("are joined, cut and subtracted as sets are, and are not changed by it", () => {
    for (const a of SETS)
      for (const b of SETS) {
        const [left, right, inA, inB] = [bitsOf(a), bitsOf(b), new Set(a), new Set(b)];
        const named = (bits: PieceBits): readonly number[] => setPlaces(bits);
        expect(named(both(left, right))).toEqual(a.filter((document) => inB.has(document)));
        expect(named(either(left, right))).toEqual(ALL.filter((document) => inA.has(document) || inB.has(document)));
        expect(named(without(left, right))).toEqual(a.filter((document) => !inB.has(document)));
        expect([named(left), named(right)]).toEqual([a, b]);
      }
  });

  test("that are none, known beforehand, are none in every operation", () => {
    const some = bitsOf([1, 40]);
    const named = [both(some, NO_BITS), both(NO_BITS, some), either(NO_BITS, some), either(some, NO_BITS)].map(
      setPlaces,
    );
    expect(named).toEqual([[], [], [1, 40], [1, 40]]);
    expect([without(some, NO_BITS), without(NO_BITS, some)].map(setPlaces)).toEqual([[1, 40], []]);
    expect([isEmpty(NO_BITS), setPlaces(NO_BITS).length]).toEqual([true, 0]);
  });

  test("have nothing of those that were made before", () => {
    const sets = Array.from({ length: 100 }, (_, document) => [document, bitsOf([document, 4_095])] as const);
    for (const [document, bits] of sets) expect(setPlaces(bits)).toEqual([document, 4_095]);
    expect(isEmpty(noBits())).toBe(true);
  });

  test.each([
    [0, 0],
    [32, 32],
    [32, 64],
    [33, 34],
    [31, 97],
    [0, 1],
    [31, 33],
    [5, 5],
    [0, PIECE_DOCUMENTS - 1],
    [1, PIECE_DOCUMENTS],
    [0, PIECE_DOCUMENTS],
  ])("from %d to %d are those documents", (start, end) => {
    expect(setPlaces(bitsBetween(start, end))).toEqual(ALL.slice(start, end));
  });
});

describe("a heap", () => {
  const LISTS: readonly (readonly number[])[] = [
    [],
    [1],
    [2, 1],
    [1, 2, 3],
    [3, 2, 1],
    [5, 5, 1, 5, 1],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    [4, 1, 3, 2, 16, 9, 10, 14, 8, 7],
  ];
  const sorted = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b);

  test.each(LISTS.map((list) => [list] as const))("of %j gives the least first, and then nothing", (list) => {
    const heap = new Heap([...list], (a, b) => a < b);
    expect(heap.top).toBe(sorted(list)[0]);
    expect(list.map(() => heap.pop())).toEqual(sorted(list));
    expect([heap.top, heap.pop()]).toEqual([undefined, undefined]);
  });

  test("takes an item in the place of its top", () => {
    for (const list of LISTS.slice(1))
      for (const item of [0, 3, 100]) {
        const heap = new Heap([...list], (a, b) => a < b);
        heap.replace(item);
        expect(list.map(() => heap.pop())).toEqual(sorted([...sorted(list).slice(1), item]));
      }
  });
});
