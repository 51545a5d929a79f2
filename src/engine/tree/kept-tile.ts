import { equalBytes, HASH_BYTES } from "../../core/bytes.js";
import type { LogFormat } from "../../core/format.js";
import { TILE_HEIGHT, TILE_WIDTH, tileNode } from "../../core/tree.js";

/** A full tile in memory, and which of its nodes are proven to lead to the tile's top under the signed root. */
export class KeptTile {
  /** A bit for each node, by its place in the tile: 64 bytes cost a tenth of what 511 do. */
  readonly #proven = new Uint8Array((2 * TILE_WIDTH) / 8);

  constructor(readonly bytes: Uint8Array) {}

  /** A tile that was built here from hashes that lead to the signed root. */
  static proven(bytes: Uint8Array): KeptTile {
    const tile = new KeptTile(bytes);
    tile.#proven.fill(0xff);
    return tile;
  }

  /**
   * The hash of a leaf of the tile, a column of its lowest row, if the hashes above it lead to the tile's top and that
   * equals `top`; else undefined. Each node is hashed once, because what is proven stays proven.
   */
  leaf(format: LogFormat, column: number, top: () => Uint8Array | undefined): Uint8Array | undefined {
    const leaf = tileNode(this.bytes, 0, column);
    let [row, at, node] = [0, column, leaf];
    while (row < TILE_HEIGHT && !this.#isProven(row, at)) {
      const isLeft = at % 2 === 0;
      const sibling = tileNode(this.bytes, row, beside(at));
      const hash = isLeft ? format.nodeHash(node, sibling) : format.nodeHash(sibling, node);
      [row, at, node] = [row + 1, at >> 1, hash];
      if (!this.#holds(row, at, hash)) return undefined;
    }
    if (!this.#isProven(row, at)) {
      const expected = top();
      if (expected === undefined || !equalBytes(node, expected)) return undefined;
      this.#prove(row, at);
    }
    this.#provePath(column, row);
    return leaf;
  }

  /** A leaf's path below a row that is proven, and what stands beside it. */
  #provePath(column: number, end: number): void {
    for (let [row, at] = [0, column]; row < end; row++, at >>= 1) {
      this.#prove(row, at);
      this.#prove(row, beside(at));
    }
  }

  #isProven(row: number, column: number): boolean {
    const place = placeOf(row, column);
    return ((this.#proven[place >> 3] ?? 0) & (1 << (place & 7))) !== 0;
  }

  #prove(row: number, column: number): void {
    const place = placeOf(row, column);
    this.#proven[place >> 3] = (this.#proven[place >> 3] ?? 0) | (1 << (place & 7));
  }

  /** Compares in place: a view of the node would cost a third of hashing it. */
  #holds(row: number, column: number, hash: Uint8Array): boolean {
    const start = placeOf(row, column) * HASH_BYTES;
    for (let i = 0; i < HASH_BYTES; i++) if (this.bytes[start + i] !== hash[i]) return false;
    return true;
  }
}

/** The column of a node's sibling. */
function beside(column: number): number {
  return column ^ 1;
}

/** The rows below hold 256, 128, … nodes. */
function placeOf(row: number, column: number): number {
  return 2 * (TILE_WIDTH - (1 << (TILE_HEIGHT - row))) + column;
}
