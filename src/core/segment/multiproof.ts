import type { LogFormat } from "../format.js";
import { splitPoint, type LeafRange } from "../tree.js";

/** A leaf that a multiproof shows to be in a tree. */
export interface ProvenLeaf {
  readonly index: number;
  readonly hash: Uint8Array;
}

/**
 * The subtrees whose hashes lead from several leaves of a tree of `size` leaves to its root, left to right: the largest
 * in which none of the leaves is. `leaves` rise, and there is at least one.
 */
export function multiproofRanges(leaves: readonly number[], size: number): readonly LeafRange[] {
  const ranges: LeafRange[] = [];
  const walk = (range: LeafRange, from: number, to: number): void => {
    if (from === to) {
      ranges.push(range);
      return;
    }
    if (range.end - range.start === 1) return;
    const middle = range.start + splitPoint(range.end - range.start);
    const split = firstNotBelow(leaves, middle, { start: from, end: to });
    walk({ start: range.start, end: middle }, from, split);
    walk({ start: middle, end: range.end }, split, to);
  };
  walk({ start: 0, end: size }, 0, leaves.length);
  return ranges;
}

/**
 * The root that leaves and the hashes of `multiproofRanges` lead to; undefined if a hash is missing or left over, a
 * leaf is outside the tree, or the leaves are not in ascending order.
 */
export function multiproofRoot(
  format: LogFormat,
  tree: { readonly size: number; readonly leaves: readonly ProvenLeaf[] },
  hashes: readonly Uint8Array[],
): Uint8Array | undefined {
  const { size, leaves } = tree;
  const rises = leaves.every(({ index }, place) => index > (leaves[place - 1]?.index ?? -1) && index < size);
  if (leaves.length === 0 || !rises) return undefined;
  const indexes = leaves.map(({ index }) => index);
  let used = 0;
  const hashOf = (range: LeafRange, from: number, to: number): Uint8Array | undefined => {
    if (from === to) return hashes[used++];
    if (range.end - range.start === 1) return leaves[from]?.hash;
    const middle = range.start + splitPoint(range.end - range.start);
    const split = firstNotBelow(indexes, middle, { start: from, end: to });
    const left = hashOf({ start: range.start, end: middle }, from, split);
    const right = left && hashOf({ start: middle, end: range.end }, split, to);
    return left && right && format.nodeHash(left, right);
  };
  const root = hashOf({ start: 0, end: size }, 0, leaves.length);
  return used === hashes.length ? root : undefined;
}

function firstNotBelow(leaves: readonly number[], least: number, { start, end }: LeafRange): number {
  let [low, high] = [start, end];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((leaves[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
