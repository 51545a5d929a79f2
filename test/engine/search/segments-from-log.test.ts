import { beforeEach, describe, expect, test } from "@jest/globals";
import type { SegmentBlocks } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import type { ReadEntry } from "../../../src/audit/search-index.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { GroupTooLarge } from "../../../src/core/segment/term-table.js";
import type { SegmentId } from "../../../src/core/segment/format.js";
import { storable } from "../../../src/engine/search/outline.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { SegmentMerger } from "../../../src/engine/search/segment-merger.js";
import { groupSegment, rowFromLog, segmentFromLog } from "../../../src/engine/search/segments-from-log.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";

const GROUP = 4_096;
const HASH = nodeSha256(Uint8Array.of(1));
/** What is in a segment does not matter here. */
const segmentOf = ({ level, number }: SegmentId): SegmentBlocks =>
  storable({ level, number, blocks: [utf8(`${level}/${number}`)], directory: [] }, HASH, []);
const above = ({ level, number }: SegmentId): SegmentId => ({ level: level + 1, number: number / 16 });

let made: string[];
let warnings: string[];
/** What the log says of its leaves in one go. */
let oneRead: Uint8Array;
let read: number[];
let fails: (group: number) => Error | undefined;
/** Makes groups without their entries: a million are no matter here. */
let isQuick: boolean;
const entry: ReadEntry = { kind: "entry", entry: { canonical: "{}", hash: digestOf(HASH) } };
beforeEach(() => {
  [made, warnings, read, fails, isQuick] = [[], [], [], () => undefined, false];
  oneRead = Buffer.concat(Array<Uint8Array>(GROUP).fill(HASH));
});

const parts = {
  log: "default",
  reads: { leafHashes: () => Promise.resolve(oneRead) },
  entries: (leaves: readonly number[]) => (read.push(...leaves), Promise.resolve(leaves.map(() => entry))),
  warn: (message: string) => void warnings.push(message),
  maker: replaced(new SegmentMaker(), {
    build: async (firstLeaf, entries) => {
      let count = 0;
      if (!isQuick) for await (const some of entries) count += some.length;
      made.push(`1/${firstLeaf / GROUP} of ${count}`);
      const error = fails(firstLeaf / GROUP);
      if (error !== undefined) throw error;
      return segmentOf({ level: 1, number: firstLeaf / GROUP });
    },
    merge: ([first = segmentOf({ level: 1, number: 0 })]) => {
      const id = above(first);
      made.push(`${id.level}/${id.number}`);
      return Promise.resolve(segmentOf(id));
    },
  }),
  merger: replaced(new SegmentMerger(), {
    merge: async ({ children, read: readBlocks, stage, isAwaited }) => {
      expect(isAwaited).toBe(true);
      const [first = segmentOf({ level: 2, number: 0 })] = children;
      made.push(`large ${nameOf(above(first))} of ${children.length}`);
      expect(await readBlocks(3, 0, 1)).toEqual([utf8(`2/${first.number + 3}`)]);
      expect(await readBlocks(3, 1, 5)).toHaveLength(1);
      await stage([]);
      return segmentOf(above(first));
    },
  }),
};
const nameOf = ({ level, number }: SegmentId): string => `${level}/${number}`;
const groups = (first: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, place) => `1/${first + place} of ${GROUP}`);

describe("a segment that is built from the log alone", () => {
  test("of level 1 is that of its group, each entry of which is read once", async () => {
    expect(await segmentFromLog(parts, { level: 1, number: 2 })).toEqual(segmentOf({ level: 1, number: 2 }));
    expect(read).toEqual(Array.from({ length: GROUP }, (_, place) => 2 * GROUP + place));
    expect(made).toEqual(groups(2, 1));
  });

  test("of level 2 is merged from 16 groups, and of other levels there is none", async () => {
    expect(await segmentFromLog(parts, { level: 2, number: 1 })).toEqual(segmentOf({ level: 2, number: 1 }));
    expect(made).toEqual([...groups(16, 16), "2/1"]);
    made.length = 0;
    for (const level of [0, 3, 4]) expect(await segmentFromLog(parts, { level, number: 1 })).toBeUndefined();
    expect(made).toEqual([]);
  });

  test("of level 2 is none where a group is none", async () => {
    fails = (group) => (group === 18 ? new GroupTooLarge("more than 7 words and values") : undefined);
    let lists = 0;
    const reads = { leafHashes: () => ((lists += 1), Promise.resolve(oneRead)) };
    expect(await segmentFromLog({ ...parts, reads }, { level: 2, number: 1 })).toBeUndefined();
    expect([made, lists]).toEqual([groups(16, 3), 2]); // of the third there is nothing to compare
    expect(warnings).toEqual([
      "entries 73728 to 77823 of default have more than 7 words and values: each search reads them all",
    ]);
  });

  test("is none where the log has other leaves when it is asked in one go, and fails as what makes it", async () => {
    oneRead = oneRead.subarray(32);
    expect(await groupSegment(parts, 0)).toBeUndefined();
    fails = () => new Error("the thread has ended");
    await expect(groupSegment(parts, 0)).rejects.toThrow("the thread has ended");
    expect(warnings).toEqual([]);
  });
});

describe("what the store lists of a segment, from the log alone", () => {
  test("of level 3 is merged from block to block, from 16 that are in memory", async () => {
    [isQuick, oneRead] = [true, new Uint8Array()];
    const { contents, ...row } = segmentOf({ level: 3, number: 0 });
    expect(await rowFromLog(parts, row)).toMatchObject(row);
    expect(made.at(-1)).toBe("large 3/0 of 16");
    expect(made.filter((name) => name.startsWith("2/"))).toHaveLength(16);
    expect(contents).toHaveLength(2);
  });

  test("of levels 1 and 2 is that of the segment, and of level 4 there is none", async () => {
    expect(await rowFromLog(parts, { level: 1, number: 0 })).toEqual(segmentOf({ level: 1, number: 0 }));
    expect(await rowFromLog(parts, { level: 4, number: 0 })).toBeUndefined();
    expect(made).toEqual(groups(0, 1));
  });
});
