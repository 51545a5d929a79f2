import { beforeAll, describe, expect, test } from "@jest/globals";
import { utf8, utf8Text, nobleSha256 } from "../../../src/core/bytes.js";
import { bitsBetween, countBits, type PieceBits } from "../../../src/core/segment/bits.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { ByteWriter } from "../../../src/core/segment/byte-writer.js";
import { Cursor } from "../../../src/core/segment/cursor.js";
import { checkDictionary, readPositions } from "../../../src/core/segment/dictionary.js";
import { evaluation } from "../../../src/core/segment/evaluate.js";
import {
  MalformedSegment,
  PIECE_END_BYTES,
  type Segment,
  type SegmentHeader,
} from "../../../src/core/segment/format.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { MissingBlock, ProvenSource } from "../../../src/core/segment/proof-source.js";
import { RecordingSource } from "./prove-answer.js";
import { readHeader, SegmentReader } from "../../../src/core/segment/read.js";
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

  test("are refused with a term that is not written with all it shares, which a search would pass over", () => {
    const posting = [0x14, 0, 0];
    const blockOf = (shared: number, rest: string): Uint8Array =>
      Uint8Array.of(2, 0, 0, 4, ...utf8("aa\0\x01"), ...posting, shared, rest.length, ...utf8(rest), ...posting);
    expect(checkDictionary(blockOf(1, "b\0\x01"), 256).entries.map(({ term }) => utf8Text(term))).toEqual([
      "aa\0\x01",
      "ab\0\x01",
    ]);
    expect(() => checkDictionary(blockOf(0, "ab\0\x01"), 256)).toThrow(MalformedSegment);
  });

  test("are refused with positions that no number holds", () => {
    // 2^52 - 1 with another behind it, three times over.
    const far = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
    const found: number[] = [];
    expect(() => {
      readPositions(new Cursor(Uint8Array.of(...far, ...far, ...far, 0)), found);
    }).toThrow(MalformedSegment);
  });

  test("are refused with times in another unit than milliseconds and seconds", () => {
    const blocks = segment.blocks.map((bytes) => bytes.slice());
    const times = blocks.at(-1) ?? nothing();
    const within = { kind: "time", start: { epochMs: 0, micros: 0 }, end: undefined } as const;
    const found = (): PieceBits =>
      evaluation(within, {
        reader: new SegmentReader(memorySource({ ...segment, blocks })),
        sha256: nobleSha256,
      }).bits(0, bitsBetween(0, 256));
    expect(countBits(found())).toBeGreaterThan(100);
    const at = PIECE_END_BYTES + 1;
    expect(times[at]).toBe(1);
    times[at] = 2;
    expect(found).toThrow(MalformedSegment);
  });

  test("are those that were read from a recorded source, once each and in order", () => {
    const recording = new RecordingSource(memorySource(segment));
    for (const number of [3, 0, 3, 1]) recording.block(number);
    expect(recording.blocks).toEqual([0, 1, 3].map((number) => [number, block(number)]));
  });
});
