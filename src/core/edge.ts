import { HASH_BYTES } from "./bytes.js";
import type { LogFormat } from "./format.js";
import { addToTile, placeOfNode, TILE_BYTES, TILE_WIDTH, tileNode, type TileId } from "./tile.js";
import { foldSubtrees, isTreeSize, perfectSubtrees, type NodeId } from "./tree.js";

/** A tile that an append completed. */
export interface FullTile {
  readonly id: TileId;
  /** TILE_BYTES long; a copy that the caller owns. */
  readonly bytes: Uint8Array;
}

/** A tile being filled. `filled` counts the lowest row's hashes that any edge sharing this tile has written. */
interface OpenTile {
  readonly bytes: Uint8Array;
  filled: number;
}

/**
 * The right edge of a tree: its incomplete tiles, one per tile level. That is enough to append and to compute the root.
 * Immutable: `append` returns a new edge, and the old one remains valid for the old tree.
 * Edges share their open tiles. A tile only grows, and each edge reads only the part that its own size covers; an edge
 * that finds a tile longer than its own part (an earlier append from it was given up) continues with a copy.
 */
export class TreeEdge {
  private constructor(
    private readonly format: LogFormat,
    readonly size: number,
    private readonly tiles: readonly OpenTile[],
  ) {}

  static empty(format: LogFormat): TreeEdge {
    return new TreeEdge(format, 0, []);
  }

  /**
   * Restores the edge of a tree of `size` leaves. `rows[L]` is the packed lowest row of the incomplete tile at tile
   * level L: the last floor(size / 256^L) mod 256 nodes of tree level 8L, for every L with 256^L <= size. Throws a
   * RangeError when a row is missing or has another length.
   */
  static restore(format: LogFormat, size: number, rows: readonly Uint8Array[]): TreeEdge {
    if (!isTreeSize(size)) throw new RangeError(`not a tree size: ${size}`);
    const tiles: OpenTile[] = [];
    for (let level = 0; nodesAt(level, size) > 0; level += 1) {
      tiles.push(restoreTile(format, rows[level] ?? new Uint8Array(), nodesAt(level, size) % TILE_WIDTH));
    }
    return new TreeEdge(format, size, tiles);
  }

  /** The tree's root, computed with at most log2(size) hashes. */
  root(): Uint8Array {
    if (this.size === 0) return this.format.emptyRoot;
    const peaks = perfectSubtrees({ start: 0, end: this.size }).map((id) => this.peak(id));
    return foldSubtrees(this.format, peaks);
  }

  /** The hash of a node inside an incomplete tile; undefined for any other node, those of complete tiles included. */
  node(id: NodeId): Uint8Array | undefined {
    const { tile, row, column } = placeOfNode(id);
    const complete = Math.floor(this.size / 2 ** id.level);
    const isOpen = tile.index === nodesAt(tile.level + 1, this.size);
    const open = isOpen && id.index < complete ? this.tiles[tile.level] : undefined;
    return open && tileNode(open.bytes, row, column);
  }

  /** Returns the edge with leaves added on the right, and the tiles that this completed. About one hash per leaf. */
  append(leafHashes: readonly Uint8Array[]): { readonly edge: TreeEdge; readonly tiles: readonly FullTile[] } {
    const tiles = [...this.tiles];
    const full: FullTile[] = [];
    let size = this.size;
    for (const hash of leafHashes) {
      this.push({ tiles, full, size }, hash);
      size += 1;
    }
    if (!isTreeSize(size)) throw new RangeError("a tree has at most 2^53 - 1 leaves");
    return { edge: new TreeEdge(this.format, size, tiles), tiles: full };
  }

  private peak(id: NodeId): Uint8Array {
    const hash = this.node(id);
    if (hash === undefined) throw new Error(`the edge of ${this.size} leaves has no node ${id.level}/${id.index}`);
    return hash;
  }

  /** Adds one leaf. A tile that it fills is emitted, and its top becomes a hash of the level above. */
  private push(state: Growth, leafHash: Uint8Array): void {
    let hash = leafHash;
    for (let level = 0; ; level += 1) {
      const nodes = nodesAt(level, state.size);
      const column = nodes % TILE_WIDTH;
      const tile = ownTile(state.tiles[level], column);
      state.tiles[level] = tile;
      addToTile(this.format, tile.bytes, { column, hash });
      tile.filled = column + 1;
      if (tile.filled < TILE_WIDTH) return;
      state.tiles[level] = emptyTile();
      state.full.push({ id: { level, index: Math.floor(nodes / TILE_WIDTH) }, bytes: tile.bytes.slice() });
      hash = tile.bytes.slice(-HASH_BYTES);
    }
  }
}

/** An append in progress: the open tiles of the new edge, the tiles completed so far, the leaves so far. */
interface Growth {
  readonly tiles: OpenTile[];
  readonly full: FullTile[];
  readonly size: number;
}

/** The number of complete nodes of tree level 8 * tileLevel in a tree of `size` leaves. */
function nodesAt(tileLevel: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** tileLevel);
}

function emptyTile(): OpenTile {
  return { bytes: new Uint8Array(TILE_BYTES), filled: 0 };
}

/** The tile to write the hash of `column` into: the given one if that column is still free, else a copy. */
function ownTile(tile: OpenTile | undefined, column: number): OpenTile {
  if (tile === undefined) return emptyTile();
  return tile.filled === column ? tile : { bytes: tile.bytes.slice(), filled: column };
}

function restoreTile(format: LogFormat, row: Uint8Array, count: number): OpenTile {
  if (row.length !== count * HASH_BYTES) {
    throw new RangeError(`expected a row of ${count} hashes, got ${row.length} bytes`);
  }
  const tile = emptyTile();
  for (let column = 0; column < count; column += 1) {
    addToTile(format, tile.bytes, { column, hash: row.subarray(column * HASH_BYTES, (column + 1) * HASH_BYTES) });
  }
  tile.filled = count;
  return tile;
}
