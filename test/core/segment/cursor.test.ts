import { describe, expect, test } from "@jest/globals";
import { ByteWriter, varintBytes } from "../../../src/core/segment/byte-writer.js";
import { Cursor } from "../../../src/core/segment/cursor.js";
import { MalformedSegment } from "../../../src/core/segment/format.js";

const written = (write: (writer: ByteWriter) => void, capacity?: number): number[] => {
  const writer = new ByteWriter(capacity);
  write(writer);
  return [...writer.copy()];
};

/** A cursor over pages, from a place in the first on. */
function over(pages: readonly (readonly number[])[], at = 0, before = 0): Cursor {
  const [first = new Uint8Array(), ...rest] = pages.map((page) => Uint8Array.from(page));
  return new Cursor(first, at, { before, following: () => rest.shift() });
}

const LIMITS: readonly (readonly [number, number])[] = [
  [0, 1],
  [1, 1],
  [0x7f, 1],
  [0x80, 2],
  [0x3fff, 2],
  [0x4000, 3],
  [2 ** 31 - 1, 5],
  [2 ** 31, 5],
  [2 ** 32 + 1, 5],
  [2 ** 35 - 1, 5],
  [2 ** 35, 6],
  [2 ** 49 - 1, 7],
  [2 ** 49, 8],
  [Number.MAX_SAFE_INTEGER, 8],
];

describe("a varint", () => {
  test.each(LIMITS)("of %d takes %d bytes, and reads back up to itself, in one page or in many", (value, length) => {
    const bytes = written((writer) => {
      writer.varint(value);
    }, 1);
    expect(bytes).toHaveLength(length);
    expect(varintBytes(value)).toBe(length);
    for (const cursor of [new Cursor(Uint8Array.from(bytes)), over(bytes.map((byte) => [byte]))]) {
      expect(cursor.varint(value)).toBe(value);
      expect(cursor.place).toBe(length);
    }
    expect(new Cursor(Uint8Array.from(bytes)).varint()).toBe(value);
    if (value > 0) expect(() => new Cursor(Uint8Array.from(bytes)).varint(value - 1)).toThrow(MalformedSegment);
  });

  test.each<[string, number[]]>([
    ["that ends too early", [0x80]],
    ["that is not there", []],
    ["of 0, not written shortest", [0x80, 0]],
    ["of 127, not written shortest", [0xff, 0]],
    ["of 2^53", [...Array<number>(7).fill(0x80), 0x10]],
    ["of nine bytes", [...Array<number>(8).fill(0x80), 0x01]],
    ["of nine bytes, the last of them 0", [...Array<number>(8).fill(0x81), 0]],
    ["of thousands", [...Array<number>(3_000).fill(0x80), 1]],
  ])("%s is refused", (_, bytes) => {
    expect(() => new Cursor(Uint8Array.from(bytes)).varint()).toThrow(MalformedSegment);
  });

  test("of 1 before a 0 is a 1 and a 0", () => {
    const cursor = new Cursor(Uint8Array.of(1, 0));
    expect([cursor.varint(), cursor.varint(0)]).toEqual([1, 0]);
  });
});

