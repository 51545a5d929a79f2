import { describe, expect, test } from "@jest/globals";
import { nobleSha256, utf8 } from "../../../src/core/bytes.js";
import { canonicalJson } from "../../../src/core/json.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { bitsFor } from "../../../src/core/segment/build-columns.js";
import { FIRST_MS } from "../../../src/core/segment/event-time.js";
import { KEY_COLUMNS, MalformedSegment, PIECE_DOCUMENTS, Stream } from "../../../src/core/segment/format.js";
import { Group, sortKey } from "../../../src/core/segment/group.js";
import { readKeys, readTimes } from "../../../src/core/segment/read-columns.js";
import type { SegmentReader } from "../../../src/core/segment/read.js";
import { handMade } from "./hand-made.js";
import { readerOf } from "./tall-segments.js";

describe("a column", () => {
  /** Integers one after the other, the least significant bit first. */
  const packed = (values: readonly number[], width: number): number[] => {
    const whole = values.reduce((bits, value, place) => bits | (BigInt(value) << BigInt(place * width)), 0n);
    const length = Math.ceil((values.length * width) / 8);
    return Array.from({ length }, (_, at) => Number((whole >> BigInt(8 * at)) & 0xffn));
  };
  const inColumn = (column: number, piece: readonly number[], end = piece.length): SegmentReader =>
    handMade(0, [], { number: Stream.columns + column, bytes: [end & 0xff, end >> 8, 0, 0, ...piece] });
  const times = (head: readonly number[], body: readonly number[]): number[] => [
    ...head,
    ...[7, 0, 0, 0, 0, 0, 0],
    ...body,
  ];
  const readAll = (piece: readonly number[], end?: number): ReturnType<typeof readTimes> =>
    readTimes(inColumn(KEY_COLUMNS.length, piece, end), 0);

  test.each([1, 7, 8, 9, 23, 24, 25, 31, 32, 33, 47, 48, 49])("of integers of %d bits holds each of them", (width) => {
    const most = 2 ** width - 1;
    const values = Array.from({ length: 256 }, (_, i) => [0, most, 1, Math.floor(most / 3), 0][i % 5] ?? 0);
    const found = readAll(times([width, 1, 0], packed(values, width)));
    expect([...found.times]).toEqual(values.map((value) => (value === 0 ? -1 : 7 + value - 1)));
    expect([...found.micros].every((value) => value === 0)).toBe(true);
  });

  test("of times has seconds as its unit, microseconds, or nothing at all", () => {
    const values = Array.from({ length: 256 }, (_, i) => i % 2);
    const micros = Array.from({ length: 256 }, (_, i) => (i === 255 ? 999 : i));
    const found = readAll(
      times(
        [2, 0xe8, 0x07, 10],
        [
          ...packed(
            values.map((v) => 3 * v),
            2,
          ),
          ...packed(micros, 10),
        ],
      ),
    );
    expect([...found.times.subarray(0, 2)]).toEqual([-1, 2_007]);
    expect([...found.micros]).toEqual(micros);
    expect([...new Set(readAll([0]).times)]).toEqual([-1]);
  });

  const one = packed(Array<number>(256).fill(1), 1);
  test.each<[string, number[], number?]>([
    ["another unit", times([1, 2, 0], one)],
    ["microseconds of another width", times([1, 1, 1], [...one, ...one])],
    ["50 bits", times([50, 1, 0], packed(Array<number>(256).fill(1), 50))],
    ["a byte more", times([1, 1, 0], [...one, 0])],
    ["an end before its end", times([1, 1, 0], one), 41],
    ["a byte fewer", times([1, 1, 0], one.slice(1))],
  ])("of times with %s is refused", (_, piece, end = piece.length) => {
    expect(() => readAll(piece, end)).toThrow(MalformedSegment);
  });

  test("of keys has its smallest and largest, and a rank for each document", () => {
    const ranks = Array.from({ length: 256 }, (_, i) => i % 3);
    const reader = inColumn(2, [2, 1, 0x61, 2, 0x62, 0x63, ...packed(ranks, 2)]);
    const keys = readKeys(reader, 2, 0);
    expect([keys.smallest, keys.largest].map((key) => Buffer.from(key ?? []).toString())).toEqual(["a", "bc"]);
    expect(keys.rankOf(255)).toBe(0);
    expect([...readKeys(reader, 2, 0).ranks]).toEqual(ranks);
    expect(() => readKeys(inColumn(2, [2, 1, 0x61, 1, 0x62, ...packed(ranks, 2), 0]), 2, 0).rankOf(0)).toThrow(
      MalformedSegment,
    );
    expect(() => readKeys(inColumn(2, [2, 0x81, 0x04, ...Array<number>(513).fill(0x61), 0]), 2, 0)).toThrow(
      MalformedSegment,
    );
    const none = readKeys(inColumn(2, [0]), 2, 0);
    expect([none.smallest, none.largest, none.rankOf(9)]).toEqual([undefined, undefined, 0]);
  });

  test.each([
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [255, 8],
    [256, 9],
    [2 ** 48, 49],
  ])("up to %d takes %d bits", (most, bits) => {
    expect(bitsFor(most)).toBe(bits);
  });
});

