import type { LogFormat } from "./format.js";

/** The perfect subtree of 2^level leaves that starts at leaf index * 2^level. Leaves are level 0. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

/** Leaves from `start` to `end`, exclusive. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

export const MAX_TREE_SIZE = Number.MAX_SAFE_INTEGER;

/** Whether a number can be a tree's size: an integer from 0 to 2^53 - 1. */
export function isTreeSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Where a tree of `size` >= 2 leaves splits: the largest power of two below size (RFC 9162 section 2.1.1). */
export function splitPoint(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** The perfect subtrees that make up a range, left to right, each as large as its start and the range's end allow. */
export function perfectSubtrees(range: LeafRange): readonly NodeId[] {
  const subtrees: NodeId[] = [];
  let start = range.start;
  while (start < range.end) {
    const level = largestLevel(start, range.end);
    subtrees.push({ level, index: start / 2 ** level });
    start += 2 ** level;
  }
  return subtrees;
}

/**
 * The hash of a range from the hashes of its perfect subtrees, left to right. The range must be one that RFC 9162
 * splits a tree into, so that its subtrees shrink from left to right. Throws a RangeError when there are no hashes.
 */
export function foldSubtrees(format: LogFormat, hashes: readonly Uint8Array[]): Uint8Array {
  const last = hashes[hashes.length - 1];
  if (last === undefined) throw new RangeError("an empty range has no hash");
  return hashes.slice(0, -1).reduceRight((right, left) => format.nodeHash(left, right), last);
}

/** The Merkle tree hash of leaf hashes (RFC 9162 section 2.1.1). */
export function treeRoot(format: LogFormat, leafHashes: readonly Uint8Array[]): Uint8Array {
  let row = leafHashes;
  while (row.length > 1) row = rowAbove(format, row);
  return row[0] ?? format.emptyRoot;
}

/** A row's parents. An odd last node moves up unchanged, which gives the shape that RFC 9162 defines from the top. */
function rowAbove(format: LogFormat, row: readonly Uint8Array[]): readonly Uint8Array[] {
  const above: Uint8Array[] = [];
  let left: Uint8Array | undefined;
  for (const hash of row) {
    if (left === undefined) left = hash;
    else {
      above.push(format.nodeHash(left, hash));
      left = undefined;
    }
  }
  if (left !== undefined) above.push(left);
  return above;
}

function largestLevel(start: number, end: number): number {
  let level = 0;
  while (start % 2 ** (level + 1) === 0 && start + 2 ** (level + 1) <= end) level += 1;
  return level;
}
