import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { digestOf, utf8, nobleSha256 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import {
  compareBytes,
  MalformedSegment,
  MAX_BLOCK_BYTES,
  segmentRoot,
  type Segment,
} from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { checkDictionary } from "../../../src/core/segment/dictionary.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { readHeader, SegmentReader } from "../../../src/core/segment/read.js";
import { countMatches } from "../../../src/core/segment/search.js";
import { TermTable } from "../../../src/core/segment/term-table.js";
import { canonicalJson } from "../../../src/core/json.js";
import { baseSegments, entryAt, groupOf } from "./corpus.js";
import { golden, GOLDEN_PATH, type GoldenSegment } from "./golden.js";

const rootOf = (segment: Segment): string => digestOf(segmentRoot(segment, nobleSha256));

describe("a segment", () => {
  test("is the golden one for the golden entries, byte by byte", () => {
    const wanted = JSON.parse(readFileSync(GOLDEN_PATH, "utf8")) as GoldenSegment;
    expect(wanted.entries).toHaveLength(256);
    expect(golden(wanted.entries)).toEqual(wanted);
  });

  test("is the same from a group that grows and from a full one", () => {
    const full = groupOf(0);
    const growing = new Group(0, nobleSha256);
    const roots: string[] = [];
    for (let leaf = 0; leaf < 4_096; leaf++) {
      growing.add(entryAt(leaf));
      if (leaf % 256 === 255) roots.push(rootOf(buildSegment(growing, 0, Math.floor(leaf / 256))));
    }
    expect(roots).toEqual(baseSegments(full).map(rootOf));
    expect(rootOf(buildSegment(growing, 1))).toBe(rootOf(buildSegment(full, 1)));
  });

  test("has blocks of at most 1,952 bytes, whatever its terms", () => {
    const group = new Group(0, nobleSha256);
    for (let leaf = 0; leaf < 256; leaf++) {
      const long = Array.from(
        { length: 40 },
        (_, i) => `${leaf}x${i}${"z".repeat(200)} ${"я".repeat(200)}${leaf}`,
      ).join(" ");
      const event = { message: long, actor: `${leaf}${"a".repeat(251)}`, target: `${"я".repeat(124)}${leaf}` };
      const canonical = utf8(canonicalJson({ event, received_at: "2026-01-01T00:00:00.000000Z" }));
      group.add({ canonical, leafHash: nobleSha256(canonical) });
    }
    const { blocks } = buildSegment(group, 0);
    expect(Math.max(...blocks.map((block) => block.length))).toBeLessThanOrEqual(MAX_BLOCK_BYTES);
    expect(countOf({ blocks, level: 0, number: 0, directory: buildSegment(group, 0).directory })).toBe(256);
  });

  test("is not built over entries that a group does not have", () => {
    expect(() => buildSegment(groupOf(0, 255), 0)).toThrow("the group has 255 of 256 documents");
    expect(() => buildSegment(groupOf(0, 256), 1)).toThrow(RangeError);
  });

  test("has its terms in rising order, each block between its first term and its fence", () => {
    const segment = buildSegment(groupOf(0), 1);
    const { dictionaryBlocks, terms } = readHeader(segment.blocks[0] ?? new Uint8Array());
    let count = 0;
    for (let number = 1; number <= dictionaryBlocks; number++) {
      const block = segment.blocks[number] ?? new Uint8Array();
      const { entries, fence } = checkDictionary(block, 4_096);
      count += entries.length;
      expect(entries[0]?.term).toEqual(segment.directory[number - 1]);
      expect(fence).toEqual(segment.directory[number]);
    }
    expect(count).toBe(terms);
  });
});

describe("the reader of a segment", () => {
  test("reads what is damaged as something else or refuses it as malformed, and ends", () => {
    const segment = buildSegment(groupOf(0, 256), 0);
    let refused = 0;
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), (block, at, change) => {
        const number = block % segment.blocks.length;
        const damaged = Uint8Array.from(segment.blocks[number] ?? []);
        damaged[at % damaged.length] = (damaged[at % damaged.length] ?? 0) ^ change;
        try {
          countOf({ ...segment, blocks: segment.blocks.map((one, i) => (i === number ? damaged : one)) });
        } catch (error) {
          if (!(error instanceof MalformedSegment || error instanceof RangeError)) throw error;
          refused += 1;
        }
      }),
      { numRuns: 300, seed: 3 },
    );
    expect(refused).toBeGreaterThan(0);
  });

  test.each<[string, number[]]>([
    ["nothing", []],
    ["another version", [2, 0, 0, 1, 1, ...Array<number>(10).fill(0)]],
    ["a level of 5", [1, 5, 0, 1, 1, ...Array<number>(10).fill(0)]],
    ["more dictionary blocks than terms", [1, 0, 0, 1, 2, ...Array<number>(10).fill(0)]],
    ["a number that is not written shortest", [1, 0x80, 0, 0, 1, 1, ...Array<number>(10).fill(0)]],
    ["bytes that follow", [1, 0, 0, 1, 1, ...Array<number>(11).fill(0)]],
    ["more than a block", Array<number>(1_953).fill(0)],
  ])("refuses a header of %s", (_, bytes) => {
    expect(() => readHeader(Uint8Array.from(bytes))).toThrow(MalformedSegment);
  });

  test.each<[string, number[]]>([
    ["no terms", [0, 0]],
    ["terms out of order", [2, 0, 0, 1, 0x62, 0x10, 0, 0, 1, 0x61, 0x10, 0]],
    ["a term twice", [2, 0, 0, 1, 0x62, 0x10, 0, 1, 0, 0x10, 0]],
    ["a fence before its terms", [1, 1, 0x61, 0, 1, 0x62, 0x10, 0]],
    ["a first term that shares", [1, 0, 1, 1, 0x62, 0x10, 0]],
    ["a posting of no kind", [1, 0, 0, 1, 0x62, 0x13, 0]],
    ["a posting without documents", [1, 0, 0, 1, 0x62, 0x00]],
    ["a document beyond the segment", [1, 0, 0, 1, 0x62, 0x10, 0x80, 0x02]],
    ["a document twice", [1, 0, 0, 1, 0x62, 0x20, 3, 0]],
    ["more documents than there are", [1, 0, 0, 1, 0x62, 0xf0, 0x81, 0x02]],
  ])("refuses a dictionary block of %s", (_, bytes) => {
    expect(() => checkDictionary(Uint8Array.from(bytes), 256)).toThrow(MalformedSegment);
  });
});