describe("a cursor", () => {
  test("goes on in the next page, and knows its place", () => {
    const cursor = over([[1, 2, 3], [], [4, 5]], 1, 100);
    expect(cursor.place).toBe(101);
    expect([cursor.byte(), cursor.byte()]).toEqual([2, 3]);
    expect(cursor.place).toBe(103);
    expect([cursor.byte(), cursor.byte()]).toEqual([4, 5]);
    expect(cursor.place).toBe(105);
    expect(() => cursor.byte()).toThrow(MalformedSegment);
  });

  test.each<[number, number[]]>([
    [0, []],
    [1, [2]],
    [2, [2, 3]],
    [3, [2, 3, 4]],
    [4, [2, 3, 4, 5]],
    [5, [2, 3, 4, 5, 6]],
  ])("gives %d bytes, wherever pages end", (length, wanted) => {
    const cursor = over([[1, 2, 3], [4, 5], [6]], 1);
    expect([...cursor.bytes(length)]).toEqual(wanted);
    expect(cursor.place).toBe(1 + length);
    if (length < 5) expect(cursor.byte()).toBe(length + 2);
    else expect(() => cursor.byte()).toThrow(MalformedSegment);
  });

  test("gives no bytes that are not there", () => {
    expect(() => over([[1, 2], [3]]).bytes(4)).toThrow(MalformedSegment);
    expect(() => new Cursor(Uint8Array.of(1, 2), 1).bytes(2)).toThrow(MalformedSegment);
    expect(() => new Cursor(Uint8Array.of(1, 2), 3).byte()).toThrow(MalformedSegment);
    // Behind the end of a page is not the next one's beginning.
    expect(() =>
      over(
        [
          [1, 2],
          [3, 4],
        ],
        3,
      ).byte(),
    ).toThrow(MalformedSegment);
  });

  test("gives some bytes: up to so many, up to the end of a page", () => {
    const cursor = over([[1, 2, 3], [], [4, 5]], 0, 10);
    const taken = [2, 2, 1, 5].map((most) => [...cursor.some(most)]);
    expect(taken).toEqual([[1, 2], [3], [4], [5]]);
    expect(cursor.place).toBe(15);
    expect(() => cursor.some(1)).toThrow(MalformedSegment);
  });

  test("passes varints, and no more than it is told", () => {
    const bytes = Uint8Array.of(0x7f, 0x80, 0x01, 0x80, 0x80, 0x01, 9);
    const placeBehind = (count: number): number => {
      const cursor = new Cursor(bytes);
      cursor.skipVarints(count);
      return cursor.place;
    };
    expect([0, 1, 2, 3, 4].map(placeBehind)).toEqual([0, 1, 3, 6, 7]);
    expect(() => placeBehind(5)).toThrow(MalformedSegment);
  });

  test.each([1, 2, 3, 4])("passes bytes, in a page of %d and over its end", (length) => {
    const bytes = [1, 2, 3, 4, 5, 6];
    const pages = Array.from({ length: 6 / length }, (_, page) => bytes.slice(page * length, (page + 1) * length));
    for (let count = 0; count < pages.flat().length; count++) {
      const cursor = over(pages, 0, 10);
      cursor.skip(count);
      expect([cursor.place, cursor.byte()]).toEqual([10 + count, count + 1]);
    }
    expect(() => {
      over(pages).skip(7);
    }).toThrow(MalformedSegment);
  });

  test.each([1, 2, 3, 20])("passes lists, of which each number says whether one follows, in pages of %d", (length) => {
    // 0 | 3, more; 4 | 128, more, in two bytes; 65, more; 130, in two bytes | 1
    const bytes = [0, 7, 8, 0x81, 0x02, 0x83, 0x01, 0x84, 0x02, 2];
    const pages = Array.from({ length: Math.ceil(bytes.length / length) }, (_, page) =>
      bytes.slice(page * length, (page + 1) * length),
    );
    const placeBehind = (count: number): number => {
      const cursor = over(pages);
      cursor.skipLists(count);
      return cursor.place;
    };
    expect([0, 1, 2, 3, 4].map(placeBehind)).toEqual([0, 1, 3, 9, 10]);
    expect(() => placeBehind(5)).toThrow(MalformedSegment);
    expect(() => {
      new Cursor(Uint8Array.of(0, 7)).skipLists(2);
    }).toThrow(MalformedSegment);
  });

  test.each([
    [0, 0],
    [1, 0xff],
    [2, 0x0100],
    [7, 2 ** 53 - 1],
    [7, 0x0102030405],
  ])("reads %d bytes of a fixed length, the least significant first", (bytes, value) => {
    const read = Uint8Array.from(
      written((writer) => {
        writer.fixed(value, bytes);
      }, 1),
    );
    expect(read).toHaveLength(bytes);
    expect(new Cursor(read).fixed(bytes)).toBe(value);
  });
});

describe("a writer of bytes", () => {
  const many = Uint8Array.from({ length: 300 }, (_, i) => i % 251);

  test.each([0, 1, 99, 100, 101, 300])("adds %d bytes of another array, from a place on", (count) => {
    for (const start of [0, 300 - count])
      expect(
        written((writer) => {
          writer.byte(7);
          writer.bytes(many, start, start + count);
          writer.byte(8);
        }, 1),
      ).toEqual([7, ...many.subarray(start, start + count), 8]);
  });

  test("takes back what is behind a length, and is used again", () => {
    const writer = new ByteWriter(2);
    writer.bytes(Uint8Array.of(1, 2, 3));
    writer.truncate(5);
    expect(writer.length).toBe(3);
    writer.truncate(1);
    const other = new ByteWriter();
    other.append(writer);
    other.byte(9);
    expect([...other.view]).toEqual([1, 9]);
    writer.clear();
    expect([writer.length, ...writer.copy()]).toEqual([0]);
  });
});
