/** That a leaf is in the tree of a size. `path` is in RFC 9162 section 2.1.3.1 order, from the leaf's sibling to the root's child. */
export interface MembershipProof {
  readonly leafIndex: number;
  readonly treeSize: number;
  readonly leafHash: Uint8Array;
  readonly rootHash: Uint8Array;
  readonly path: readonly Uint8Array[];
}

/** That the tree of `fromSize` is a prefix of the tree of `toSize`. `path` is in RFC 9162 section 2.1.4.1 order. */
export interface ConsistencyProof {
  readonly fromSize: number;
  readonly toSize: number;
  readonly fromHash: Uint8Array;
  readonly toHash: Uint8Array;
  readonly path: readonly Uint8Array[];
  /** The items of the Pangea protocol's text form (protocol section 4.3), smallest old subtree first; empty when fromSize = toSize. */
  readonly subtreePaths: readonly SubtreePath[];
}

/** One item of a Pangea consistency proof: a perfect subtree of the old tree and its membership path in the new one. */
export interface SubtreePath {
  readonly start: number;
  readonly size: number;
  readonly hash: Uint8Array;
  readonly path: readonly Uint8Array[];
}
