import type { TreeHashes } from "./hash-tree.js";
import { multiproofRanges } from "./multiproof.js";
import type { ProvenLeaves } from "./proof-document.js";

/** A tree whose leaves can be shown. */
export interface Provable {
  readonly size: number;
  readonly hashes: TreeHashes;
  /** The bytes of a leaf. */
  leaf(index: number): Uint8Array;
}

/** Leaves of a tree with the hashes that lead from exactly these to its root. */
export function provenLeaves(tree: Provable, indexes: readonly number[]): ProvenLeaves {
  const leaves = indexes.map((index) => ({ index, bytes: tree.leaf(index) }));
  return { leaves, hashes: siblings(tree, indexes) };
}

/** The hashes that lead from leaves of a tree to its root. */
export function siblings({ size, hashes }: Omit<Provable, "leaf">, leaves: readonly number[]): readonly Uint8Array[] {
  if (leaves.length === 0) return [];
  return multiproofRanges(leaves, size).map((range) => hashes.hash(range));
}
