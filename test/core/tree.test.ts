import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { FORMAT_NAMES, logFormat } from "../../src/core/format.js";
import {
  TreeEdge,
  buildTile,
  placeOfNode,
  TILE_BYTES,
  tileIsSound,
  tileNode,
  foldSubtrees,
  perfectSubtrees,
  treeRoot,
} from "../../src/core/tree.js";
import { leaves, NaiveTree } from "./naive-tree.js";

const LEAVES = leaves(600);

describe.each(FORMAT_NAMES)("the tree of a %s log", (name) => {
  const format = logFormat(name);
  const naive = new NaiveTree(name, LEAVES);

  test("has the root that RFC 9162 defines, at every size", () => {
    for (let size = 0; size <= 260; size += 1) {
      expect(treeRoot(format, LEAVES.slice(0, size))).toEqual(naive.root(size));
    }
  });

  test("has an edge with the same root after every single append", () => {
    let edge = TreeEdge.empty(format);
    for (const [i, leaf] of LEAVES.entries()) {
      edge = edge.append([leaf]).edge;
      expect(edge.size).toBe(i + 1);
      expect(edge.root()).toEqual(treeRoot(format, LEAVES.slice(0, i + 1)));
    }
  });

  const whole = TreeEdge.empty(format)
    .append(LEAVES)
    .tiles.map(({ bytes }) => hexOf(bytes));

  test("has the same edge and tiles however the leaves are cut into appends", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 5 }), (cuts) => {
        const bounds = [...cuts.map((cut) => cut % 601), 600].sort((a, b) => a - b);
        let edge = TreeEdge.empty(format);
        const tiles = bounds.flatMap((bound) => {
          const grown = edge.append(LEAVES.slice(edge.size, bound));
          edge = grown.edge;
          return grown.tiles;
        });
        expect(edge.root()).toEqual(treeRoot(format, LEAVES));
        expect(tiles.map(({ bytes }) => hexOf(bytes))).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  test("hands out each tile once, full and sound", () => {
    const { tiles } = TreeEdge.empty(format).append(LEAVES);
    expect(tiles.map(({ id }) => id)).toEqual([
      { level: 0, index: 0 },
      { level: 0, index: 1 },
    ]);
    for (const { id, bytes } of tiles) {
      expect(bytes).toEqual(buildTile(format, LEAVES.slice(id.index * 256, (id.index + 1) * 256)));
      expect(tileIsSound(format, bytes)).toBe(true);
    }
  });
});

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("perfectSubtrees", () => {
  test("covers a range without gap, in subtrees that lie where their size allows", () => {
    const range = fc
      .tuple(fc.maxSafeNat(), fc.maxSafeNat())
      .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
    fc.assert(
      fc.property(range, ({ start, end }) => {
        let next = start;
        for (const { level, index } of perfectSubtrees({ start, end })) {
          expect(index * 2 ** level).toBe(next);
          next += 2 ** level;
        }
        expect(next).toBe(end);
      }),
    );
  });

  test("is exact for the largest tree", () => {
    const subtrees = perfectSubtrees({ start: 0, end: Number.MAX_SAFE_INTEGER });
    expect(subtrees.map(({ level }) => level)).toEqual(Array.from({ length: 53 }, (_, i) => 52 - i));
    expect(subtrees.at(-1)).toEqual({ level: 0, index: Number.MAX_SAFE_INTEGER - 1 });
  });
});

test("foldSubtrees gives a range's hash from its perfect subtrees and refuses no hash at all", () => {
  const format = logFormat("rfc6962");
  const hashes = perfectSubtrees({ start: 0, end: 11 }).map(({ level, index }) =>
    treeRoot(format, LEAVES.slice(index * 2 ** level, (index + 1) * 2 ** level)),
  );
  expect(foldSubtrees(format, hashes)).toEqual(treeRoot(format, LEAVES.slice(0, 11)));
  expect(() => foldSubtrees(format, [])).toThrow(RangeError);
});

