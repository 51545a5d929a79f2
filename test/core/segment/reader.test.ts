import { describe, expect, test } from "@jest/globals";
import { utf8 } from "../../../src/core/bytes.js";
import { countBits, setPlaces } from "../../../src/core/segment/bits.js";
import { checkDictionary, DictionaryScan, findPosting } from "../../../src/core/segment/dictionary.js";
import {
  BITMAP_BYTES,
  compareBytes,
  MalformedSegment,
  MAX_BLOCK_BYTES,
  PIECE_DOCUMENTS,
  segmentBlocks,
  Stream,
} from "../../../src/core/segment/format.js";
import { readHeader, SegmentReader, type PiecePlaces } from "../../../src/core/segment/read.js";
import { handMade } from "./hand-made.js";
import { prefixedIn } from "./prefixed.js";

const WORDS = ["a", "aa", "aab", "ab", "abba", "b", "baab", "bb"];
/** Every text of up to five of these letters. */
const TEXTS = [1, 2, 3, 4, 5].reduce<readonly string[]>(
  (texts) => ["", ...texts.flatMap((text) => [`${text}a`, `${text}b`, `${text}c`])],
  [""],
);

describe("a dictionary block", () => {
  const reader = handMade(0, WORDS);
  const block = reader.source.block(1);

  test("has its terms and no others", () => {
    const found = TEXTS.filter((text) => findPosting(block, utf8(text), 256) !== undefined);
    expect(found.sort()).toEqual(WORDS);
    expect(checkDictionary(block, 256).entries.map(({ term }) => Buffer.from(term).toString())).toEqual(WORDS);
  });

  test("has the terms that begin with a prefix", () => {
    for (const prefix of TEXTS) {
      const { entries, isLast } = prefixedIn(reader, 1, utf8(prefix));
      const wanted = WORDS.filter((word) => word.startsWith(prefix));
      expect([prefix, entries.map(({ term }) => Buffer.from(term).toString())]).toEqual([prefix, wanted]);
      expect(isLast).toBe(true);
    }
  });

  test("has terms of any length, each beside one that shares its beginning", () => {
    const long = [1, 63, 64, 65, 66, 200, 288].flatMap((length) => [
      `${"x".repeat(length)}a`,
      `${"x".repeat(length)}y`,
    ]);
    const texts = handMade(0, long.sort());
    expect(long.filter((term) => texts.posting(utf8(term)) === undefined)).toEqual([]);
    expect(texts.posting(utf8("x".repeat(64)))).toBeUndefined();
    for (const term of long)
      expect(prefixedIn(texts, 1, utf8(term)).entries.map((entry) => entry.term)).toEqual([utf8(term)]);
  });

  test("whose fence begins with a prefix, or comes before it, is not the last that has it", () => {
    const many = Array.from({ length: 1_200 }, (_, i) => `t${String(i).padStart(4, "0")}`);
    const long = handMade(0, many);
    const { fence } = new DictionaryScan(long.source.block(1), 256);
    const text = Buffer.from(fence ?? []).toString();
    expect(long.header.dictionaryBlocks).toBeGreaterThan(2);
    expect(prefixedIn(long, 1, utf8("t")).isLast).toBe(false);
    expect(prefixedIn(long, 1, utf8(text)).isLast).toBe(false);
    expect(prefixedIn(long, 1, utf8(`${text}0`)).isLast).toBe(false);
    expect(prefixedIn(long, 1, utf8(text.slice(0, -1))).isLast).toBe(false);
    expect(prefixedIn(long, 1, utf8("t0000")).isLast).toBe(true);
    expect(prefixedIn(long, long.header.dictionaryBlocks, utf8("t")).isLast).toBe(true);
    const last = prefixedIn(long, 1, new Uint8Array()).entries.at(-1)?.term ?? new Uint8Array();
    expect(prefixedIn(long, 1, last)).toMatchObject({ entries: [{ term: last }], isLast: true });
    expect(many.filter((term) => long.posting(utf8(term)) === undefined)).toEqual([]);
  });

  test.each<[string, number[]]>([
    ["nothing", []],
    ["a fence that ends too early", [1, 3, 0x61]],
    ["a term that ends too early", [1, 0, 0, 3, 0x61]],
    ["a term that shares more than the one before has", [2, 0, 0, 1, 0x61, 0x10, 0, 2, 0, 0x10, 0]],
    ["a term that is not written shortest", [2, 0, 0, 2, 0x61, 0x61, 0x10, 0, 0, 2, 0x61, 0x62, 0x10, 0]],
    ["positions of no kind", [1, 0, 0, 1, 0x61, 0x1c, 0]],
    ["a posting of kind 3", [1, 0, 0, 1, 0x61, 0x13, 0]],
    ["a byte more", [1, 0, 0, 1, 0x61, 0x10, 0, 0]],
    ["fewer entries than it says", [2, 0, 0, 1, 0x61, 0x10, 0]],
    ["its fence as its last term", [1, 1, 0x61, 0, 1, 0x61, 0x10, 0]],
    ["a gap beyond the segment", [1, 0, 0, 1, 0x61, 0x10, 0x81, 0x02]],
    ["more than a block", [1, 0, 0, 1, 0x61, 0x10, 0, ...Array<number>(MAX_BLOCK_BYTES).fill(0)]],
  ])("of %s is refused", (_, bytes) => {
    expect(() => checkDictionary(Uint8Array.from(bytes), 256)).toThrow(MalformedSegment);
  });

  test.each<[string, number[], object]>([
    ["14 documents, in the first byte", [0xe0, ...Array<number>(14).fill(1)], { df: 14, kind: 0 }],
    ["15 documents, which follow", [0xf0, 15, ...Array<number>(15).fill(1)], { df: 15, kind: 0 }],
    ["all documents", [0x02], { df: 256, kind: 2 }],
    ["a long posting", [0x11, 0x80, 1], { df: 1, kind: 1, offset: 128 }],
    ["a long posting with positions", [0x19, 5, 6], { offset: 5, positionsOffset: 6, positionKind: 2 }],
    ["one position for all", [0x14, 9, 3], { position: 3, positionKind: 1, kind: 0 }],
    ["positions behind the gaps", [0x18, 9, 3, 0x81, 1, 2], { positionKind: 2, positionsOffset: 0 }],
  ])("reads the posting of %s", (_, posting, wanted) => {
    const { entries } = checkDictionary(Uint8Array.of(1, 0, 0, 1, 0x61, ...posting), 256);
    expect(entries[0]?.posting).toMatchObject(wanted);
  });

  test("orders bytes, a prefix first", () => {
    const texts = ["", "a", "aa", "ab", "b", "ä"];
    for (const [i, a] of texts.entries())
      for (const [j, b] of texts.entries()) expect(Math.sign(compareBytes(utf8(a), utf8(b)))).toBe(Math.sign(i - j));
  });
});

