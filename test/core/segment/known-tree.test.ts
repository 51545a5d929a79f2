import { describe, expect, test } from "@jest/globals";
import { utf8 } from "../../../src/core/bytes.js";
import { membershipRanges } from "../../../src/core/proof.js";
import { hashesAround, KnownTree, rootBefore } from "../../../src/core/segment/known-tree.js";
import { provenLeaves } from "../../../src/core/segment/prove.js";
import { isInTree } from "../../../src/core/segment/verify-answer.js";
import { FORMAT, provable } from "./provable-log.js";

const SIZES = [1, 2, 3, 5, 8, 13, 16, 21];
const treeOf = (size: number) => provable(Array.from({ length: size }, (_, leaf) => utf8(`leaf ${leaf}`)));
const between = (start: number, end: number): readonly number[] =>
  Array.from({ length: end - start }, (_, place) => start + place);

describe("a tree of which some leaves are known", () => {
  test("shows any of them as the whole tree does", () => {
    for (const size of SIZES)
      for (let start = 0; start < size; start++)
        for (let end = start + 1; end <= size; end++) {
          const tree = treeOf(size);
          const known = KnownTree.of(FORMAT, size, provenLeaves(tree, between(start, end)));
          for (const some of [[start], [end - 1], between(start, end)])
            expect(provenLeaves(known, [...new Set(some)])).toEqual(provenLeaves(tree, [...new Set(some)]));
        }
  });

  test("has no leaf and no subtree but these", () => {
    const known = KnownTree.of(FORMAT, 8, provenLeaves(treeOf(8), [2, 3]));
    expect(() => known.leaf(4)).toThrow(RangeError);
    expect(() => known.hashes.hash({ start: 4, end: 6 })).toThrow(RangeError);
    const textless = new KnownTree(
      FORMAT,
      { size: 1, leaves: [{ index: 0, hash: new Uint8Array(32) }], hashes: [] },
      new Map(),
    );
    expect(textless.hashes.hash({ start: 0, end: 1 })).toEqual(new Uint8Array(32));
    expect(() => textless.leaf(0)).toThrow(RangeError);
  });
});

test("the path of a subtree's first leaf has the hashes that lead to the root from all of its leaves", () => {
  for (const size of SIZES)
    for (let width = 1; width <= size; width *= 2)
      for (let start = 0; start + width <= size; start += width) {
        const tree = treeOf(size);
        const range = { start, end: start + width };
        const path = membershipRanges(start, size).map((one) => tree.hashes.hash(one));
        const hashes = hashesAround(range, size, path);
        expect(hashes).toEqual(provenLeaves(tree, between(start, start + width)).hashes);
        const leaves = between(start, start + width).map((index) => ({ index, bytes: tree.leaf(index) }));
        expect(isInTree({ leaves, hashes: hashes ?? [] }, { treeSize: size, rootHash: tree.root }, FORMAT)).toBe(true);
        expect(hashesAround(range, size, [...path, new Uint8Array(32)])).toBeUndefined();
      }
});

test("leaves up to any place of a tree show the root that it had before the first of them", () => {
  for (const size of SIZES)
    for (let start = 1; start < size; start++)
      for (const end of [start + 1, size]) {
        const proven = provenLeaves(treeOf(size), between(start, end));
        expect([size, start, rootBefore(FORMAT, size, proven)]).toEqual([size, start, treeOf(start).root]);
      }
  expect(rootBefore(FORMAT, 3, provenLeaves(treeOf(3), [0, 1]))).toBeUndefined();
  expect(rootBefore(FORMAT, 3, { leaves: [], hashes: [] })).toBeUndefined();
});