describe("TreeEdge", () => {
  const format = logFormat("rfc6962");

  test("is a value: an append that was given up leaves the old edge, and what comes after it, right", () => {
    const old = TreeEdge.empty(format).append(LEAVES.slice(0, 250)).edge;
    const before = old.root();
    const givenUp = old.append(LEAVES.slice(300, 400)).edge;
    const next = old.append(LEAVES.slice(250, 258));
    expect(old.root()).toEqual(before);
    expect(next.edge.root()).toEqual(treeRoot(format, LEAVES.slice(0, 258)));
    expect(next.tiles.map(({ bytes }) => bytes)).toEqual([buildTile(format, LEAVES.slice(0, 256))]);
    expect(givenUp.root()).toEqual(treeRoot(format, [...LEAVES.slice(0, 250), ...LEAVES.slice(300, 400)]));
  });

  test("stays right whatever edges are appended to in whatever order", () => {
    const step = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 270 }));
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        const made = [{ edge: TreeEdge.empty(format), hashes: [] as readonly Uint8Array[] }];
        steps.forEach(([from, count], i) => {
          const { edge, hashes } = made[from % made.length] ?? { edge: TreeEdge.empty(format), hashes: [] };
          const added = LEAVES.slice(i * 20, i * 20 + count);
          made.push({ edge: edge.append(added).edge, hashes: [...hashes, ...added] });
        });
        for (const { edge, hashes } of made) expect(edge.root()).toEqual(treeRoot(format, hashes));
      }),
      { numRuns: 40 },
    );
  });

  test("hands out tiles of its own: writing into one changes no tree", () => {
    const old = TreeEdge.empty(format).append(LEAVES.slice(0, 255)).edge;
    const before = old.root();
    old.append(LEAVES.slice(255, 256)).tiles[0]?.bytes.fill(0);
    expect(old.root()).toEqual(before);
  });

  test("is restored from the lowest rows of its incomplete tiles", () => {
    for (const size of [0, 1, 255, 256, 257, 511, 512, 600]) {
      const edge = TreeEdge.restore(format, size, edgeRows(size));
      expect(edge.root()).toEqual(treeRoot(format, LEAVES.slice(0, size)));
      const grown = edge.append(LEAVES.slice(0, 3)).edge;
      expect(grown.root()).toEqual(treeRoot(format, [...LEAVES.slice(0, size), ...LEAVES.slice(0, 3)]));
    }
  });

  test("refuses to be restored from rows of another size", () => {
    expect(() => TreeEdge.restore(format, 600, edgeRows(599))).toThrow(RangeError);
    expect(() => TreeEdge.restore(format, 600, edgeRows(600).slice(0, 1))).toThrow(RangeError);
    expect(() => TreeEdge.restore(format, -1, [])).toThrow(RangeError);
    expect(() => TreeEdge.restore(format, 2 ** 53, [])).toThrow(RangeError);
  });

  test("knows exactly the complete nodes of its incomplete tiles", () => {
    const { edge, tiles } = TreeEdge.empty(format).append(LEAVES);
    for (let level = 0; level <= 9; level += 1) {
      for (let index = 0; (index + 1) * 2 ** level <= 640; index += 1) {
        const { tile, row, column } = placeOfNode({ level, index });
        const full = tiles.find(({ id }) => id.level === tile.level && id.index === tile.index);
        const end = (index + 1) * 2 ** level;
        const hash = treeRoot(format, LEAVES.slice(index * 2 ** level, end));
        if (full) expect(tileNode(full.bytes, row, column)).toEqual(hash);
        expect(edge.node({ level, index })).toEqual(full || end > 600 ? undefined : hash);
      }
    }
  });

  test("goes on across tile levels: the 65,536th leaf fills a tile of tiles", () => {
    const many = Array.from({ length: 65_537 }, (_, i) => LEAVES[i % 600] ?? LEAVES[0] ?? new Uint8Array(32));
    const { edge, tiles } = TreeEdge.empty(format).append(many);
    expect(tiles.length).toBe(257);
    expect(tiles.at(-1)?.id).toEqual({ level: 1, index: 0 });
    expect(edge.root()).toEqual(treeRoot(format, many));
    expect(edge.node({ level: 16, index: 0 })).toEqual(treeRoot(format, many.slice(0, 65_536)));
  });

  function edgeRows(size: number): readonly Uint8Array[] {
    const full = Math.floor(size / 256);
    const tops = Array.from({ length: full }, (_, i) => treeRoot(format, LEAVES.slice(i * 256, (i + 1) * 256)));
    return [Buffer.concat(LEAVES.slice(full * 256, size)), Buffer.concat(tops)].map((row) => Uint8Array.from(row));
  }
});

describe("a tile", () => {
  const format = logFormat("rfc6962");
  const bytes = buildTile(format, LEAVES.slice(0, 256));

  test("has a place for every node, the top of a tile being a node of the tile above", () => {
    expect(placeOfNode({ level: 0, index: 257 })).toEqual({ tile: { level: 0, index: 1 }, row: 0, column: 1 });
    expect(placeOfNode({ level: 7, index: 3 })).toEqual({ tile: { level: 0, index: 1 }, row: 7, column: 1 });
    expect(placeOfNode({ level: 8, index: 300 })).toEqual({ tile: { level: 1, index: 1 }, row: 0, column: 44 });
  });

  test("keeps its rows from the lowest to the top", () => {
    expect(bytes.length).toBe(TILE_BYTES);
    expect(tileNode(bytes, 0, 255)).toEqual(LEAVES[255]);
    expect(tileNode(bytes, 3, 2)).toEqual(treeRoot(format, LEAVES.slice(16, 24)));
    expect(tileNode(bytes, 8, 0)).toEqual(treeRoot(format, LEAVES.slice(0, 256)));
  });

  test("is unsound with any one bit changed, or cut, or of another format", () => {
    fc.assert(
      fc.property(fc.nat(TILE_BYTES - 1), fc.nat(7), (at, bit) => {
        const flipped = bytes.slice();
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        expect(tileIsSound(format, flipped)).toBe(false);
      }),
      { numRuns: 40 },
    );
    expect(tileIsSound(format, bytes.slice(0, -1))).toBe(false);
    expect(tileIsSound(logFormat("pangea"), bytes)).toBe(false);
  });

  test("is not built from fewer than 256 hashes", () => {
    expect(() => buildTile(format, LEAVES.slice(0, 255))).toThrow(RangeError);
  });
});
