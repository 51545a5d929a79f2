import {
  TreeEdge,
  placeOfNode,
  tileNode,
  foldSubtrees,
  perfectSubtrees,
  type FullTile,
  type LeafRange,
  type NodeId,
} from "../tree.js";
import type { LogFormat } from "../format.js";

/** Hashes of a tree that a proof takes its siblings from. */
export interface TreeHashes {
  /** The hash of a range that RFC 9162 splits the tree into. */
  hash(range: LeafRange): Uint8Array;
}

/** A whole tree in memory, twice as large as its leaf hashes: worth keeping for segments that are proven often. */
export class HashTree implements TreeHashes {
  readonly #edge: TreeEdge;
  readonly #tiles = new Map<string, FullTile>();

  constructor(
    private readonly format: LogFormat,
    leafHashes: readonly Uint8Array[],
  ) {
    const { edge, tiles } = TreeEdge.empty(format).append(leafHashes);
    this.#edge = edge;
    for (const tile of tiles) this.#tiles.set(`${tile.id.level}/${tile.id.index}`, tile);
  }

  get size(): number {
    return this.#edge.size;
  }

  root(): Uint8Array {
    return this.#edge.root();
  }

  hash(range: LeafRange): Uint8Array {
    return foldSubtrees(
      this.format,
      perfectSubtrees(range).map((id) => this.#node(id)),
    );
  }

  #node(id: NodeId): Uint8Array {
    const { tile, row, column } = placeOfNode(id);
    const full = this.#tiles.get(`${tile.level}/${tile.index}`);
    const hash = full === undefined ? this.#edge.node(id) : tileNode(full.bytes, row, column);
    if (hash === undefined)
      throw new RangeError(`a tree of ${this.#edge.size} leaves has no node ${id.level}/${id.index}`);
    return hash;
  }
}
