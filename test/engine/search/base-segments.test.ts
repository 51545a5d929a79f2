import { beforeEach, describe, expect, test } from "@jest/globals";
import type { ReadEntries, ReadEntry } from "../../../src/audit/search-index.js";
import { replaced } from "../../../src/audit/calls.js";
import { digestOf, utf8, utf8Text } from "../../../src/core/bytes.js";
import type { Segment } from "../../../src/core/segment/format.js";
import { BaseSegments, proofCache, soundRows, type ProofCache } from "../../../src/engine/search/base-segments.js";
import { storable } from "../../../src/engine/search/outline.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { entryAt } from "../../core/segment/corpus.js";
import { rejection } from "../rejection.js";
import { closedGate } from "../test-log.js";

const BASE = 256;
const HASH = nodeSha256(Uint8Array.of(1));

/** The bases that were made, in the order in which they were begun, and what each was made of. */
let made: { readonly firstLeaf: number; readonly texts: readonly string[] }[];
/** Makes what tells the bases apart by when they were made. */
let maker: SegmentMaker;
let gates: Promise<void>[];
/** Opened one by one, as bases are begun. */
let begun: ReturnType<typeof closedGate>[];
let cache: ProofCache;
beforeEach(() => {
  [made, gates, begun, cache] = [[], [], [], proofCache()];
  maker = replaced(new SegmentMaker(), {
    base: async (firstLeaf, entries): Promise<Segment> => {
      const texts: string[] = [];
      for await (const some of entries) texts.push(...some.map(({ canonical }) => utf8Text(canonical) ?? ""));
      const count = made.push({ firstLeaf, texts });
      begun.shift()?.open();
      await gates.shift();
      return { level: 0, number: firstLeaf / BASE, blocks: [utf8(`made ${count}`)], directory: [] };
    },
  });
});

const textAt = (leaf: number): string => utf8Text(entryAt(leaf).canonical) ?? "";
const entries: ReadEntries = (leaves) =>
  Promise.resolve(
    leaves.map((leaf): ReadEntry => {
      const entry = { canonical: textAt(leaf), hash: digestOf(entryAt(leaf).leafHash) };
      return { kind: "entry", entry };
    }),
  );

function basesOf(log: string, read = entries): BaseSegments {
  const reads = { leafHashes: () => Promise.resolve(Buffer.concat(Array<Uint8Array>(16 * BASE).fill(HASH))) };
  return new BaseSegments({ log, reads, entries: read, maker, baseMaker: maker, warn: () => undefined }, cache);
}

const nameOf = ({ blocks }: Segment): string => utf8Text(blocks[0] ?? new Uint8Array()) ?? "";

describe("the segments that were merged away", () => {
  const GROUP = 16 * BASE;
  const id = { level: 1, number: 3 };

  test("are made of their entries, once, and again when the log is another", async () => {
    let builds = 0;
    maker = replaced(new SegmentMaker(), {
      build: async (firstLeaf, some) => {
        for await (const piece of some) expect(piece.length).toBeGreaterThan(0);
        builds += 1;
        return storable({ level: 1, number: firstLeaf / GROUP, blocks: [utf8("made")], directory: [] }, HASH, []);
      },
    });
    const entry: ReadEntry = { kind: "entry", entry: { canonical: "{}", hash: digestOf(HASH) } };
    const bases = basesOf("default", (leaves) => Promise.resolve(leaves.map(() => entry)));
    const first = await bases.whole(id);
    expect(first).toMatchObject({ level: 1, number: 3 });
    expect([await bases.whole(id), builds]).toEqual([first, 1]);
    bases.clear();
    await bases.whole(id);
    expect(builds).toBe(2);
  });

  test("are looked for again where they could not be made", async () => {
    const bases = basesOf("default");
    expect(await bases.whole({ level: 4, number: 0 })).toBeUndefined();
    expect(cache.merged.size).toBe(0);
  });
});

describe("the segments of level 0, which no store keeps,", () => {
  test("are made of their 256 entries, once, whoever asks at the same time or later", async () => {
    const bases = basesOf("default");
    const asked = await Promise.all([bases.of(2), bases.of(2)]);
    expect([...asked, await bases.of(2)].map(nameOf)).toEqual(["made 1", "made 1", "made 1"]);
    const texts = Array.from({ length: BASE }, (_, place) => textAt(2 * BASE + place));
    expect(made).toEqual([{ firstLeaf: 2 * BASE, texts }]);
  });

  test("are of one log each", async () => {
    const [one, other] = [basesOf("one"), basesOf("other")];
    expect([nameOf(await one.of(0)), nameOf(await other.of(0))]).toEqual(["made 1", "made 2"]);
    one.clear();
    expect([nameOf(await one.of(0)), nameOf(await other.of(0))]).toEqual(["made 3", "made 2"]);
  });

  test("that were begun before the log was another one are not kept, and hold nobody up", async () => {
    const [old, next] = [closedGate(), closedGate()];
    gates.push(old.passed, next.passed);
    const [first, second] = [closedGate(), closedGate()];
    begun.push(first, second);
    const bases = basesOf("default");
    const before = bases.of(0);
    await first.passed;
    bases.clear();
    const after = bases.of(0);
    await second.passed;
    old.open();
    expect(nameOf(await before)).toBe("made 1");
    const third = bases.of(0); // waits for the second, which goes on
    next.open();
    expect([nameOf(await after), nameOf(await third), nameOf(await bases.of(0))]).toEqual(
      Array<string>(3).fill("made 2"),
    );
  });

  test("that could not be made are made when they are asked for again", async () => {
    let isAway = true;
    const bases = basesOf("default", (leaves) => (isAway ? Promise.reject(new Error("away")) : entries(leaves)));
    await expect(bases.of(0)).rejects.toThrow("away");
    isAway = false;
    expect(nameOf(await bases.of(0))).toBe("made 1");
  });

  test("are not made of an entry that was changed, which is named", async () => {
    const changed: ReadEntries = async (leaves) =>
      (await entries(leaves)).map((entry, place) => (leaves[place] === 300 ? { kind: "corrupt" } : entry));
    const bases = basesOf("default", changed);
    const refused = /^Entry 300 of the log default no longer matches its leaf hash/;
    expect(await rejection(bases.of(1))).toMatchObject({ code: "ENTRY_CORRUPT" });
    await expect(bases.of(1)).rejects.toThrow(refused);
    await expect(soundRows("default", changed, [299, 300])).rejects.toThrow(refused);
    expect((await soundRows("default", changed, [301, 299])).map(({ leafIndex }) => leafIndex)).toEqual([301, 299]);
  });
});
