/** The perfect subtree of 2^level leaves that starts at leaf index * 2^level. Level 0 are the leaves. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

/** Leaves from `start` up to, not including, `end`. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

export const MAX_TREE_SIZE = Number.MAX_SAFE_INTEGER;
