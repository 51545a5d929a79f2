import { equalBytes, HASH_BYTES } from "./bytes.js";
import type { LogFormat } from "./format.js";
import type { NodeId } from "./tree.js";

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
export function addToTile(
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
  return 2 ** (TILE_HEIGHT - row);
}

/** The rows below hold 256, 128, … hashes: 512 less twice the row's own width. */
function nodeOffset(row: number, column: number): number {
  return (2 * (TILE_WIDTH - rowWidth(row)) + column) * HASH_BYTES;
}
