import { beforeEach, describe, expect, test } from "@jest/globals";
import type { SegmentBlocks, StoredSegment } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import { utf8 } from "../../../src/core/bytes.js";
import { storable } from "../../../src/engine/search/outline.js";
import { SealedBlocks } from "../../../src/engine/search/sealed-blocks.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";

const LOG = "default";
const [own, earlier, stranger] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
if (own === undefined || earlier === undefined || stranger === undefined) throw new Error("three secrets");

const segmentOf = (number: number): SegmentBlocks =>
  storable({ level: 1, number, blocks: [utf8(`block of ${number}`)], directory: [] }, nodeSha256(utf8("leaf")), []);
const rowOf = ({ level, number, blocks, digest, lastLeafHash }: SegmentBlocks): StoredSegment => ({
  ...{ level, number, blocks, digest, lastLeafHash },
});
const numbers = async (rows: Promise<readonly StoredSegment[]>): Promise<readonly number[]> =>
  (await rows).map(({ number }) => number);

let memory: MemoryBlockStore;
let removals: number;
let sealed: SealedBlocks;
beforeEach(async () => {
  [memory, removals] = [new MemoryBlockStore(), 0];
  const counting = replaced(memory, { remove: (log, ids) => ((removals += 1), memory.remove(log, ids)) });
  sealed = new SealedBlocks(counting, [own, earlier]);
  await sealed.put(LOG, segmentOf(0));
});

describe("a segment in the store", () => {
  test("is listed as it was put, by whoever has the key, or had it", async () => {
    expect(await sealed.segments(LOG)).toEqual([rowOf(segmentOf(0))]);
    const later = new SealedBlocks(memory, [stranger, own]);
    expect(await later.segments(LOG)).toEqual([rowOf(segmentOf(0))]);
    expect(await numbers(new SealedBlocks(memory, [stranger]).segments(LOG))).toEqual([]);
  });

  test("counts for nothing where it was put without a key, or sealed by another one", async () => {
    await memory.put(LOG, segmentOf(1));
    const theirs = new MemoryBlockStore();
    await new SealedBlocks(theirs, [stranger]).put(LOG, segmentOf(2));
    const [row] = await theirs.segments(LOG);
    if (row === undefined) throw new Error("a segment");
    await memory.put(LOG, { ...segmentOf(2), ...row });
    expect(await numbers(sealed.segments(LOG))).toEqual([0]);
    expect(await numbers(sealed.unsealed(LOG))).toEqual([1, 2]);
  });

  test.each<readonly [string, Partial<StoredSegment>]>([
    ["number", { number: 3 }],
    ["level", { level: 2 }],
    ["number of blocks", { blocks: 9 }],
    ["last leaf", { lastLeafHash: new Uint8Array(32) }],
  ])("counts for nothing with another %s under its seal", async (_, change) => {
    const [row] = await memory.segments(LOG);
    if (row === undefined) throw new Error("a segment");
    await memory.remove(LOG, [row]);
    await memory.put(LOG, { ...segmentOf(0), ...row, ...change });
    expect([await numbers(sealed.segments(LOG)), (await sealed.unsealed(LOG)).length]).toEqual([[], 1]);
  });

  test("counts for nothing in another log", async () => {
    const [row] = await memory.segments(LOG);
    if (row === undefined) throw new Error("a segment");
    await memory.put("other", { ...segmentOf(0), ...row });
    expect(await numbers(sealed.segments("other"))).toEqual([]);
  });

  test.each(["put", "published"] as const)("is removed without a seal when one with a seal is %s", async (how) => {
    await memory.put(LOG, segmentOf(8));
    const { contents, ...row } = segmentOf(7);
    const staged = contents.map((data, block) => ({ block, data }));
    await sealed.stage(LOG, row, staged);
    expect(await numbers(sealed.unsealed(LOG))).toEqual([8]);
    await (how === "put" ? sealed.put(LOG, segmentOf(7)) : sealed.publish(LOG, row));
    expect([await numbers(sealed.unsealed(LOG)), await numbers(sealed.segments(LOG))]).toEqual([[], [0, 7]]);
  });

  test("is removed by nobody where all have seals", async () => {
    await sealed.put(LOG, segmentOf(1));
    expect(removals).toBe(0);
    await sealed.remove(LOG, [segmentOf(0)]);
    expect([removals, await numbers(sealed.segments(LOG))]).toEqual([1, [1]]);
  });
});
