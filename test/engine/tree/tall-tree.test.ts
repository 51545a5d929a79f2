import { describe, expect, test } from "@jest/globals";
import type { StoredEntry } from "../../../src/audit/store.js";
import { consistencyVerdict, membershipVerdict } from "../../../src/core/proof.js";
import { VALID } from "../../../src/core/verdict.js";
import type { TileId } from "../../../src/core/tree.js";
import { EntryReader } from "../../../src/engine/tree/entries.js";
import { Prover } from "../../../src/engine/tree/prover.js";
import { extendTree, leadsTo, restoreTree } from "../../../src/engine/tree/signed-tree.js";
import { TileReader } from "../../../src/engine/tree/tile-reader.js";
import { expectCode, rejection } from "../rejection.js";
import { flipped } from "./damaged-store.js";
import { TALL, TallLog, type Damage } from "./tall-log.js";

/** Two full tiles of the second level, three of the first behind them, and some leaves. */
const SIZE = 2 * TALL + 3 * 256 + 7;
const TILE_BYTES = 511 * 32;
const names = (tiles: readonly TileId[]): readonly string[] => tiles.map(({ level, index }) => `${level}/${index}`);
const at = (level: number, index: number, change: (bytes: Uint8Array) => Uint8Array | undefined): Damage => ({
  tile: (id, bytes) => (id.level === level && id.index === index ? change(bytes) : bytes),
});
const gone = (): undefined => undefined;
const topFlipped = (bytes: Uint8Array): Uint8Array => flipped(bytes, TILE_BYTES - 1);

describe("a tree of two levels of tiles", () => {
  test.each([
    [TALL - 1, [[0, 255]], 255],
    [TALL, [[1, 0]], 0],
    [TALL + 1, [[1, 0]], 1],
    [
      TALL + 256,
      [
        [0, 256],
        [1, 0],
      ],
      0,
    ],
    [
      2 * TALL,
      [
        [1, 0],
        [1, 1],
      ],
      0,
    ],
    [
      SIZE,
      [
        [0, 512],
        [0, 513],
        [0, 514],
        [1, 0],
        [1, 1],
      ],
      7,
    ],
  ] as const)("of %i leaves is restored from its edge alone", async (size, tiles, leaves) => {
    const log = new TallLog(size);
    const { edge, lastReceivedAt, isLastChanged } = await restoreTree(log.source, log.head());
    expect([edge.size, edge.root(), isLastChanged]).toEqual([size, log.root(), undefined]);
    expect(lastReceivedAt).toBe(log.entry(size - 1)?.receivedAt);
    expect(log.ranges).toEqual([{ start: size - leaves, end: size }]);
    // The tops of full tiles; a last entry that is in one is proven by that, and by those above it.
    const asked = names(log.tiles).slice(0, size === TALL - 1 ? 255 : tiles.length);
    if (size === TALL - 1) expect(asked).toEqual(Array.from({ length: 255 }, (_, index) => `0/${index}`));
    else expect(asked).toEqual(tiles.map(([level, index]) => `${level}/${index}`));
  });

  test.each<[string, Damage]>([
    ["a leaf hash of the edge was changed", { leafHashes: (row) => flipped(row, 5) }],
    ["leaf hashes of the edge are gone", { leafHashes: (row) => row.slice(32) }],
    ["the top of a tile of the first level was changed", at(0, 513, topFlipped)],
    ["a tile of the first level is gone", at(0, 513, gone)],
    ["the top of a tile of the second level was changed", at(1, 1, topFlipped)],
    ["a tile of the second level is gone", at(1, 0, gone)],
    ["a tile of the second level is too short", at(1, 0, (bytes) => bytes.slice(0, -32))],
  ])("is made again of what lies below where %s, and that is told", async (_, damage) => {
    const log = new TallLog(SIZE, damage);
    const told: unknown[] = [];
    const { edge } = await restoreTree(log.source, log.head(), (...alarm) => told.push(alarm));
    expect([edge.size, edge.root()]).toEqual([SIZE, log.root()]);
    const sentence = "Stored hashes of the log default were changed; its entries still lead to its signed root.";
    expect(told).toEqual([[sentence, "LOG_CORRUPT"]]);
  });

  test.each<[string, Damage]>([
    [
      "a tile of the second level, and one below it",
      { tile: (id, bytes) => (id.level === 1 || id.index === 9 ? topFlipped(bytes) : bytes) },
    ],
    [
      "a tile of the second level, and one below it is gone",
      { tile: (id, bytes) => (id.level === 1 || id.index === 9 ? undefined : bytes) },
    ],
    [
      "a tile of the first level, and an entry in it",
      {
        ...at(0, 513, topFlipped),
        entry: (entry) => (entry.leafIndex === 513 * 256 + 3 ? { ...entry, canonical: "{}" } : entry),
      },
    ],
    [
      "a tile of the first level, and an entry in it is gone",
      { ...at(0, 513, gone), entry: (entry) => (entry.leafIndex === 513 * 256 + 3 ? undefined : entry) },
    ],
    [
      "the leaves of the edge, and an entry there is gone",
      { leafHashes: (row) => flipped(row, 5), entry: (entry) => (entry.leafIndex === SIZE - 2 ? undefined : entry) },
    ],
  ])("is lost where somebody changed %s", async (_, damage) => {
    const log = new TallLog(SIZE, damage);
    const error = await rejection(restoreTree(log.source, log.head()));
    expect([error.code, error.message]).toEqual([
      "LOG_CORRUPT",
      `The log default cannot be trusted: its stored hashes do not lead to the signed root of size ${SIZE}.`,
    ]);
  });

  test("grows by more leaves than are read at once, from a tree that is known", async () => {
    const log = new TallLog(SIZE);
    const older = await restoreTree(log.source, log.head(60_000));
    log.ranges.length = 0;
    const newer = await extendTree(log.source, older, log.head());
    expect([newer?.edge.size, newer?.edge.root()]).toEqual([SIZE, log.root()]);
    const ends = [60_000, 60_000 + TALL, SIZE];
    expect(log.ranges).toEqual([0, 1].map((place) => ({ start: ends[place], end: ends[place + 1] })));
    expect(await leadsTo(log.source, log.head(), older.edge)).toBe(true);
  });
});