describe("a header", () => {
  const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
  const streams = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

  test("reads back, and counts the blocks of its segment", () => {
    const header = readHeader(bytes(1, 4, 9, 7, 7, ...streams));
    expect(header).toEqual({ level: 4, number: 9, terms: 7, dictionaryBlocks: 7, streams });
    expect(segmentBlocks(header)).toBe(1 + 7 + 10);
    const long = { ...header, streams: [0, MAX_BLOCK_BYTES, MAX_BLOCK_BYTES + 1] };
    expect(segmentBlocks(long)).toBe(1 + 7 + 0 + 1 + 2);
  });

  test("has no more dictionary blocks than terms, nor than a segment can have", () => {
    expect(() => readHeader(bytes(1, 0, 0, 7, 8, ...streams))).toThrow(MalformedSegment);
    const most = [0x80, 0x80, 0x80, 0x02];
    const over = [0x81, 0x80, 0x80, 0x02];
    expect(readHeader(bytes(1, 0, 0, ...over, ...most, ...streams)).dictionaryBlocks).toBe(2 ** 22);
    expect(() => readHeader(bytes(1, 0, 0, ...over, ...over, ...streams))).toThrow(MalformedSegment);
  });

  test("of a segment without terms has no posting, and no block is read for one", () => {
    expect(handMade(0, []).posting(utf8("a"))).toBeUndefined();
  });
});

