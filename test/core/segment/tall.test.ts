import { beforeAll, describe, expect, test } from "@jest/globals";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { canonicalJson, type Json } from "../../../src/core/json.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import type { SegmentFilter } from "../../../src/core/segment/filter.js";
import {
  columnOf,
  compareBytes,
  PIECE_DOCUMENTS,
  segmentRoot,
  type Segment,
} from "../../../src/core/segment/format.js";
import { Group, sortKey } from "../../../src/core/segment/group.js";
import { mergedHeader, mergeSegments, streamMerged } from "../../../src/core/segment/merge.js";
import type { SegmentReader } from "../../../src/core/segment/read.js";
import { countMatches, matchingLeaves, piecesIn, type SegmentQuery } from "../../../src/core/segment/search.js";
import { leavesByKey, leavesByTime } from "./sorted-leaves.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { matchesPlainly, plainEntry, plainTime, plainValue, type PlainEntry } from "./plain-matcher.js";
import { readerOf, renumbered } from "./tall-segments.js";

const SIZE = 16 * PIECE_DOCUMENTS;

type Event = Readonly<Record<string, Json>>;

/** What the documents of each of the 16 children say; most say nothing, and so do most children. */
const CHILDREN: ReadonlyMap<number, (place: number) => Event | undefined> = new Map([
  // Inline, at the edges of the piece.
  [0, (place) => ([0, 1, 4_095].includes(place) ? { message: "alpha beta", actor: `a${place % 3}` } : undefined)],
  // Of all documents, at one position, and with two that are neither at one nor of all.
  [2, (place) => ({ message: "alpha", new: place % 500 === 7 ? "x beta x" : "beta" })],
  // Long: by gaps, and as a bitmap; at one position.
  [3, (place) => (place % 2 === 0 ? { message: "gamma alpha", status: place % 64 === 0 ? "rare" : "ok" } : undefined)],
  // Long, at several positions, some of them too far for one byte.
  [
    4,
    (place) =>
      place % 8 === 5 ? { message: `alpha ${"w ".repeat(place % 3)}beta alpha ${"w ".repeat(70)}beta` } : undefined,
  ],
  [9, (place) => (place === 77 ? { message: "beta", timestamp: "2026-01-02T00:00:00.5Z", actor: "b" } : undefined)],
  [
    15,
    (place) =>
      place === 0 || place === 4_095
        ? { message: "alpha alphabet beta", timestamp: 1_767_225_600 + place, actor: "a1", source: "s" }
        : undefined,
  ],
]);

const entries = new Map<number, PlainEntry>();
const EMPTY: PlainEntry = { event: undefined, leafHash: new Uint8Array(32), words: new Map() };
const entryOf = (leaf: number): PlainEntry => entries.get(leaf) ?? EMPTY;

function childAt(number: number): Segment {
  const group = new Group(number, nodeSha256);
  for (let place = 0; place < PIECE_DOCUMENTS; place++) {
    const event = CHILDREN.get(number)?.(place);
    if (event === undefined) {
      group.skip();
      continue;
    }
    const canonical = utf8(canonicalJson({ event, received_at: "2026-01-01T00:00:00.000000Z" }));
    const entry = { canonical, leafHash: nodeSha256(canonical) };
    group.add(entry);
    entries.set(number * PIECE_DOCUMENTS + place, plainEntry(entry));
  }
  return buildSegment(group, 1);
}

let segmentsOfChildren: readonly Segment[] = [];
let children: readonly SegmentReader[] = [];
let parent: Segment;
let grandparent: Segment;

beforeAll(() => {
  segmentsOfChildren = Array.from({ length: 16 }, (_, number) => childAt(number));
  children = segmentsOfChildren.map(readerOf);
  parent = mergeSegments(children);
  grandparent = mergeSegments(Array.from({ length: 16 }, (_, number) => readerOf(renumbered(parent, number))));
});