describe("the last entry of a tree", () => {
  const changing = (isChanged: (leafIndex: number) => boolean): Damage => ({
    entry: (entry) => (isChanged(entry.leafIndex) ? { ...entry, canonical: `${entry.canonical} ` } : entry),
  });

  test.each([
    [SIZE, SIZE - 1],
    [SIZE, SIZE - 63],
    [9, 8],
    [9, 1],
  ])("of %i that was changed is told, and an earlier one says when: changed from %i on", async (size, first) => {
    const log = new TallLog(
      size,
      changing((leafIndex) => leafIndex >= first),
    );
    const told: unknown[] = [];
    const tree = await restoreTree(log.source, log.head(), (...alarm) => told.push(alarm));
    expect([tree.isLastChanged, tree.lastReceivedAt]).toEqual([true, log.entry(0)?.receivedAt]);
    expect(told).toEqual([[`Entry ${size - 1}, the last of the log default, was changed.`, "ENTRY_CORRUPT"]]);
  });

  test.each([
    [SIZE, SIZE - 64, 64],
    [9, 0, 9],
  ])("of %i and all before it back to %i: nothing says when the log was written", async (size, first, count) => {
    const log = new TallLog(
      size,
      changing((leafIndex) => leafIndex >= first),
    );
    const error = await rejection(restoreTree(log.source, log.head()));
    expect(error.message).toBe(`The log default cannot be trusted: its last ${count} entries were changed.`);
  });

  test("is no matter where an earlier one was changed", async () => {
    const log = new TallLog(
      SIZE,
      changing((leafIndex) => leafIndex === SIZE - 2),
    );
    const tree = await restoreTree(log.source, log.head(), () => {
      throw new Error("nothing to tell");
    });
    expect(tree.isLastChanged).toBeUndefined();
  });
});

