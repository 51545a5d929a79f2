import { beforeEach, describe, expect, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import { utf8 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { TreeEdge, treeRoot, type FullTile, type LeafRange, type TileId } from "../../../src/core/tree.js";
import { TileReader } from "../../../src/engine/tree/tile-reader.js";
import { provenLeaf } from "./proven-leaf.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { flipped } from "./damaged-store.js";

/** Two full tiles, and some leaves behind them. */
const SIZE = 600;
const [FIRST, SECOND]: readonly TileId[] = [
  { level: 0, index: 0 },
  { level: 0, index: 1 },
];
const format = logFormat("rfc6962", nodeSha256);
const leaves = Array.from({ length: SIZE }, (_, leaf) => format.leafHash(utf8(String(leaf))));
const { edge, tiles } = TreeEdge.empty(format).append(leaves);
const hashOf = ({ start, end }: LeafRange): Uint8Array => treeRoot(format, leaves.slice(start, end));
const bytesOf = ({ index }: TileId): Uint8Array => (tiles[index] ?? nothing()).bytes;

/** The indexes of the tiles that were asked for, each time. */
let read: (readonly number[])[];
let stored: (tile: FullTile) => Uint8Array | undefined;
let reader: TileReader;
beforeEach(() => {
  [read, stored] = [[], ({ bytes }) => bytes];
  const store = replaced(new MemoryLogStore(), {
    tiles: (_, ids) => {
      read.push(ids.map(({ index }) => index));
      return Promise.resolve(ids.map(({ index }) => stored(tiles[index] ?? nothing())));
    },
  });
  reader = new TileReader({ log: "default", store, format });
});

describe("the tiles of a log", () => {
  test("are read in one go, each once, and again when they were forgotten", async () => {
    const both = [FIRST, SECOND].map((id) => id ?? nothing());
    for (let times = 0; times < 2; times++) expect((await reader.stored(both)).size).toBe(2);
    expect(read).toEqual([[0, 1]]);
    reader.forget(both[1] ?? nothing());
    expect(reader.inMemory(both[0] ?? nothing())?.bytes).toBe(bytesOf(both[0] ?? nothing()));
    expect(reader.inMemory(both[1] ?? nothing())).toBeUndefined();
    await reader.stored(both);
    expect(read).toEqual([[0, 1], [1]]);
  });

  test("are not read where they were filled here, and proven then", async () => {
    const [tile = nothing()] = tiles;
    const kept = reader.keep(tile);
    expect(reader.inMemory(tile.id)).toBe(kept);
    expect(provenLeaf(kept, 7)).toEqual(leaves[7]);
    await reader.stored([tile.id]);
    expect(read).toEqual([]);
  });

  test("that are missing or too short are none, and asked for again", async () => {
    const id = FIRST ?? nothing();
    for (const bytes of [undefined, bytesOf(id).slice(1)]) {
      stored = () => bytes;
      expect([...(await reader.stored([id])).values()]).toEqual([undefined]);
    }
    expect([read, reader.inMemory(id)]).toEqual([[[0], [0]], undefined]);
  });
});

describe("hashes of ranges", () => {
  const ranges = [
    { start: 512, end: 600 },
    { start: 0, end: 200 },
    { start: 256, end: 258 },
    { start: 0, end: 200 },
    { start: 7, end: 7 },
  ];

  test("are those of the tree, in the order asked, from one read of the tiles that are needed", async () => {
    expect(await reader.hashes(edge, ranges)).toEqual(ranges.map(hashOf));
    expect(read).toEqual([[0, 1]]);
    expect(await reader.hashes(edge, ranges)).toEqual(ranges.map(hashOf));
    expect(read).toHaveLength(1);
  });

  test("that are asked for again, as neighbors' proofs do, are put together once", async () => {
    let hashed = 0;
    const nodeHash: typeof format.nodeHash = (...pair) => ((hashed += 1), format.nodeHash(...pair));
    const counting = new TileReader({ log: "default", store: new MemoryLogStore(), format: { ...format, nodeHash } });
    const [range, other] = [
      { start: 512, end: 600 },
      { start: 512, end: 599 },
    ];
    await counting.hashes(edge, [range]);
    const once = hashed;
    expect(await counting.hashes(edge, [range, range, range])).toEqual([range, range, range].map(hashOf));
    expect([once > 0, hashed]).toEqual([true, 2 * once]);
    expect(await counting.hashes(edge, [range, other, range])).toEqual([range, other, range].map(hashOf));
  });

  test("that the edge has need no read", async () => {
    expect(await reader.hashes(edge, [{ start: 512, end: 600 }])).toEqual([hashOf({ start: 512, end: 600 })]);
    expect(read).toEqual([]);
  });

  test.each([
    ["is missing", () => undefined],
    ["has 31 bytes instead of 16352", ({ bytes }: FullTile) => bytes.slice(0, 31)],
  ])("are refused with the name of a tile that %s", async (what, change) => {
    stored = (tile) => (tile.id.index === 1 ? change(tile) : tile.bytes);
    await expect(reader.hashes(edge, ranges)).rejects.toThrow(`The log default is damaged: tile 0/1 ${what}.`);
  });

  test("that are doubted name the tile that does not fit together, and are read again", async () => {
    stored = ({ id, bytes }) => (id.index === 1 ? flipped(bytes, 0) : bytes);
    await reader.hashes(edge, ranges);
    await expect(reader.doubt(edge, ranges)).rejects.toThrow("tile 0/1 was changed: its hashes do not fit together");
    stored = ({ bytes }) => bytes;
    expect(await reader.hashes(edge, ranges)).toEqual(ranges.map(hashOf));
    await reader.doubt(edge, [{ start: 0, end: 1 }]);
    await reader.doubt(edge, [{ start: 599, end: 600 }]);
    expect(read).toEqual([[0, 1], [0, 1], [0, 1], [0]]);
  });
});

function nothing(): never {
  throw new Error("there is none");
}