describe("a stream", () => {
  const bytes = Array.from({ length: 2 * MAX_BLOCK_BYTES + 3 }, (_, i) => i % 251);
  const reader = handMade(1, [], { number: Stream.positions, bytes });

  test.each([0, 1, MAX_BLOCK_BYTES - 1, MAX_BLOCK_BYTES, MAX_BLOCK_BYTES + 1, bytes.length - 1])(
    "is read from byte %d to its end, over its blocks",
    (offset) => {
      const cursor = reader.stream(Stream.positions, offset);
      expect(cursor.place).toBe(offset);
      expect([...cursor.bytes(bytes.length - offset)]).toEqual(bytes.slice(offset));
      expect(cursor.place).toBe(bytes.length);
      expect(() => cursor.byte()).toThrow(MalformedSegment);
    },
  );

  test("has nothing behind its end", () => {
    for (const offset of [bytes.length, bytes.length + 1, Infinity])
      expect(() => reader.stream(Stream.positions, offset).byte()).toThrow(MalformedSegment);
    expect(() => reader.stream(Stream.postings, 0).byte()).toThrow(MalformedSegment);
  });

  test("is refused in blocks of another length", () => {
    const { source } = reader;
    const cut = new SegmentReader({
      ...source,
      block: (number) => (number === 3 ? source.block(number).subarray(1) : source.block(number)),
    });
    expect(cut.stream(Stream.positions, 0).byte()).toBe(0);
    expect(() => cut.stream(Stream.positions, 0).bytes(bytes.length)).toThrow(MalformedSegment);
  });
});

describe("a long posting", () => {
  const POSTING = {
    ...{ kind: 1, positionKind: 2, df: 1, position: 0, offset: 0, positionsOffset: 5 },
    ...{ block: new Uint8Array(), gapsAt: 0, gapsEnd: 0, end: 0 },
  };
  const placesOf = (level: number, bytes: readonly number[]): PiecePlaces =>
    handMade(level, [], { number: Stream.postings, bytes }).places(POSTING);

  test("has its pieces one behind the other, and so their positions", () => {
    expect([...placesOf(2, [2, 0, 0, 3, 7, 14, 1, 4, 8])]).toEqual([
      [0, { df: 1, bytes: 3, offset: 9, positions: 7, positionsOffset: 5 }],
      [15, { df: 2, bytes: 4, offset: 12, positions: 8, positionsOffset: 12 }],
    ]);
  });

  test.each<[string, number, number[]]>([
    ["more pieces than the segment", 2, [17]],
    ["a piece beyond the segment", 2, [2, 0, 0, 1, 0, 15, 0, 1, 0]],
    ["a piece beyond a segment of one", 1, [1, 1, 0, 1, 0]],
    ["more documents in a piece than it has", 1, [1, 0, 0x80, 0x20, 1, 0]],
    ["a piece larger than a bitmap", 1, [1, 0, 0, 0x81, 0x04, 0]],
    ["half a head", 1, [1, 0, 0]],
  ])("with %s is refused", (_, level, bytes) => {
    expect(() => placesOf(level, bytes)).toThrow(MalformedSegment);
  });

  test("may have all documents of its one piece, as many bytes as a bitmap, and all pieces", () => {
    expect(placesOf(1, [1, 0, 0xff, 0x1f, 0x80, 0x04, 0]).get(0)).toMatchObject({ df: 4_096, bytes: BITMAP_BYTES });
    expect(placesOf(2, [16, ...Array<number[]>(16).fill([0, 0, 1, 0]).flat()]).size).toBe(16);
  });

  const pieceOf = (df: number, bytes: readonly number[], length = bytes.length): readonly number[] =>
    setPlaces(
      handMade(1, [], { number: Stream.postings, bytes: [9, ...bytes, 9] }).pieceBits({
        ...{ df, bytes: length, offset: 1, positions: 0, positionsOffset: 0 },
      }),
    );
  const bitmap = Array<number>(BITMAP_BYTES).fill(0x11);

  test("has the documents that its gaps or its bitmap say, and all in no bytes", () => {
    expect(pieceOf(3, [0, 1, 5])).toEqual([0, 1, 6]);
    expect(pieceOf(2, [0, 0xff, 0x1f])).toEqual([0, 4_095]);
    expect(pieceOf(1_024, bitmap)).toEqual(Array.from({ length: 1_024 }, (_, i) => 4 * i));
    expect(pieceOf(4_096, [])).toHaveLength(PIECE_DOCUMENTS);
    expect(
      countBits(handMade(0, []).pieceBits({ df: 256, bytes: 0, offset: 0, positions: 0, positionsOffset: 0 })),
    ).toBe(256);
  });

  test.each<[string, number, number[], number?]>([
    ["a document twice", 2, [3, 0]],
    ["a document beyond it", 2, [1, 0xff, 0x1f]],
    ["a gap beyond it", 1, [0x81, 0x20]],
    ["a gap more", 1, [3, 4]],
    ["a gap fewer", 2, [3], 1],
    ["another number of documents than its bitmap", 1_023, bitmap],
  ])("is refused with %s in a piece", (...[, df, bytes, length]) => {
    expect(() => pieceOf(df, bytes, length)).toThrow(MalformedSegment);
  });
});