describe("entries under two levels of tiles", () => {
  const PLACES = [0, 255, 256, 300, TALL - 1, TALL, TALL + 5 * 256 + 1, 2 * TALL - 1, 2 * TALL, SIZE - 8, SIZE - 1];
  async function read(damage: Damage, leaves: readonly number[] = PLACES): Promise<readonly string[]> {
    const sound = new TallLog(SIZE);
    const { edge } = await restoreTree(sound.source, sound.head());
    const reader = new EntryReader(new TallLog(SIZE, damage).source);
    const outcomes = await reader.read(leaves, edge);
    for (const [place, outcome] of outcomes.entries())
      if (outcome.kind === "entry") expect(outcome.entry.canonical).toBe(sound.entry(leaves[place] ?? -1)?.canonical);
    expect((await reader.read(leaves, edge)).map(({ kind }) => kind)).toEqual(outcomes.map(({ kind }) => kind));
    return outcomes.map(({ kind }) => kind);
  }
  const genuine = PLACES.map(() => "entry");
  const both = (change: (bytes: Uint8Array) => Uint8Array | undefined): Damage => ({
    tile: (_, bytes) => change(bytes),
  });

  test.each<[string, Damage]>([
    ["nothing", {}],
    ["the leaves of a tile", at(0, 1, (bytes) => flipped(bytes, 3))],
    ["an inner hash of a tile", at(0, 1, (bytes) => flipped(bytes, 300 * 32))],
    ["the top of a tile", at(0, 0, topFlipped)],
    ["a leaf of a tile of the second level", at(1, 1, (bytes) => flipped(bytes, 5 * 32))],
    ["the top of a tile of the second level", at(1, 1, topFlipped)],
    ["the length of a tile", at(0, 0, (bytes) => bytes.slice(1))],
  ])("are genuine where somebody changed %s", async (_, damage) => {
    expect(await read(damage)).toEqual(genuine);
  });

  test("are genuine where tiles are gone, of one level or of both", async () => {
    expect(await read(at(0, 256, gone))).toEqual(genuine);
    expect(await read(at(1, 0, gone))).toEqual(genuine);
    expect(await read({ tile: ({ level }, bytes) => (level === 0 ? undefined : bytes) })).toEqual(genuine);
  });

  test("cannot be proven where both levels are gone: those of the edge can", async () => {
    const kinds = await read(both(gone));
    expect(kinds).toEqual(PLACES.map((leaf) => (leaf < 2 * TALL ? "corrupt" : "entry")));
  });

  test("are corrupt alone where one was changed, and with their tile where that was changed too", async () => {
    const entry = (stored: StoredEntry): StoredEntry =>
      stored.leafIndex === 300 ? { ...stored, canonical: `${stored.canonical} ` } : stored;
    const leaves = [299, 300, 301, 0, TALL];
    expect(await read({ entry }, leaves)).toEqual(["entry", "corrupt", "entry", "entry", "entry"]);
    const tile = at(0, 1, (bytes) => flipped(bytes, (300 - 256) * 32));
    // Leaf 300 of the tile and the one beside it lead nowhere; what was not changed is proven without them.
    expect(await read({ ...tile, entry }, [300, 310, 0])).toEqual(["corrupt", "entry", "entry"]);
  });
});

describe("proofs under two levels of tiles", () => {
  const SIZES = [1, 256, 257, 65_000, TALL, TALL + 1, 2 * TALL, SIZE - 1, SIZE];

  test("are those of the whole tree, at every size", async () => {
    const log = new TallLog(SIZE);
    const tree = await restoreTree(log.source, log.head());
    const { format } = log.source;
    for (const size of SIZES) {
      const prover = new Prover(log.source, new TileReader(log.source));
      const leaves = [0, size - 1, size >> 1];
      const proofs = await prover.membership(tree, size, leaves);
      expect(proofs.map((proof) => membershipVerdict(format, proof))).toEqual(leaves.map(() => VALID));
      expect(proofs.map(({ rootHash }) => rootHash)).toEqual(leaves.map(() => log.root(size)));
      expect(proofs.map(({ leafHash }) => leafHash)).toEqual(leaves.map((leaf) => log.leaf(leaf)));
      expect(await prover.rootHash(tree, size)).toEqual(log.root(size));
      const consistency = await prover.consistency(tree, size, SIZE);
      expect(consistencyVerdict(format, consistency)).toEqual(VALID);
      expect([consistency.fromHash, consistency.toHash]).toEqual([log.root(size), log.root()]);
      expect(await prover.multiproof(tree, size, [...new Set([0, size - 1])])).toBeDefined();
    }
  });

  test("are refused where a tile was changed, which is named and read again", async () => {
    let isDamaged = true;
    const sound = new TallLog(SIZE);
    const tree = await restoreTree(sound.source, sound.head());
    const log = new TallLog(
      SIZE,
      at(1, 0, (bytes) => (isDamaged ? flipped(bytes, 9 * 32) : bytes)),
    );
    const prover = new Prover(log.source, new TileReader(log.source));
    const error = await rejection(prover.membership(tree, SIZE, [8 * 256]));
    expect([error.code, error.message]).toEqual([
      "LOG_CORRUPT",
      "The log default is damaged: tile 1/0 was changed: its hashes do not fit together.",
    ]);
    isDamaged = false;
    expect(await prover.membership(tree, SIZE, [8 * 256])).toHaveLength(1);
  });

  test.each([
    ["is missing", gone],
    ["has 9 bytes instead of 16352", (bytes: Uint8Array) => bytes.slice(0, 9)],
  ])("are refused where a tile %s", async (what, change) => {
    const sound = new TallLog(SIZE);
    const tree = await restoreTree(sound.source, sound.head());
    const log = new TallLog(SIZE, at(0, 8, change));
    const proving = new Prover(log.source, new TileReader(log.source)).membership(tree, SIZE, [8 * 256]);
    expect((await rejection(proving)).message).toBe(`The log default is damaged: tile 0/8 ${what}.`);
    await expectCode(proving, "LOG_CORRUPT");
  });
});
