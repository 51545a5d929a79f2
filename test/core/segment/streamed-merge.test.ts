import { describe, expect, test } from "@jest/globals";
import { compareBytes, MAX_BLOCK_BYTES, segmentBlocks, type Segment } from "../../../src/core/segment/format.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { mergedHeader, mergeSegments, streamMerged } from "../../../src/core/segment/merge.js";
import { readHeader, SegmentReader, type BlockSource } from "../../../src/core/segment/read.js";
import { neighbours, readerOf, sparseSegment, tallSegment } from "./tall-segments.js";

/** Children of each level: some documents, few, and every one. */
const CHILDREN = [
  [1, () => neighbours([sparseSegment(0, 64), sparseSegment(1, 1), sparseSegment(2, 4_096)])],
  [2, () => neighbours([tallSegment({ level: 2, number: 0 }), mergedOf(neighbours([sparseSegment(1, 32)]))])],
  [3, () => neighbours([tallSegment({ level: 3, number: 0 })])],
] as const;

describe.each(CHILDREN)("children of level %d", (level, make) => {
  const children = make();
  const whole = mergedOf(children);

  test("are merged block by block into the same segment as in memory", () => {
    const readers = children.map(readerOf);
    const header = mergedHeader(readers);
    expect(header).toEqual(readHeader(whole.blocks[0] ?? new Uint8Array()));
    expect(header.level).toBe(level + 1);
    const [blocks, directory] = [new Map<number, Uint8Array>(), new Map<number, Uint8Array>()];
    streamMerged(readers, header, (number, block, firstTerm) => {
      if (blocks.has(number)) throw new Error(`block ${number} is given twice`);
      blocks.set(number, block);
      if (firstTerm !== undefined) directory.set(number, firstTerm);
    });
    expect([blocks.size, directory.size]).toEqual([segmentBlocks(header), header.dictionaryBlocks]);
    const isSame = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && compareBytes(a, b) === 0;
    expect(whole.blocks.findIndex((block, number) => !isSame(blocks.get(number), block))).toBe(-1);
    expect(whole.directory.findIndex((term, place) => !isSame(directory.get(place + 1), term))).toBe(-1);
  });

  test("are read forward: a merge needs no more of each stream than the page it is at and the one before", () => {
    const readers = (): readonly SegmentReader[] => children.map((child) => new SegmentReader(forward(child)));
    streamMerged(readers(), mergedHeader(readers()), () => undefined);
  });
});

test("a merge is not written under another header", () => {
  const readers = neighbours([sparseSegment(0, 512)]).map(readerOf);
  const header = mergedHeader(readers);
  expect(() => {
    streamMerged(readers, { ...header, terms: header.terms + 1 }, () => undefined);
  }).toThrow("the header is not that of these children's segment");
  expect(() => mergedHeader(readers.slice(1))).toThrow(RangeError);
});

function mergedOf(children: readonly Segment[]): Segment {
  return mergeSegments(children.map(readerOf));
}

/** Goes back by one block at most, but for the tables that columns begin with, and the header. */
function forward(segment: Segment): BlockSource {
  const source = memorySource(segment);
  const { dictionaryBlocks, streams } = readHeader(source.block(0));
  const starts = [1];
  for (const bytes of [dictionaryBlocks * MAX_BLOCK_BYTES, ...streams])
    starts.push((starts.at(-1) ?? 0) + Math.ceil(bytes / MAX_BLOCK_BYTES));
  const newest = new Map<number, number>();
  return {
    ...source,
    block: (number) => {
      const part = starts.findLastIndex((start) => start <= number);
      const reached = newest.get(part) ?? 0;
      if (part < COLUMNS_PART && number < reached - 1) throw new Error(`block ${number} is read again`);
      newest.set(part, Math.max(reached, number));
      return source.block(number);
    },
  };
}

/** The dictionary, the postings and the positions come before. */
const COLUMNS_PART = 3;