test("a table of terms sorts them by their bytes", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9, max: 2 }), { maxLength: 300 }), (terms) => {
      const table = new TermTable();
      const numbers = Int32Array.from(new Set(terms.map((term) => table.numberOf(term, term.length))));
      table.sort(numbers);
      const wanted = [...numbers].sort((a, b) => compareBytes(table.bytes(a), table.bytes(b)));
      expect([...numbers]).toEqual(wanted);
      const isKept = (term: Uint8Array): boolean =>
        compareBytes(table.bytes(table.numberOf(term, term.length)), term) === 0;
      expect(terms.every(isKept)).toBe(true);
    }),
    { numRuns: 150, seed: 4 },
  );
});

test("a table of terms sorts what differs in the number of its U+0000 alone", () => {
  const table = new TermTable();
  const numbers = Int32Array.from({ length: 200 }, (_, place) => {
    const term = new Uint8Array(199 - place);
    return table.numberOf(term, term.length);
  });
  table.sort(numbers);
  expect([...numbers]).toEqual(Array.from({ length: 200 }, (_, place) => 199 - place));
});

test("a table of terms knows each of thousands again", () => {
  const table = new TermTable();
  const terms = Array.from({ length: 9_000 }, (_, place) => utf8(`${place}${"x".repeat(place % 40)}`));
  const numbered = (): number[] => terms.map((term) => table.numberOf(Uint8Array.of(...term, 7), term.length));
  const places = terms.map((_, place) => place);
  expect(numbered()).toEqual(places);
  expect(numbered()).toEqual(places);
  expect(table.size).toBe(9_000);
  expect(places.filter((place) => compareBytes(table.bytes(place), terms[place] ?? new Uint8Array()) !== 0)).toEqual(
    [],
  );
});

/** Counts what a filter that reads most of a segment finds. */
function countOf(segment: Segment): number {
  const reader = new SegmentReader(memorySource(segment));
  const presence = { kind: "present" as const, field: "message" as const };
  const phrase = { kind: "phrase" as const, field: undefined, words: ["logged", "i"], prefix: true };
  const time = { kind: "time" as const, start: undefined, end: undefined };
  const filter = { kind: "or" as const, filters: [{ kind: "and" as const, filters: [phrase, time] }, presence] };
  const range = { start: 0, end: 256 };
  return countMatches({ readers: [reader], sha256: nobleSha256 }, { filter, range, descending: false });
}