const phrase = (words: readonly string[], prefix = false): SegmentFilter => ({
  ...{ kind: "phrase", field: undefined },
  ...{ words, prefix },
});
const FILTERS: readonly SegmentFilter[] = [
  phrase(["alpha"]),
  phrase(["alpha", "beta"]),
  phrase(["beta", "alpha"]),
  phrase(["x", "beta", "x"]),
  phrase(["w", "w", "beta"]),
  phrase(["alpha", "be"], true),
  phrase(["alph"], true),
  phrase(["nowhere"]),
  { ...phrase(["beta"]), kind: "phrase", field: "new", words: ["beta"], prefix: false },
  { kind: "exact", field: "status", value: "rare" },
  { kind: "present", field: "source" },
  { kind: "time", start: { epochMs: Date.UTC(2026, 0, 1), micros: 0 }, end: undefined },
  { kind: "and", filters: [phrase(["alpha"]), { kind: "not", filter: phrase(["beta"]) }] },
  { kind: "or", filters: [phrase(["gamma"]), { kind: "present", field: "new" }] },
  { kind: "not", filter: { kind: "present", field: "message" } },
];

/** Within a piece, over the edges of pieces, beside them, none, all. */
const RANGES = [
  [0, SIZE],
  [1, SIZE - 1],
  [4_095, 4_097],
  [4_096, 8_192],
  [SIZE - 1, SIZE],
  [9_000, 9_001],
  [12_300, 61_440],
] as const;

describe("a segment of many pieces", () => {
  test.each(FILTERS.map((filter) => [filter] as const))("and its children are searched as plainly: %j", (filter) => {
    const matching = Array.from({ length: SIZE }, (_, leaf) => leaf).filter((leaf) =>
      matchesPlainly(filter, entryOf(leaf)),
    );
    for (const readers of [[readerOf(parent)], children])
      for (const [start, end] of RANGES)
        for (const descending of [false, true]) {
          const query: SegmentQuery = { filter, range: { start, end }, descending };
          const wanted = matching.filter((leaf) => leaf >= start && leaf < end);
          const segments = { readers, sha256: nodeSha256 };
          const found = [...matchingLeaves(segments, query)];
          if (descending) found.reverse();
          expect([start, end, found.length]).toEqual([start, end, wanted.length]);
          expect(found.findIndex((leaf, place) => leaf !== wanted[place])).toBe(-1);
          expect(countMatches(segments, query)).toBe(wanted.length);
        }
  });

  test("is sorted over its pieces as plainly, by time and by keys", () => {
    const filter = FILTERS[1] ?? phrase([]);
    const leaves = [...entries.keys()].filter((leaf) => matchesPlainly(filter, entryOf(leaf)));
    const time = (leaf: number): number => {
      const found = plainTime(entryOf(leaf));
      return found === undefined ? -Infinity : found.epochMs + found.micros / 1_000;
    };
    const key = (leaf: number): Uint8Array => sortKey(utf8(plainValue(entryOf(leaf), "actor") ?? ""));
    const byTime = [...leaves].sort((a, b) => (time(a) === time(b) ? a - b : time(a) - time(b)));
    const byKey = [...leaves].sort((a, b) => compareBytes(key(a), key(b)) || a - b);
    const segments = { readers: [readerOf(parent)], sha256: nodeSha256 };
    for (const descending of [false, true]) {
      const query = { filter, range: { start: 0, end: SIZE }, descending };
      const by = { column: columnOf("actor") ?? -1, keyOf: key };
      expect([...leavesByTime(segments, query)]).toEqual(descending ? byTime.toReversed() : byTime);
      expect([...leavesByKey(segments, query, by)]).toEqual(descending ? byKey.toReversed() : byKey);
    }
  });

  test("finds in a million documents what each of its parts has", () => {
    const segments = { readers: [readerOf(grandparent)], sha256: nodeSha256 };
    const range = { start: 0, end: 16 * SIZE };
    for (const filter of FILTERS.slice(8, 11)) {
      const one = [...matchingLeaves({ readers: [readerOf(parent)], sha256: nodeSha256 }, asked(filter, SIZE))];
      const found = [...matchingLeaves(segments, { filter, range, descending: false })];
      expect(found.length).toBe(16 * one.length);
      expect(
        found.findIndex((leaf, i) => leaf !== (one[i % one.length] ?? 0) + SIZE * Math.floor(i / one.length)),
      ).toBe(-1);
    }
  });

  // What is signed is these bytes: another root is another format.
  test("has the root that format 1 gives it", () => {
    const roots = [...segmentsOfChildren.slice(0, 5), parent, grandparent].map((segment) =>
      digestOf(segmentRoot(segment, nodeSha256)).slice(0, 16),
    );
    expect(roots).toEqual(ROOTS);
    expect(mergedHeader(children)).toEqual(readerOf(parent).header);
  });

  test("is written block by block as in memory, under its own header alone", () => {
    const blocks: Uint8Array[] = [];
    const directory: Uint8Array[] = [];
    const header = mergedHeader(children);
    streamMerged(children, header, (number, block, first) => {
      blocks[number] = block;
      if (first !== undefined) directory[number - 1] = first;
    });
    expect([blocks.length, directory]).toEqual([parent.blocks.length, parent.directory]);
    expect(blocks.findIndex((block, number) => compareBytes(block, parent.blocks[number] ?? block) !== 0)).toBe(-1);
    for (const other of [
      { ...header, terms: header.terms + 1 },
      { ...header, streams: header.streams.map((bytes, place) => (place === 9 ? bytes + 1 : bytes)) },
      { ...header, number: 2 ** 40 },
    ])
      expect(() => {
        streamMerged(children, other, () => undefined);
      }).toThrow("the header is not that of these children's segment");
  });

  test("is read piece by piece, in either direction", () => {
    const pieces = (start: number, end: number, descending: boolean): readonly (readonly number[])[] =>
      [...piecesIn(readerOf(parent), { start, end }, descending)].map(({ piece, start: first }) => [piece, first]);
    expect(pieces(4_095, 8_193, false)).toEqual([
      [0, 0],
      [1, 4_096],
      [2, 8_192],
    ]);
    expect(pieces(4_096, 8_192, true)).toEqual([[1, 4_096]]);
    expect(pieces(0, 4_097, true)).toEqual([
      [1, 4_096],
      [0, 0],
    ]);
  });
});

