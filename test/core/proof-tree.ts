import fc from "fast-check";
import type { LogFormat } from "../../src/core/format.js";
import {
  consistencyRanges,
  membershipRanges,
  subtreeRanges,
  type ConsistencyProof,
  type MembershipProof,
} from "../../src/core/proof.js";
import { treeRoot, type LeafRange } from "../../src/core/tree.js";
import { leaves } from "./naive-tree.js";

export const LEAVES = leaves(130);

/** A tree in memory that makes every proof of the first 130 leaves, as a server would. */
export class ProofTree {
  private readonly hashes = new Map<string, Uint8Array>();

  constructor(readonly format: LogFormat) {}

  hash({ start, end }: LeafRange): Uint8Array {
    const key = `${start}-${end}`;
    const hash = this.hashes.get(key) ?? treeRoot(this.format, LEAVES.slice(start, end));
    this.hashes.set(key, hash);
    return hash;
  }

  root(size: number): Uint8Array {
    return this.hash({ start: 0, end: size });
  }

  membership(leafIndex: number, treeSize: number): MembershipProof {
    return {
      leafIndex,
      treeSize,
      leafHash: this.hash({ start: leafIndex, end: leafIndex + 1 }),
      rootHash: this.root(treeSize),
      path: membershipRanges(leafIndex, treeSize).map((range) => this.hash(range)),
    };
  }

  consistency(fromSize: number, toSize: number): ConsistencyProof {
    return {
      fromSize,
      toSize,
      fromHash: this.root(fromSize),
      toHash: this.root(toSize),
      path: consistencyRanges(fromSize, toSize).map((range) => this.hash(range)),
      subtreePaths: subtreeRanges(fromSize, toSize).map(({ subtree, path }) => ({
        start: subtree.start,
        size: subtree.end - subtree.start,
        hash: this.hash(subtree),
        path: path.map((range) => this.hash(range)),
      })),
    };
  }
}

/** A leaf index and the size of a tree that has it. */
export const leafInTree = fc
  .integer({ min: 1, max: 130 })
  .chain((treeSize) => fc.tuple(fc.nat(treeSize - 1), fc.constant(treeSize)));

/** A tree size and one that is as large or larger. */
export const treeInTree = fc
  .integer({ min: 1, max: 130 })
  .chain((toSize) => fc.tuple(fc.integer({ min: 1, max: toSize }), fc.constant(toSize)));
