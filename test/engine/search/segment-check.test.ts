import { beforeEach, describe, expect, test } from "@jest/globals";
import type { BlockId, SegmentBlocks } from "../../../src/audit/block-store.js";
import type { CheckedSegment } from "../../../src/audit/search-index.js";
import { replaced } from "../../../src/audit/calls.js";
import { utf8 } from "../../../src/core/bytes.js";
import type { SegmentId } from "../../../src/core/segment/format.js";
import { GroupTooLarge } from "../../../src/core/segment/term-table.js";
import { blockCache, OpenSegment } from "../../../src/engine/search/open-segment.js";
import { storable, type Records } from "../../../src/engine/search/outline.js";
import { checkedSegments } from "../../../src/engine/search/segment-check.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { SegmentMerger } from "../../../src/engine/search/segment-merger.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";

const LOG = "default";
/** Blocks that are read at once. */
const AT_ONCE = 1_024;
const BLOCKS = AT_ONCE + 9;

const segmentOf = (level: number, number: number, count = BLOCKS): SegmentBlocks => {
  const blocks = Array.from({ length: count }, (_, block) => utf8(`${level}/${number} ${block}`));
  const below = Array.from({ length: 16 }, () => ({ blocks: 1, root: nodeSha256(utf8("")) }));
  return storable({ level, number, blocks, directory: [] }, new Uint8Array(32), below);
};

let fetched: (readonly BlockId[])[];
/** What the log gives, for each segment of level 1. */
let made: (number: number) => Promise<SegmentBlocks>;
beforeEach(() => {
  fetched = [];
  made = (number) => Promise.resolve(segmentOf(1, number));
});

type Changed = (id: BlockId, data: Uint8Array | undefined) => Uint8Array | undefined;

/** Whether segments are found sound whose blocks the store has so. */
async function checked(segments: readonly SegmentBlocks[], block?: Changed): Promise<readonly string[]> {
  const found = await foundIn(segments, block);
  return found.map(({ level, number, isSound }) => `${level}/${number} ${isSound ? "sound" : "wrong"}`);
}

async function foundIn(
  segments: readonly SegmentBlocks[],
  block: Changed = (_, data) => data,
): Promise<readonly CheckedSegment[]> {
  const store = new MemoryBlockStore();
  for (const segment of segments) await store.put(LOG, segment);
  const blocks = replaced(store, {
    blocks: async (log, ids) => {
      fetched.push(ids);
      return (await store.blocks(log, ids)).map((data, place) => block(ids[place] ?? nothing(), data));
    },
  });
  const maker = replaced(new SegmentMaker(), {
    build: (firstLeaf) => made(firstLeaf / 4_096),
    merge: () => Promise.resolve(segmentOf(2, 0, 1)),
  });
  const reads = { leafHashes: () => Promise.resolve(new Uint8Array()) };
  const entries = (): Promise<never> => Promise.reject(new Error("not asked"));
  const parts = { log: LOG, reads, entries, maker, warn: () => undefined, merger: new SegmentMerger() };
  const open = segments.map((segment) => new OpenSegment(segment, { log: LOG, blocks, cache: blockCache(2 ** 20) }));
  const found: CheckedSegment[] = [];
  for await (const segment of checkedSegments(parts, open)) found.push(segment);
  return found;
}

describe("a stored segment", () => {
  test("is sound when it is what the log gives, with every block as its outline has it, read a thousand at a time", async () => {
    expect(await checked([segmentOf(1, 0), segmentOf(1, 1)])).toEqual(["1/0 sound", "1/1 sound"]);
    expect(fetched.slice(0, 3).map((ids) => ids.map(({ block }) => block))).toEqual([
      [BLOCKS],
      Array.from({ length: AT_ONCE }, (_, block) => block),
      Array.from({ length: BLOCKS - AT_ONCE }, (_, place) => AT_ONCE + place),
    ]);
    expect(fetched).toHaveLength(6);
  });

  test("is wrong when the log gives another", async () => {
    made = (number) => Promise.resolve(segmentOf(1, number, number === 1 ? 3 : BLOCKS));
    expect(await checked([segmentOf(1, 0), segmentOf(1, 1)])).toEqual(["1/0 sound", "1/1 wrong"]);
  });

  test("is not blamed where the log gives none: its words do not fit in memory", async () => {
    made = () => Promise.reject(new GroupTooLarge("too many words"));
    expect(await checked([segmentOf(1, 0)])).toEqual(["1/0 sound"]);
  });

  test.each([0, AT_ONCE - 1, AT_ONCE, BLOCKS - 1, BLOCKS])(
    "is wrong with a damaged block, or without it: %i",
    async (at) => {
      const changed = (id: BlockId, data: Uint8Array | undefined) =>
        id.block === at ? data?.map((byte) => byte ^ 1) : data;
      expect(await checked([segmentOf(1, 0)], changed)).toEqual(["1/0 wrong"]);
      const lost = (id: BlockId, data: Uint8Array | undefined) => (id.block === at ? undefined : data);
      expect(await checked([segmentOf(1, 0)], lost)).toEqual(["1/0 wrong"]);
    },
  );

  test("is looked through to its last block, where that is alone in its read", async () => {
    made = (number) => Promise.resolve(segmentOf(1, number, AT_ONCE + 1));
    const changed = ({ block }: BlockId, data: Uint8Array | undefined) =>
      block === AT_ONCE ? data?.map((byte) => byte ^ 1) : data;
    expect(await checked([segmentOf(1, 0, AT_ONCE + 1)], changed)).toEqual(["1/0 wrong"]);
  });

  test("of level 0 is wrong: no gateway stores one", async () => {
    expect(await checked([segmentOf(0, 3, 1)])).toEqual(["0/3 wrong"]);
    expect(fetched).toEqual([]);
  });

  test("of a level that is not made in memory is looked through for damage alone", async () => {
    expect(await checked([segmentOf(4, 0, 3)])).toEqual(["4/0 sound"]);
    expect(await checked([segmentOf(4, 0, 3)], (id, data) => (id.block === 2 ? utf8("x") : data))).toEqual([
      "4/0 wrong",
    ]);
  });

  test("is neither where the log cannot be read", async () => {
    made = () => Promise.reject(new Error("away"));
    await expect(checked([segmentOf(1, 0)])).rejects.toThrow("away");
  });
});

