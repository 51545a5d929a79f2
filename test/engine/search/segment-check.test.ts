import { beforeEach, describe, expect, test } from "@jest/globals";
import type { BlockId, SegmentBlocks } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import { utf8 } from "../../../src/core/bytes.js";
import { GroupTooLarge } from "../../../src/core/segment/term-table.js";
import { blockCache, OpenSegment } from "../../../src/engine/search/open-segment.js";
import { storable } from "../../../src/engine/search/outline.js";
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

/** Whether segments are found sound whose blocks the store has so. */
async function checked(
  segments: readonly SegmentBlocks[],
  block: (id: BlockId, data: Uint8Array | undefined) => Uint8Array | undefined = (_, data) => data,
): Promise<readonly string[]> {
  const store = new MemoryBlockStore();
  for (const segment of segments) await store.put(LOG, segment);
  const blocks = replaced(store, {
    blocks: async (log, ids) => {
      fetched.push(ids);
      return (await store.blocks(log, ids)).map((data, place) => block(ids[place] ?? nothing(), data));
    },
  });
  const maker = replaced(new SegmentMaker(), { build: (firstLeaf) => made(firstLeaf / 4_096) });
  const reads = { leafHashes: () => Promise.resolve(new Uint8Array()) };
  const entries = (): Promise<never> => Promise.reject(new Error("not asked"));
  const parts = { log: LOG, reads, entries, maker, warn: () => undefined, merger: new SegmentMerger() };
  const open = segments.map((segment) => new OpenSegment(segment, { log: LOG, blocks, cache: blockCache(2 ** 20) }));
  const found: string[] = [];
  for await (const { level, number, isSound } of checkedSegments(parts, open))
    found.push(`${level}/${number} ${isSound ? "sound" : "wrong"}`);
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

function nothing(): never {
  throw new Error("there is none");
}
