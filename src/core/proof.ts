import { equalBytes, HASH_BYTES } from "./bytes.js";
import type { LogFormat } from "./format.js";
import { isTreeSize, perfectSubtrees, splitPoint, type LeafRange } from "./tree.js";
import { invalid, unknown, VALID, type Verdict } from "./verdict.js";

/**
 * Proves that a leaf is in a tree: the inclusion proof of RFC 9162, which the Pangea protocol and this API call a
 * membership proof. `path` is in section 2.1.3.1 order, from the leaf's sibling to the root's child.
 */
export interface MembershipProof {
  readonly leafIndex: number;
  readonly treeSize: number;
  readonly leafHash: Uint8Array;
  readonly rootHash: Uint8Array;
  readonly path: readonly Uint8Array[];
}

/**
 * Proves that the tree of `fromSize` is a prefix of the tree of `toSize`. `path` is in RFC 9162 section 2.1.4.1 order.
 */
export interface ConsistencyPath {
  readonly fromSize: number;
  readonly toSize: number;
  readonly fromHash: Uint8Array;
  readonly toHash: Uint8Array;
  readonly path: readonly Uint8Array[];
}

export interface ConsistencyProof extends ConsistencyPath {
  /**
   * The items of the Pangea protocol's text form (section 4.3), smallest old subtree first; empty when fromSize =
   * toSize.
   */
  readonly subtreePaths: readonly SubtreePath[];
}

/** One item of a Pangea consistency proof: a perfect subtree of the old tree and its membership path in the new one. */
export interface SubtreePath {
  readonly start: number;
  readonly size: number;
  readonly hash: Uint8Array;
  readonly path: readonly Uint8Array[];
}

/** A perfect subtree of an old tree, and the ranges whose hashes lead from it to a newer tree's root. */
export interface SubtreeRanges {
  readonly subtree: LeafRange;
  readonly path: readonly LeafRange[];
}

/** Whether a tree of that size has that leaf: 0 <= leafIndex < treeSize <= 2^53 - 1. */
export function isLeafOf(leafIndex: number, treeSize: number): boolean {
  return isTreeSize(leafIndex) && isTreeSize(treeSize) && leafIndex < treeSize;
}

/** Whether a proof from one size to the other can exist: 1 <= fromSize <= toSize <= 2^53 - 1. */
export function isPrefix(fromSize: number, toSize: number): boolean {
  return isTreeSize(fromSize) && isTreeSize(toSize) && fromSize >= 1 && fromSize <= toSize;
}

/** The ranges whose hashes form a leaf's path, in path order. Throws a RangeError unless 0 <= leafIndex < treeSize. */
export function membershipRanges(leafIndex: number, treeSize: number): readonly LeafRange[] {
  if (!isLeafOf(leafIndex, treeSize)) throw new RangeError(`no leaf ${leafIndex} in a tree of ${treeSize}`);
  return pathRanges({ start: leafIndex, end: leafIndex + 1 }, treeSize);
}

/**
 * The ranges whose hashes form a consistency path, in path order; none when the sizes are equal. Throws a RangeError
 * unless 1 <= fromSize <= toSize.
 */
export function consistencyRanges(fromSize: number, toSize: number): readonly LeafRange[] {
  if (!isPrefix(fromSize, toSize)) throw new RangeError(`no tree of ${fromSize} in a tree of ${toSize}`);
  if (fromSize === toSize) return [];
  const last = lastSubtree(fromSize);
  const path = pathRanges(last, toSize);
  // A perfect old tree is itself the last subtree: its hash is the old root, which the verifier already has.
  return last.start === 0 ? path : [last, ...path];
}

/**
 * The Pangea protocol's consistency items (section 4.3): the old tree's perfect subtrees, smallest first; none when the
 * sizes are equal. Throws a RangeError unless 1 <= fromSize <= toSize.
 */
export function subtreeRanges(fromSize: number, toSize: number): readonly SubtreeRanges[] {
  if (!isPrefix(fromSize, toSize)) throw new RangeError(`no tree of ${fromSize} in a tree of ${toSize}`);
  if (fromSize === toSize) return [];
  return oldSubtrees(fromSize)
    .map((subtree) => ({ subtree, path: pathRanges(subtree, toSize) }))
    .reverse();
}

/**
 * Whether the path leads from the leaf to the root. Sides follow from index and size alone (RFC 9162 section 2.1.3.2).
 */
export function membershipVerdict(format: LogFormat, proof: MembershipProof): Verdict {
  if (!isLeafOf(proof.leafIndex, proof.treeSize)) return invalid("INDEX_OUT_OF_RANGE");
  if (!proof.path.every(isHash)) return invalid("PROOF_LENGTH");
  if (!isHash(proof.leafHash)) return invalid("ROOT_MISMATCH");
  const root = membershipRoot(format, proof);
  if (root === undefined) return invalid("PROOF_LENGTH");
  return equalBytes(root, proof.rootHash) ? VALID : invalid("ROOT_MISMATCH");
}

/** Where a leaf's path leads; undefined for a path of another length. A last node without a sibling moves up as it is. */
function membershipRoot(
  format: LogFormat,
  { leafIndex, treeSize, leafHash, path }: MembershipProof,
): Uint8Array | undefined {
  let node = leafHash;
  let used = 0;
  for (let index = leafIndex, last = treeSize - 1; last > 0; index = half(index), last = half(last)) {
    const isRight = index % 2 === 1;
    if (!isRight && index === last) continue;
    const sibling = path[used++];
    if (sibling === undefined) return undefined;
    node = isRight ? format.nodeHash(sibling, node) : format.nodeHash(node, sibling);
  }
  return used === path.length ? node : undefined;
}

