import { beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { BlockId, BlockStore, SegmentBlocks } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import { utf8 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { PIECE_DOCUMENTS, type Segment } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { leavesOf } from "../../../src/core/segment/search.js";
import { wordTerm } from "../../../src/core/words/words.js";
import { blockCache, prefetch, SegmentLost, type OpenSegment } from "../../../src/engine/search/open-segment.js";
import { Outline, recordOf, storable } from "../../../src/engine/search/outline.js";
import { StoredSegments } from "../../../src/engine/search/stored-segments.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { baseSegments, entryAt, groupOf } from "../../core/segment/corpus.js";
import { flipped } from "../tree/damaged-store.js";

const LOG = "default";
let bases: readonly Segment[];
/** Covers the bases, and many empty entries. */
let parent: Segment;
beforeAll(() => {
  bases = baseSegments(groupOf(0, 3 * 256));
  const group = new Group(0, nodeSha256);
  while (group.documents < PIECE_DOCUMENTS) group.skip();
  parent = buildSegment(group, 1);
});

let blocks: MemoryBlockStore;
let reads: (readonly BlockId[])[];
let store: BlockStore;
/** Of the log: by leaf. */
let leafHash: (leaf: number) => Uint8Array;
beforeEach(() => {
  [blocks, reads] = [new MemoryBlockStore(), []];
  leafHash = (leaf) => entryAt(leaf).leafHash;
  store = replaced<BlockStore>(blocks, {
    blocks: (log, ids) => {
      reads.push(ids);
      return blocks.blocks(log, ids);
    },
  });
});

function stored(segment: Segment): SegmentBlocks {
  const { end } = leavesOf(segment);
  return storable(segment, entryAt(end - 1).leafHash, segment.level === 0 ? [] : bases.map(recordOf));
}

function segments(cacheBytes = 2 ** 20, over = store): StoredSegments {
  const leafHashes = (_log: string, { start }: { readonly start: number }) => Promise.resolve(leafHash(start));
  return new StoredSegments({ log: LOG, blocks: over, cache: blockCache(cacheBytes) }, { leafHashes });
}

async function openBases(cacheBytes?: number): Promise<readonly OpenSegment[]> {
  for (const base of bases) await blocks.put(LOG, stored(base));
  return segments(cacheBytes).list();
}

const everyBlock = (segment: OpenSegment | undefined): Promise<readonly Uint8Array[]> =>
  segment
    ?.session()
    .read((reader) => Array.from({ length: segment.row.blocks - 1 }, (_, n) => reader.source.block(n))) ??
  Promise.reject(new Error("no segment"));

describe("an outline", () => {
  test("says of its segment and those below what the index log says, and nothing under another digest", () => {
    const { contents, digest } = stored(parent);
    const bytes = contents.at(-1) ?? new Uint8Array();
    const outline = Outline.read(bytes, digest);
    expect(outline?.record(parent, parent)).toEqual(recordOf(parent));
    const below = bases.map(({ level, number }) => outline?.record(parent, { level, number }));
    expect(below).toEqual(bases.map(recordOf));
    expect(Outline.read(flipped(bytes, 40), digest)).toBeUndefined();
  });

  test("knows its blocks, and where each term would be", () => {
    for (const base of bases) {
      const { contents, digest } = stored(base);
      const outline = Outline.read(contents.at(-1) ?? new Uint8Array(), digest);
      expect(base.blocks.map((block, n) => outline?.hasBlock(n, block))).toEqual(base.blocks.map(() => true));
      expect(base.blocks.map((block, n) => outline?.hasBlock(n + 1, block))).toEqual(base.blocks.map(() => false));
      const source = memorySource(base);
      for (const term of [...base.directory, new Uint8Array(), utf8("~"), wordTerm("logged", "message")])
        expect(outline?.locate(term)).toBe(source.locate(term));
    }
  });
});

describe("a stored segment", () => {
  test("is read in few reads, each block once, whatever the memory", async () => {
    for (const cacheBytes of [1, 2 ** 20]) {
      const [segment] = await openBases(cacheBytes);
      reads.length = 0;
      expect(await everyBlock(segment)).toEqual(bases[0]?.blocks);
      const numbers = reads.flat().map(({ block }) => block);
      expect([...numbers].sort((a, b) => a - b)).toEqual(numbers.map((_, place) => place));
      expect(numbers).toHaveLength((bases[0]?.blocks.length ?? 0) + 1);
      const lengths = reads.map((ids) => ids.length);
      expect(lengths.slice(0, -1)).toEqual([1, 2, 4, 8, 16, 32, 64].slice(0, reads.length - 1));
      expect(lengths.at(-1)).toBeLessThanOrEqual(2 * (lengths.at(-2) ?? 0));
    }
  });

  test("that was damaged in any block, or is gone, is lost: nothing is read from it", async () => {
    for (const base of bases) await blocks.put(LOG, stored(base));
    const count = (bases[0]?.blocks.length ?? 0) + 1;
    for (let damaged = 0; damaged < count; damaged += 3) {
      const over = replaced<BlockStore>(blocks, {
        blocks: async (log, ids) =>
          (await blocks.blocks(log, ids)).map((block, place) =>
            block && ids[place]?.block === damaged ? flipped(block, block.length >> 1) : block,
          ),
      });
      const [segment] = await segments(undefined, over).list();
      await expect(everyBlock(segment)).rejects.toThrow(SegmentLost);
    }
    const [segment] = await segments().list();
    expect((await segment?.whole())?.contents).toHaveLength(count);
    await blocks.remove(LOG, [{ level: 0, number: 0 }]);
    await expect(segment?.whole()).rejects.toThrow(SegmentLost);
    await expect(everyBlock(segment)).rejects.toThrow(SegmentLost);
  });

  test("is fetched ahead with the others, in two reads, and not again", async () => {
    const open = await openBases();
    const terms = [wordTerm("logged", "message"), wordTerm("zebra", "actor")];
    reads.length = 0;
    await prefetch(open, terms);
    expect(reads.map((ids) => ids.length)[0]).toBe(3);
    expect(reads).toHaveLength(2);
    for (const segment of open)
      await segment
        .session()
        .read(({ source }) => [0, ...terms.map((term) => source.locate(term))].map((n) => source.block(n)));
    await prefetch(open, terms);
    await prefetch([], terms);
    expect(reads).toHaveLength(2);
  });
});

describe("the segments of a log", () => {
  const names = (list: readonly { readonly row: { readonly level: number; readonly number: number } }[]) =>
    list.map(({ row: { level, number } }) => `${level}/${number}`);

  test("are listed without those that another covers, which are found and, once named, superseded", async () => {
    for (const segment of [...bases, parent]) await blocks.put(LOG, stored(segment));
    const all = segments();
    expect(names(await all.list())).toEqual(["1/0"]);
    expect(all.knownEnd).toBe(PIECE_DOCUMENTS);
    expect((await all.find({ level: 0, number: 2 }))?.row.number).toBe(2);
    expect(await all.find({ level: 0, number: 3 })).toBeUndefined();
    const named = PIECE_DOCUMENTS + 256;
    expect([all.superseded(named - 1).length, all.superseded(named).length]).toEqual([0, 3]);
  });

  test("of another log are removed, and those beyond the log are left alone", async () => {
    leafHash = (leaf) => (leaf === 767 ? new Uint8Array() : leaf === 511 ? new Uint8Array(32) : entryAt(leaf).leafHash);
    expect(names(await openBases())).toEqual(["0/0"]);
    expect((await blocks.segments(LOG)).map(({ number }) => number)).toEqual([0, 2]);
  });

  test("are compared with the log by the last of them alone, where that fits", async () => {
    await openBases();
    const asked: number[] = [];
    leafHash = (leaf) => (asked.push(leaf), entryAt(leaf).leafHash);
    await segments().list();
    expect(asked).toEqual([767]);
  });

  test("are not touched where they are beyond the log, or listed no more when one was lost", async () => {
    const remove = () => Promise.reject(new Error("nothing is removed"));
    leafHash = (leaf) => (leaf === 767 ? new Uint8Array() : entryAt(leaf).leafHash);
    const [first] = await openBases();
    let removals = 0;
    const over = replaced<BlockStore>(store, { remove: () => ((removals += 1), remove()) });
    expect(names(await segments(undefined, over).list())).toEqual(["0/0", "0/1"]);
    if (first === undefined) throw new Error("a segment");
    await segments(undefined, over).lost({ ...first.row, digest: new Uint8Array(32) });
    expect(removals).toBe(0);
  });

  test("are listed again after they could not be, and not by who looked before others did", async () => {
    await openBases();
    let isAway = true;
    const over = replaced<BlockStore>(store, {
      segments: (log) => (isAway ? Promise.reject(new Error("away")) : blocks.segments(log)),
    });
    const all = segments(undefined, over);
    const failed = expect(all.list()).rejects.toThrow("away");
    isAway = false;
    const listed = all.reload();
    await failed;
    expect(all.list()).toBe(listed);
    isAway = true;
    await expect(all.reload()).rejects.toThrow("away");
    isAway = false;
    expect(names(await all.list())).toEqual(["0/0", "0/1", "0/2"]);
  });

  test("that are lost are removed, or else not used any more", async () => {
    await openBases();
    const fixed = segments(
      undefined,
      replaced<BlockStore>(store, { remove: () => Promise.reject(new Error("read only")) }),
    );
    for (const [all, left] of [
      [fixed, [0, 1, 2]],
      [segments(), [0, 2]],
    ] as const) {
      const second = (await all.list())[1];
      if (second === undefined) throw new Error("no segment");
      await all.lost(second.row);
      expect(names(await all.list())).toEqual(["0/0", "0/2"]);
      expect((await blocks.segments(LOG)).map(({ number }) => number)).toEqual(left);
    }
  });
});
