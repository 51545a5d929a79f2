import { expect, test } from "@jest/globals";
import { utf8 } from "../../../src/core/bytes.js";
import { setPlaces, bitsBetween, NO_BITS, noBits } from "../../../src/core/segment/bits.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { evaluation } from "../../../src/core/segment/evaluate.js";
import type { SegmentFilter } from "../../../src/core/segment/filter.js";
import { PIECE_DOCUMENTS } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { SegmentReader } from "../../../src/core/segment/read.js";
import { Unfinished } from "../../../src/core/segment/word-lookup.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { logged } from "../../stores/search-events.js";

/** One whole group, read through a source that counts; each entry has two words of its own beside each other. */
function countedSegment(): { readonly reader: SegmentReader; readonly reads: () => number } {
  const group = new Group(0, nodeSha256);
  for (let leaf = 0; leaf < PIECE_DOCUMENTS; leaf++) {
    const { canonical, leafHash } = logged({ message: `a${leaf} b${leaf}` }, leaf);
    group.add({ canonical: utf8(canonical), leafHash });
  }
  const source = memorySource(buildSegment(group, 1, 0));
  let reads = 0;
  const reader = new SegmentReader({ ...source, block: (number) => ((reads += 1), source.block(number)) });
  return { reader, reads: () => reads };
}

const phrase = (...words: readonly string[]): SegmentFilter => ({
  kind: "phrase",
  field: undefined,
  words,
  prefix: true,
});

const everything = bitsBetween(0, PIECE_DOCUMENTS);

test("an evaluation that begins again, for it lacked a block, does not look up again what it found", () => {
  const { reader, reads } = countedSegment();
  const sha256 = nodeSha256;
  const both: SegmentFilter = { kind: "or", filters: [phrase("a"), phrase("b")] };
  evaluation(phrase("a"), { reader, sha256 });
  const once = reads();
  evaluation(both, { reader, sha256 });
  const afterBoth = reads();
  evaluation(both, { reader, sha256 });
  expect(once).toBeGreaterThan(10);
  expect(afterBoth).toBeLessThan(2.5 * once);
  expect(reads()).toBe(afterBoth);
});

test("an evaluation reads no more dictionary blocks at once than it may, and goes on where it stopped", () => {
  const { reader, reads } = countedSegment();
  const filter: SegmentFilter = { kind: "and", filters: [phrase("a"), phrase("b")] };
  let steps = 0;
  const evaluated = (): ReturnType<typeof evaluation> => {
    for (;;) {
      const before = reads();
      try {
        return evaluation(filter, { reader, sha256: nodeSha256, blocks: 4 });
      } catch (error) {
        if (!(error instanceof Unfinished)) throw error;
        steps += 1;
        expect(reads() - before).toBe(4);
      }
    }
  };
  const found = evaluated();
  expect(steps).toBeGreaterThan(5);
  expect(setPlaces(found.bits(0, everything))).toHaveLength(PIECE_DOCUMENTS);
});

test("what all must match is not looked up behind what nothing matches", () => {
  const { reader, reads } = countedSegment();
  const before = reads();
  const nothing = evaluation(
    { kind: "and", filters: [phrase("zebra"), phrase("a")] },
    { reader, sha256: nodeSha256, blocks: 4 },
  );
  expect(nothing.most).toBe(0);
  expect(reads() - before).toBe(1);
});

test("a phrase that ends with a prefix finds each of thousands of words where it stands", () => {
  const { reader } = countedSegment();
  const found = (filter: SegmentFilter): number[] => [
    ...setPlaces(evaluation(filter, { reader, sha256: nodeSha256 }).bits(0, everything)),
  ];
  expect(found(phrase("a7", "b"))).toEqual([7]);
  expect(found(phrase("a7", "b1"))).toEqual([]);
  expect(found(phrase("b7", "a"))).toEqual([]);
});

test("a phrase is found by a word that is always at one place, and by those that are not", () => {
  const group = new Group(0, nodeSha256);
  const texts = Array.from(
    { length: 256 },
    (_, leaf) => `of the ${"w ".repeat(leaf % 3)}end ${leaf % 2 === 0 ? "end" : "w"}`,
  );
  texts.forEach((message, leaf) => {
    const { canonical, leafHash } = logged({ message }, leaf);
    group.add({ canonical: utf8(canonical), leafHash });
  });
  const reader = new SegmentReader(memorySource(buildSegment(group, 0)));
  const whole = bitsBetween(0, 256);
  for (const words of [
    "of the",
    "the of",
    "of w",
    "the w",
    "w w",
    "the end",
    "end w",
    "of the w",
    "the w w",
    "w end end",
    "end",
  ]) {
    const filter: SegmentFilter = { kind: "phrase", field: undefined, words: words.split(" "), prefix: false };
    const wanted = texts.flatMap((text, leaf) => (` ${text} `.includes(` ${words} `) ? [leaf] : []));
    const found = setPlaces(evaluation(filter, { reader, sha256: nodeSha256 }).bits(0, whole));
    expect([words, found]).toEqual([words, wanted]);
  }
});

test("a piece of which no document is in question is not read", () => {
  const { reader, reads } = countedSegment();
  const filters: readonly SegmentFilter[] = [
    phrase("a"),
    { kind: "present", field: "message" },
    { kind: "time", start: undefined, end: undefined },
    { kind: "and", filters: [{ kind: "present", field: "message" }, phrase("a")] },
    { kind: "not", filter: { kind: "present", field: "message" } },
  ];
  for (const filter of filters) {
    const evaluated = evaluation(filter, { reader, sha256: nodeSha256 });
    const before = reads();
    for (const none of [NO_BITS, noBits()]) expect(setPlaces(evaluated.bits(0, none))).toEqual([]);
    expect([filter, reads() - before]).toEqual([filter, 0]);
  }
});

test("what the dictionary alone tells is told by it", () => {
  const { reader } = countedSegment();
  const found = (...words: readonly string[]): ReturnType<typeof evaluation> =>
    evaluation({ kind: "phrase", field: "message", words, prefix: false }, { reader, sha256: nodeSha256 });
  expect(found("a7")).toMatchObject({ most: 1, isExact: true });
  expect(found("a7", "b7")).toMatchObject({ most: 1 });
  expect(found("b7", "a7").most).toBe(0); // one position each, and not beside each other
  expect(found("a7", "a7").most).toBe(0);
  const prefixed = evaluation({ kind: "or", filters: [phrase("")] }, { reader, sha256: nodeSha256 });
  expect(prefixed.most).toBe(PIECE_DOCUMENTS); // though each has two such words
  expect(found("nowhere")).toMatchObject({ most: 0, isExact: true });
});
