import { beforeAll, describe, expect, test } from "@jest/globals";
import { utf8 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { ByteWriter } from "../../../src/core/segment/byte-writer.js";
import { Cursor } from "../../../src/core/segment/cursor.js";
import { checkDictionary } from "../../../src/core/segment/dictionary.js";
import { MalformedSegment, type Segment, type SegmentHeader } from "../../../src/core/segment/format.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { MissingBlock, ProvenSource, RecordingSource } from "../../../src/core/segment/proof-source.js";
import { readHeader } from "../../../src/core/segment/read.js";
import { groupOf } from "./corpus.js";
import { nothing } from "./provable-log.js";

let segment: Segment;
let header: SegmentHeader;

beforeAll(() => {
  segment = buildSegment(groupOf(0, 256), 0);
  header = readHeader(block(0));
});

function block(number: number): Uint8Array {
  return segment.blocks[number] ?? nothing();
}

function proven(blocks: readonly (readonly [number, Uint8Array])[]): ProvenSource {
  return new ProvenSource(new Map(blocks), header);
}

/** A dictionary block with another fence. */
function fenced(number: number, fence: Uint8Array): Uint8Array {
  const cursor = new Cursor(block(number));
  const writer = new ByteWriter();
  writer.varint(cursor.varint());
  cursor.bytes(cursor.varint());
  writer.varint(fence.length);
  writer.bytes(fence);
  writer.bytes(block(number).subarray(cursor.place));
  return writer.copy();
}

const first = (number: number): Uint8Array => segment.directory[number - 1] ?? nothing();
const after = (term: Uint8Array): Uint8Array => Uint8Array.of(...term, 0);

describe("the blocks that a proof holds of a segment", () => {
  test("are found by first term and fence, without a directory", () => {
    const source = memorySource(segment);
    const all = proven(segment.blocks.map((bytes, number) => [number, bytes]));
    for (const term of segment.directory.flatMap((one) => [one, after(one), one.subarray(0, -1)]))
      expect(all.locate(term)).toBe(source.locate(term));
    expect(all.locate(utf8("\u{10ffff}"))).toBe(header.dictionaryBlocks);
    expect(all.locate(new Uint8Array())).toBe(1);
  });

  test("say nothing about terms beyond their reach, and are all there is", () => {
    const some = proven([2, 4].map((number) => [number, block(number)]));
    expect(some.locate(first(2))).toBe(2);
    expect(some.locate(first(3).subarray(0, -1))).toBe(2);
    for (const term of [first(1), first(3), first(5), new Uint8Array()])
      expect(() => some.locate(term)).toThrow(MissingBlock);
    expect(() => some.block(3)).toThrow(MissingBlock);
  });

  test.each<[string, () => readonly (readonly [number, Uint8Array])[]]>([
    ["no fence before the last block", () => [[2, fenced(2, new Uint8Array())]]],
    ["a fence in the last", () => [[header.dictionaryBlocks, fenced(header.dictionaryBlocks, utf8("\u{10ffff}"))]]],
    ["a fence before its own terms", () => [[2, fenced(2, first(2))]]],
    [
      "a fence that is not the next block's first term",
      () => [
        [2, fenced(2, after(first(3)))],
        [3, block(3)],
      ],
    ],
    [
      "a fence before the next block's first term",
      () => [
        [2, fenced(2, after(checkDictionary(block(2), 256).entries.at(-1)?.term ?? nothing()))],
        [3, block(3)],
      ],
    ],
    [
      "a fence behind the first term of a later block",
      () => [
        [2, fenced(2, after(first(4)))],
        [4, block(4)],
      ],
    ],
    [
      "terms that are those of another block",
      () => [
        [2, block(4)],
        [4, block(2)],
      ],
    ],
  ])("are refused with %s", (_, blocks) => {
    expect(() => proven(blocks())).toThrow(MalformedSegment);
  });

  test("are those that were read from a recorded source, once each and in order", () => {
    const recording = new RecordingSource(memorySource(segment));
    for (const number of [3, 0, 3, 1]) recording.block(number);
    expect(recording.blocks).toEqual([0, 1, 3].map((number) => [number, block(number)]));
  });
});
