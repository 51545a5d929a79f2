import { equalBytes, HASH_BYTES } from "./bytes.js";
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

/** Levels in one tile: a tile at tile level L holds nodes of levels 8L to 8L+8. */
export const TILE_HEIGHT = 8;
/** Nodes in a full tile's lowest row. */
export const TILE_WIDTH = 256;
/** A full tile: rows of 256, 128, … 1 hashes, the lowest row first. */
export const TILE_BYTES = (2 * TILE_WIDTH - 1) * HASH_BYTES;

/** A tile's place: the index-th tile of a tile level. It covers the 256 nodes from (8 * level, 256 * index). */
export interface TileId {
  readonly level: number;
  readonly index: number;
}

/** A node's place in its tile: row 0 is the lowest, with 256 columns; each row above has half as many. */
export interface TilePlace {
  readonly tile: TileId;
  readonly row: number;
  readonly column: number;
}

/** Returns the tile that holds a node. A tile's top, row 8, is found as a lowest-row node of the tile above it. */
export function placeOfNode(node: NodeId): TilePlace {
  const row = node.level % TILE_HEIGHT;
  const width = rowWidth(row);
  return {
    tile: { level: (node.level - row) / TILE_HEIGHT, index: Math.floor(node.index / width) },
    row,
    column: node.index % width,
  };
}

/** One node of a tile: a 32-byte view into its bytes. */
export function tileNode(bytes: Uint8Array, row: number, column: number): Uint8Array {
  const offset = nodeOffset(row, column);
  return bytes.subarray(offset, offset + HASH_BYTES);
}

/** Builds a full tile from its lowest row. Throws a RangeError unless it has 256 hashes. */
export function buildTile(format: LogFormat, row: readonly Uint8Array[]): Uint8Array {
  if (row.length !== TILE_WIDTH) throw new RangeError(`a tile's row has ${TILE_WIDTH} hashes, got ${row.length}`);
  const bytes = new Uint8Array(TILE_BYTES);
  row.forEach((hash, column) => {
    addToTile(format, bytes, { column, hash });
  });
  return bytes;
}

/** Whether stored bytes are a tile in which every inner node is the hash of its two children. */
export function tileIsSound(format: LogFormat, bytes: Uint8Array): boolean {
  if (bytes.length !== TILE_BYTES) return false;
  const lowest = Array.from({ length: TILE_WIDTH }, (_, column) => tileNode(bytes, 0, column));
  return equalBytes(buildTile(format, lowest), bytes);
}

/** Writes the next hash of the lowest row into an incomplete tile, with every node above that this completes. */
function addToTile(
  format: LogFormat,
  bytes: Uint8Array,
  next: { readonly column: number; readonly hash: Uint8Array },
): void {
  let { column, hash } = next;
  for (let row = 0; ; row += 1) {
    bytes.set(hash, nodeOffset(row, column));
    if (column % 2 === 0) return;
    hash = format.nodeHash(tileNode(bytes, row, column - 1), hash);
    column = (column - 1) / 2;
  }
}

function rowWidth(row: number): number {
  return 1 << (TILE_HEIGHT - row);
}

/** The rows below hold 256, 128, … hashes: 512 less twice the row's own width. */
function nodeOffset(row: number, column: number): number {
  return (2 * (TILE_WIDTH - rowWidth(row)) + column) * HASH_BYTES;
}

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
