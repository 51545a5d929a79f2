import { equalBytes } from "../../core/bytes.js";
import type { LogFormat } from "../../core/format.js";
import { TILE_HEIGHT, TILE_WIDTH, tileNode } from "../../core/tile.js";

const NODES = 2 * TILE_WIDTH - 1;

/** A full tile in memory, and which of its nodes are known to lead to the tile's top, proven by the signed root. */
export class KeptTile {
  readonly #proven = new Uint8Array(NODES);

  constructor(readonly bytes: Uint8Array) {}

  /** A tile that was made here, from hashes that lead to the signed root. */
  static proven(bytes: Uint8Array): KeptTile {
    const tile = new KeptTile(bytes);
    tile.#proven.fill(1);
    return tile;
  }

  /**
   * The hash of a leaf of the tile, a column of its lowest row, once the hashes on its way up lead to the tile's top, and
   * that is the `top` asked for; else undefined. Each node is hashed once: what was proven stays so.
   */
  leaf(format: LogFormat, column: number, top: () => Uint8Array | undefined): Uint8Array | undefined {
    const climbed: number[] = [];
    let [row, at] = [0, column];
    while (this.#proven[placeOf(row, at)] === 0) {
      climbed.push(placeOf(row, at));
      if (row === TILE_HEIGHT) {
        const expected = top();
        if (expected === undefined || !equalBytes(this.#node(row, at), expected)) return undefined;
        break;
      }
      const left = at - (at % 2);
      const above = (at - (at % 2)) / 2;
      const hash = format.nodeHash(this.#node(row, left), this.#node(row, left + 1));
      if (!equalBytes(hash, this.#node(row + 1, above))) return undefined;
      climbed.push(placeOf(row, at === left ? left + 1 : left));
      [row, at] = [row + 1, above];
    }
    for (const place of climbed) this.#proven[place] = 1;
    return this.#node(0, column);
  }

  #node(row: number, column: number): Uint8Array {
    return tileNode(this.bytes, row, column);
  }
}

/** Below a row lie rows of 256, 128, … nodes. */
function placeOf(row: number, column: number): number {
  return 2 * (TILE_WIDTH - 2 ** (TILE_HEIGHT - row)) + column;
}