describe("the columns of a built segment", () => {
  /** Documents 0, 1, ... with these values of a field; the others are empty. */
  const built = (field: string, values: readonly (string | number)[]): SegmentReader => {
    const group = new Group(0, nobleSha256);
    for (const value of values) {
      const event = { message: "m", [field]: value };
      const canonical = utf8(canonicalJson({ event, received_at: "2026-01-01T00:00:00.000000Z" }));
      group.add({ canonical, leafHash: new Uint8Array(32) });
    }
    while (group.documents < 256) group.skip();
    return readerOf(buildSegment(group, 0));
  };
  const MIDNIGHT = Date.UTC(2026, 0, 1) - FIRST_MS;

  test.each<[string, (string | number)[], number[], number[]]>([
    ["no time", ["yesterday"], [0], [-1]],
    ["the first of all", ["0000-01-01T00:00:00Z"], [1, 0xe8, 0x07, 0], [0]],
    ["one second", ["2026-01-01T00:00:01Z", "2026-01-01"], [1, 0xe8, 0x07, 0], [MIDNIGHT + 1_000, -1]],
    ["seconds", ["2026-01-01T00:00:02Z", "2026-01-01T00:00:00Z"], [2, 0xe8, 0x07, 0], [MIDNIGHT + 2_000, MIDNIGHT]],
    ["milliseconds", ["2026-01-01T00:00:00.001Z", "2026-01-01T00:00:00Z"], [2, 1, 0], [MIDNIGHT + 1, MIDNIGHT]],
    ["a microsecond", ["2026-01-01T00:00:00.000001Z"], [1, 0xe8, 0x07, 10], [MIDNIGHT]],
    ["all that there are", ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"], [49, 1, 0], [0, 315_569_519_999_999]],
  ])("of times have %s in as few bits as it takes", (...[, timestamps, head, wanted]) => {
    const reader = built("timestamp", timestamps);
    const bytes = reader.stream(Stream.columns + KEY_COLUMNS.length, 4).bytes(head.length);
    expect([...bytes]).toEqual(head);
    expect([...readTimes(reader, 0).times.subarray(0, wanted.length)]).toEqual(wanted);
  });

  test("of times have what is beyond a millisecond", () => {
    const reader = built("timestamp", ["2026-01-01T00:00:00.000999Z", "2026-01-01T00:00:00.001Z", 1]);
    expect([...readTimes(reader, 0).micros.subarray(0, 4)]).toEqual([999, 0, 0, 0]);
  });

  test("of keys have ranks in the order of their bytes, and nothing for what is absent or empty", () => {
    const keys = readKeys(built("actor", ["b", "", "a", "b", "c"]), 0, 0);
    expect([...keys.ranks.subarray(0, 6)]).toEqual([2, 0, 1, 2, 3, 0]);
    expect([keys.smallest, keys.largest]).toEqual([utf8("a"), utf8("c")]);
    expect(readKeys(built("actor", [""]), 0, 0).smallest).toBeUndefined();
  });

  const long = "x".repeat(128);
  test.each([
    ["", ""],
    [long, long],
    [`${long}y`, long],
    [`\0a\0${long}`, `a${long.slice(1)}`],
    ["\0", ""],
    ["\0ä", "ä"],
    ["ä".repeat(128), "ä".repeat(128)],
    ["ä".repeat(129), "ä".repeat(128)],
    ["😀".repeat(200), "😀".repeat(128)],
    [`${"😀".repeat(127)}ab`, `${"😀".repeat(127)}a`],
  ])("are sorted by the first 128 characters without U+0000: %j", (value, key) => {
    expect(Buffer.from(sortKey(utf8(value))).toString()).toBe(key);
  });
});

test("a group takes 4,096 entries, of which some may be empty", () => {
  const group = new Group(0, nobleSha256);
  for (let i = 0; i < PIECE_DOCUMENTS; i++) group.skip();
  expect(() => {
    group.skip();
  }).toThrow(RangeError);
  expect(() => {
    group.add({ canonical: utf8("{}"), leafHash: new Uint8Array(32) });
  }).toThrow("a group has 4096 entries");
  expect(group.documents).toBe(PIECE_DOCUMENTS);
});