function half(index: number): number {
  return Math.floor(index / 2);
}

/**
 * Whether the path rebuilds both roots (RFC 9162 section 2.1.4.2). An old tree without leaves proves nothing: UNKNOWN.
 */
export function consistencyVerdict(format: LogFormat, proof: ConsistencyPath): Verdict {
  if (proof.fromSize === 0 && isTreeSize(proof.toSize)) return unknown("EMPTY_TREE");
  if (!isPrefix(proof.fromSize, proof.toSize)) return invalid("INDEX_OUT_OF_RANGE");
  const ranges = consistencyRanges(proof.fromSize, proof.toSize);
  if (!fits(proof.path, ranges)) return invalid("PROOF_LENGTH");
  if (proof.fromSize === proof.toSize) return sameRoot(proof);
  if (!isHash(proof.fromHash)) return invalid("OLD_ROOT_MISMATCH");
  const roots = climbBoth(format, proof, ranges);
  if (!equalBytes(roots.from, proof.fromHash)) return invalid("OLD_ROOT_MISMATCH");
  return equalBytes(roots.to, proof.toHash) ? VALID : invalid("NEW_ROOT_MISMATCH");
}

/** Whether the Pangea items rebuild the old root and each leads to the new one (protocol section 4.3). */
export function subtreePathsVerdict(format: LogFormat, proof: Omit<ConsistencyProof, "path">): Verdict {
  if (proof.fromSize === 0 && isTreeSize(proof.toSize)) return unknown("EMPTY_TREE");
  if (!isPrefix(proof.fromSize, proof.toSize)) return invalid("INDEX_OUT_OF_RANGE");
  const ranges = subtreeRanges(proof.fromSize, proof.toSize);
  if (ranges.length !== proof.subtreePaths.length) return invalid("PROOF_LENGTH");
  if (proof.fromSize === proof.toSize) return sameRoot(proof);
  return itemsVerdict(format, proof, ranges);
}

/** A climb towards the root: from a node at `start` with `hash`, past the `ranges` whose hashes are `path`. */
interface Climb {
  readonly start: number;
  readonly hash: Uint8Array;
  readonly ranges: readonly LeafRange[];
  readonly path: readonly Uint8Array[];
}

/** The siblings on the way from a node up to the root, lowest first. */
function pathRanges(node: LeafRange, treeSize: number): readonly LeafRange[] {
  const siblings: LeafRange[] = [];
  let start = 0;
  let end = treeSize;
  while (end - start > node.end - node.start) {
    const split = start + splitPoint(end - start);
    if (node.start < split) {
      siblings.push({ start: split, end });
      end = split;
    } else {
      siblings.push({ start, end: split });
      start = split;
    }
  }
  return siblings.reverse();
}

function climb(format: LogFormat, { start, hash, ranges, path }: Climb): Uint8Array {
  return path.reduce((node, sibling, i) => {
    const range = ranges[i];
    return range !== undefined && range.start < start ? format.nodeHash(sibling, node) : format.nodeHash(node, sibling);
  }, hash);
}

/** Left siblings are in both trees, right ones only in the new tree. */
function climbBoth(
  format: LogFormat,
  proof: ConsistencyPath,
  ranges: readonly LeafRange[],
): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const { start } = lastSubtree(proof.fromSize);
  const seeded = start === 0;
  const [first = proof.fromHash, ...rest] = seeded ? [proof.fromHash, ...proof.path] : proof.path;
  const restRanges = seeded ? ranges : ranges.slice(1);
  const inOld = rest.filter((_, i) => isLeftOf(restRanges[i], start));
  const from = inOld.reduce((node, sibling) => format.nodeHash(sibling, node), first);
  return { from, to: climb(format, { start, hash: first, ranges: restRanges, path: rest }) };
}

function itemsVerdict(
  format: LogFormat,
  proof: Omit<ConsistencyProof, "path">,
  ranges: readonly SubtreeRanges[],
): Verdict {
  let old: Uint8Array | undefined;
  for (const [i, { subtree, path: itemRanges }] of ranges.entries()) {
    const item = proof.subtreePaths[i];
    if (item === undefined || !fits(item.path, itemRanges) || !isHash(item.hash)) return invalid("PROOF_LENGTH");
    const root = climb(format, { start: subtree.start, hash: item.hash, ranges: itemRanges, path: item.path });
    if (!equalBytes(root, proof.toHash)) return invalid("NEW_ROOT_MISMATCH");
    old = old === undefined ? item.hash : format.nodeHash(item.hash, old);
  }
  return old !== undefined && equalBytes(old, proof.fromHash) ? VALID : invalid("OLD_ROOT_MISMATCH");
}

function sameRoot(proof: { readonly fromHash: Uint8Array; readonly toHash: Uint8Array }): Verdict {
  return equalBytes(proof.fromHash, proof.toHash) ? VALID : invalid("NEW_ROOT_MISMATCH");
}

function oldSubtrees(fromSize: number): readonly LeafRange[] {
  return perfectSubtrees({ start: 0, end: fromSize }).map(({ level, index }) => ({
    start: index * 2 ** level,
    end: (index + 1) * 2 ** level,
  }));
}

function lastSubtree(fromSize: number): LeafRange {
  const subtrees = oldSubtrees(fromSize);
  return subtrees[subtrees.length - 1] ?? { start: 0, end: 0 };
}

function isLeftOf(range: LeafRange | undefined, start: number): boolean {
  return range !== undefined && range.start < start;
}

function fits(path: readonly Uint8Array[], ranges: readonly LeafRange[]): boolean {
  return path.length === ranges.length && path.every(isHash);
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES;
}