describe("of a segment that is another than the log gives", () => {
  const root = nodeSha256(utf8(""));
  const below = (count: number): { blocks: number; root: Uint8Array }[] =>
    Array.from({ length: count }, () => ({ blocks: 1, root }));
  const withBelow = (id: SegmentId, records: Records, text = "") =>
    storable({ ...id, blocks: [utf8(text)], directory: [] }, new Uint8Array(32), records);
  const one = (number: number): SegmentId => ({ level: 1, number });
  const two = { level: 2, number: 0 };

  test.each([0, 7, 15])("the first that is recorded otherwise below it is named: %i", async (at) => {
    for (const change of [{ blocks: 2 }, { root: nodeSha256(utf8("other")) }]) {
      const records = below(16).map((record, place) => (place >= at ? { ...record, ...change } : record));
      made = (number) => Promise.resolve(withBelow(one(number), below(16)));
      const misrecorded = { level: 0, number: 48 + at };
      expect(await foundIn([withBelow(one(3), records)])).toEqual([
        { level: 1, number: 3, isSound: false, misrecorded },
      ]);
    }
  });

  test("it is named itself where those below it are as they should be", async () => {
    made = (number) => Promise.resolve(withBelow(one(number), below(16), "other"));
    const misrecorded = { level: 1, number: 3 };
    expect(await foundIn([withBelow(one(3), below(16))])).toMatchObject([{ isSound: false, misrecorded }]);
  });

  test("of level 2 the first of 16 groups is named that is recorded otherwise, or a base of it", async () => {
    const group = (number: number) => withBelow(one(number), below(16), String(number));
    made = (number) => Promise.resolve(group(number));
    const groups = Array.from({ length: 16 }, (_, number) => group(number)).map(({ contents }) => ({
      blocks: 1,
      root: (contents.at(-1) ?? nothing()).subarray(0, 32),
    }));
    const wrong = groups.map((record, place) => (place === 9 ? { ...record, blocks: 7 } : record));
    const found = await foundIn([withBelow(two, [...below(256), ...wrong])]);
    expect(found).toMatchObject([{ isSound: false, misrecorded: { level: 1, number: 9 } }]);
    const bases = below(256).map((record, place) => (place === 130 ? { ...record, blocks: 7 } : record));
    const other = await foundIn([withBelow(two, [...bases, ...wrong])]);
    expect(other).toMatchObject([{ misrecorded: { level: 0, number: 130 } }]);
    expect(await foundIn([withBelow(two, [...below(256), ...groups])])).toEqual([
      { level: 2, number: 0, isSound: false, misrecorded: undefined },
    ]);
  });

  test("nothing is named where its outline is an earlier version's, or the log gives no group", async () => {
    made = (number) => Promise.resolve(withBelow(one(number), below(16), "other"));
    expect(await foundIn([withBelow(one(3), below(15))])).toMatchObject([{ isSound: false, misrecorded: undefined }]);
    let builds = 0;
    made = (number) =>
      (builds += 1) > 16
        ? Promise.reject(new GroupTooLarge("too many words"))
        : Promise.resolve(withBelow(one(number), below(16)));
    expect(await foundIn([withBelow(two, below(272))])).toMatchObject([{ isSound: false, misrecorded: undefined }]);
  });
});

function nothing(): never {
  throw new Error("there is none");
}
