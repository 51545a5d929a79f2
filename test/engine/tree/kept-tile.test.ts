import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { HASH_BYTES, utf8 } from "../../../src/core/bytes.js";
import { logFormat, type LogFormat } from "../../../src/core/format.js";
import { buildTile, TILE_WIDTH } from "../../../src/core/tree.js";
import { KeptTile } from "../../../src/engine/tree/kept-tile.js";
import { provenLeaf } from "./proven-leaf.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { flipped } from "./damaged-store.js";

const FORMAT = logFormat("rfc6962", nodeSha256);
const LEAVES = Array.from({ length: TILE_WIDTH }, (_, column) => FORMAT.leafHash(utf8(`leaf ${column}`)));
const TILE = buildTile(FORMAT, LEAVES);
const TOP = TILE.slice(-HASH_BYTES);
const NODES = 2 * TILE_WIDTH - 1;

/** The format, counting the nodes that it hashes. */
function counting(): { readonly format: LogFormat; readonly hashed: () => number } {
  let hashed = 0;
  return {
    format: { ...FORMAT, nodeHash: (left, right) => ((hashed += 1), FORMAT.nodeHash(left, right)) },
    hashed: () => hashed,
  };
}

describe("a tile in memory", () => {
  test("gives a genuine leaf or none, whatever of it was changed and whatever was asked before", () => {
    const column = fc.nat(TILE_WIDTH - 1);
    const damage = fc.option(fc.record({ node: fc.nat(NODES - 1), byte: fc.nat(HASH_BYTES - 1) }));
    fc.assert(
      fc.property(damage, fc.array(column, { minLength: 1, maxLength: 40 }), (damaged, columns) => {
        const bytes = damaged === null ? TILE : flipped(TILE, damaged.node * HASH_BYTES + damaged.byte);
        const tile = new KeptTile(bytes);
        for (const at of columns) {
          const before = provenLeaf(tile, at);
          if (before !== undefined) expect(before).toEqual(LEAVES[at]);
          const leaf = tile.leaf(FORMAT, at, () => TOP);
          if (leaf !== undefined || damaged === null) expect(leaf).toEqual(LEAVES[at]);
          expect(provenLeaf(tile, at)).toEqual(leaf);
        }
      }),
    );
  });

  test("gives no leaf whose way up has a single byte changed", () => {
    const rows = Array.from({ length: 9 }, (_, row) => 2 * (TILE_WIDTH - 2 ** (8 - row)) + (9 >> row));
    for (const node of rows)
      for (let byte = 0; byte < HASH_BYTES; byte++)
        expect(new KeptTile(flipped(TILE, node * HASH_BYTES + byte)).leaf(FORMAT, 9, () => TOP)).toBeUndefined();
  });

  test("gives no leaf that leads to another top, or while there is none, and each of them once it leads there", () => {
    const tile = new KeptTile(TILE);
    const other = flipped(TOP, HASH_BYTES - 1);
    for (const top of [undefined, other]) expect(tile.leaf(FORMAT, 7, () => top)).toBeUndefined();
    expect(LEAVES.map((_, at) => provenLeaf(tile, at))).toEqual(LEAVES.map(() => undefined));
    expect(LEAVES.map((_, at) => tile.leaf(FORMAT, at, () => TOP))).toEqual(LEAVES);
  });

  test("proves a leaf with the one beside it, and no other", () => {
    for (const pair of [0, 7, 127]) {
      for (const at of [2 * pair, 2 * pair + 1]) {
        const tile = new KeptTile(TILE);
        tile.leaf(FORMAT, at, () => TOP);
        const known = LEAVES.map((_, column) => column).filter((column) => provenLeaf(tile, column) !== undefined);
        expect(known).toEqual([2 * pair, 2 * pair + 1]);
      }
    }
  });

  test("hashes each node once, and asks for its top once", () => {
    const { format, hashed } = counting();
    const tile = new KeptTile(TILE);
    let asked = 0;
    const top = (): Uint8Array => ((asked += 1), TOP);
    tile.leaf(format, 9, top);
    expect([hashed(), asked]).toEqual([8, 1]);
    for (let column = 0; column < TILE_WIDTH; column++) tile.leaf(format, column, top);
    expect([hashed(), asked]).toEqual([TILE_WIDTH - 1, 1]);
  });

  test("that was built here is proven", () => {
    const tile = KeptTile.proven(TILE);
    expect(LEAVES.map((_, at) => provenLeaf(tile, at))).toEqual(LEAVES);
  });
});