describe("children", () => {
  const numbered = (level: 1 | 2, numbers: readonly number[]): SegmentReader[] =>
    numbers.map((number) => readerOf(renumbered(level === 1 ? (segmentsOfChildren[1] ?? parent) : parent, number)));
  const row = (first: number): number[] => Array.from({ length: 16 }, (_, place) => first + place);

  test.each<[string, () => SegmentReader[]]>([
    ["15 of 16", () => numbered(1, row(0).slice(1))],
    ["17", () => numbered(1, [...row(0), 16])],
    ["none", () => []],
    ["not the first's neighbours", () => numbered(1, [...row(0).slice(0, 15), 31])],
    ["of two parents", () => numbered(1, row(8))],
    ["of two levels", () => [...numbered(1, row(0).slice(0, 15)), ...numbered(2, [15])]],
  ])("that are %s are not merged", (_, make) => {
    expect(() => mergedHeader(make())).toThrow(RangeError);
  });

  test("of another parent are merged at its place", () => {
    expect(mergedHeader(numbered(1, row(16)))).toMatchObject({ level: 2, number: 1 });
  });
});

function asked(filter: SegmentFilter, end: number): SegmentQuery {
  return { filter, range: { start: 0, end }, descending: false };
}

/** The beginnings: of the first five children, which have postings of every kind, and of what is merged from them. */
const ROOTS: readonly string[] = [
  "d6c0196a5fe1b91c",
  "d1a28c2044d419ce",
  "36eecfab08c16e3f",
  "a806d751fb45e119",
  "567e2196eea583e6",
  "a44c142121726409",
  "7e38199b5a0c936c",
];
