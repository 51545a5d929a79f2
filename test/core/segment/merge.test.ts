import { beforeAll, describe, expect, test } from "@jest/globals";
import { utf8 } from "../../../src/core/bytes.js";
import { EVENT_FIELDS } from "../../../src/core/event.js";
import { canonicalJson } from "../../../src/core/json.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import type { SegmentFilter } from "../../../src/core/segment/filter.js";
import { compareBytes, PIECE_DOCUMENTS, type Segment } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { mergeSegments } from "../../../src/core/segment/merge.js";
import type { DictionaryEntry } from "../../../src/core/segment/dictionary.js";
import { SegmentReader } from "../../../src/core/segment/read.js";
import { matchingLeaves } from "../../../src/core/segment/search.js";
import { leavesByKey, leavesByTime } from "./sorted-leaves.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { entryAt } from "./corpus.js";
import { prefixedIn } from "./prefixed.js";

const SIZE = 65_536;

let children: readonly SegmentReader[] = [];
let merged: Segment;
let parent: SegmentReader;

beforeAll(() => {
  children = Array.from({ length: 16 }, (_, number) => readerOf(buildSegment(sparseGroup(number), 1)));
  merged = mergeSegments(children);
  parent = readerOf(merged);
});

describe("a merged segment", () => {
  const phrase = (words: readonly string[], prefix = false): SegmentFilter => ({
    kind: "phrase",
    field: undefined,
    words,
    prefix,
  });
  const filters: readonly SegmentFilter[] = [
    { kind: "all" },
    phrase(["alice"]),
    phrase(["logged", "in"]),
    phrase(["example", "c"], true),
    phrase(["user4", "example", "com"]),
    phrase(["lo"], true),
    phrase(["4095"]),
    phrase(["nowhere"]),
    { kind: "exact", field: "source", value: "edge" },
    { kind: "exact", field: "actor", value: "user7@example.com" },
    ...EVENT_FIELDS.map((field): SegmentFilter => ({ kind: "present", field })),
    {
      kind: "and",
      filters: [
        { kind: "exact", field: "status", value: "failed" },
        { kind: "not", filter: phrase(["東", "京"]) },
      ],
    },
  ];

  test.each(filters.map((filter) => [JSON.stringify(filter), filter] as const))(
    "finds what its children find: %s",
    (_, filter) => {
      for (const range of [
        { start: 0, end: SIZE },
        { start: 4_000, end: 40_001 },
      ]) {
        const query = { filter, range, descending: true };
        const found = [...matchingLeaves({ readers: [parent], sha256: nodeSha256 }, query)];
        const wanted = [...matchingLeaves({ readers: children, sha256: nodeSha256 }, query)];
        expect(found.length).toBe(wanted.length);
        expect(found.findIndex((leaf, place) => leaf !== wanted[place])).toBe(-1);
      }
    },
  );

  test("sorts as its children sort", () => {
    const query = { filter: phrase(["東", "京"]), range: { start: 0, end: SIZE }, descending: false };
    const [one, many] = [[parent], children].map((readers) => ({ readers, sha256: nodeSha256 }));
    if (one === undefined || many === undefined) throw new Error("two ways");
    expect([...leavesByTime(one, query)]).toEqual([...leavesByTime(many, query)]);
    const by = { column: 2, keyOf: (leaf: number): Uint8Array => Uint8Array.of(leaf % 7) };
    expect([...leavesByKey(one, query, by)]).toEqual([...leavesByKey(many, query, by)]);
  });

  test("has every term of its children once, with the documents of all", () => {
    const counts = (readers: readonly SegmentReader[]): Map<string, number> => {
      const found = new Map<string, number>();
      for (const reader of readers)
        for (const { term, posting } of dictionaryOf(reader)) {
          const key = Buffer.from(term).toString("latin1");
          found.set(key, (found.get(key) ?? 0) + posting.df);
        }
      return found;
    };
    const wanted = counts(children);
    expect(counts([parent])).toEqual(wanted);
    expect(parent.header.terms).toBe(wanted.size);
  });

  test("is made of postings of every kind", () => {
    const kinds = (reader: SegmentReader): string[] => [
      ...new Set(Array.from(dictionaryOf(reader), ({ posting }) => `${posting.kind} ${posting.positionKind}`)),
    ];
    const ofChildren = [...new Set(children.flatMap(kinds))].sort();
    expect(ofChildren).toEqual(["0 0", "0 1", "0 2", "1 0", "1 1", "1 2", "2 0", "2 1"]);
    expect(kinds(parent).sort()).toEqual(["0 0", "0 1", "0 2", "1 0", "1 1", "1 2"]);
  });

  test("is the same from the same children", () => {
    const again = mergeSegments(children);
    expect(again.blocks.length).toBe(merged.blocks.length);
    expect(again.blocks.every((block, place) => compareBytes(block, merged.blocks[place] ?? block) === 0)).toBe(true);
  });

  test("is not made of other children", () => {
    expect(() => mergeSegments(children.slice(1))).toThrow(RangeError);
    expect(() => mergeSegments([...children].reverse())).toThrow(RangeError);
  });
});

/**
 * Every eighth entry is the corpus's, the others are a few that were cut into terms before; in four groups all are, so
 * that some terms are in every document of a child.
 */
function sparseGroup(number: number): Group {
  const group = new Group(number, nodeSha256);
  for (let place = 0; place < PIECE_DOCUMENTS; place++) {
    const leaf = number * PIECE_DOCUMENTS + place;
    group.add(place % 8 === 3 && number % 4 > 0 ? entryAt(leaf) : (plain[(leaf * 7) % plain.length] ?? entryAt(leaf)));
  }
  return group;
}

const plain = Array.from({ length: 40 }, (_, place) => {
  const event = {
    message: place % 3 === 0 ? "logged in" : `alice ${"and logged in ".repeat(place % 4)}`,
    actor: `user${place % 20}@example.com`,
    status: place % 5 === 0 ? "failed" : "ok",
    timestamp: `2026-01-01T00:00:${String(place).padStart(2, "0")}Z`,
  };
  const canonical = utf8(canonicalJson({ event, received_at: "2026-01-01T00:00:00.000000Z" }));
  return { canonical, leafHash: nodeSha256(canonical) };
});

function readerOf(segment: Segment): SegmentReader {
  return new SegmentReader(memorySource(segment));
}

function dictionaryOf(reader: SegmentReader): readonly DictionaryEntry[] {
  const blocks = Array.from({ length: reader.header.dictionaryBlocks }, (_, place) => place + 1);
  return blocks.flatMap((number) => prefixedIn(reader, number, new Uint8Array()).entries);
}
