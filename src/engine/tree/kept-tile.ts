import { equalBytes, HASH_BYTES } from "../../core/bytes.js";
import type { LogFormat } from "../../core/format.js";
import { TILE_HEIGHT, TILE_WIDTH, tileNode } from "../../core/tree.js";

/** A full tile in memory, and which of its nodes are proven to lead to the tile's top under the signed root. */
export class KeptTile {
  /** By the node's place in the tile: 1 where it is proven. */
  readonly #proven: Uint8Array;

  constructor(readonly bytes: Uint8Array) {
    this.#proven = new Uint8Array(bytes.length / HASH_BYTES);
  }

  /** A tile that was built here from hashes that lead to the signed root. */
  static proven(bytes: Uint8Array): KeptTile {
    const tile = new KeptTile(bytes);
    tile.#proven.fill(1);
    return tile;
  }

  /** The hash of a leaf that was proven before; else undefined. */
  provenLeaf(column: number): Uint8Array | undefined {
    return this.#proven[column] === 1 ? tileNode(this.bytes, 0, column) : undefined;
  }

  /**
   * The hash of a leaf of the tile, a column of its lowest row, if the hashes above it lead to the tile's top and that
   * equals `top`; else undefined. Each node is hashed once, because what is proven stays proven.
   */
  leaf(format: LogFormat, column: number, top: () => Uint8Array | undefined): Uint8Array | undefined {
    const leaf = tileNode(this.bytes, 0, column);
    const climbed: number[] = [];
    let [row, at, node] = [0, column, leaf];
    while (this.#proven[placeOf(row, at)] === 0) {
      climbed.push(placeOf(row, at));
      if (row === TILE_HEIGHT) {
        const expected = top();
        if (expected === undefined || !equalBytes(node, expected)) return undefined;
        break;
      }
      const isLeft = at % 2 === 0;
      const beside = isLeft ? at + 1 : at - 1;
      const sibling = tileNode(this.bytes, row, beside);
      const hash = isLeft ? format.nodeHash(node, sibling) : format.nodeHash(sibling, node);
      const above = (at - (at % 2)) / 2;
      if (!this.#holds(row + 1, above, hash)) return undefined;
      climbed.push(placeOf(row, beside));
      [row, at, node] = [row + 1, above, hash];
    }
    for (const place of climbed) this.#proven[place] = 1;
    return leaf;
  }

  /** Compares in place: a view of the node would cost a third of hashing it. */
  #holds(row: number, column: number, hash: Uint8Array): boolean {
    const start = placeOf(row, column) * HASH_BYTES;
    for (let i = 0; i < HASH_BYTES; i++) if (this.bytes[start + i] !== hash[i]) return false;
    return true;
  }
}

/** The rows below hold 256, 128, … nodes. */
function placeOf(row: number, column: number): number {
  return 2 * (TILE_WIDTH - 2 ** (TILE_HEIGHT - row)) + column;
}
