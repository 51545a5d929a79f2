import { describe, expect, test } from "@jest/globals";
import { utf8 } from "../../../src/core/bytes.js";
import { segmentRoot, type Segment } from "../../../src/core/segment/format.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import {
  Outline,
  recordOf,
  recordsBelow,
  storable,
  treeOver,
  type Records,
} from "../../../src/engine/search/outline.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";

/** A segment is what its blocks are here: numbers and terms of no meaning. */
const segmentOf = (level: number, number: number, terms: readonly string[]): Segment => ({
  ...{ level, number, directory: terms.map((term) => utf8(term)) },
  blocks: Array.from({ length: 2 + terms.length }, (_, block) => utf8(`${level}/${number} block ${block}`)),
});
const outlineOf = (segment: Segment, below: Records = []): Outline => {
  const { contents, digest } = storable(segment, new Uint8Array(32), below);
  return Outline.read(contents.at(-1) ?? new Uint8Array(), digest) ?? nothing();
};

const TERMS = ["b", "bb", "d", "dd", "f"];

describe("an outline", () => {
  const segment = segmentOf(0, 7, TERMS);
  const outline = outlineOf(segment);

  test("has the root, the number of blocks and the tree over them", () => {
    expect(outline.root).toEqual(segmentRoot(segment, nodeSha256));
    expect(outline.blocks).toBe(7);
    expect([outline.tree().root(), treeOver(segment).root()]).toEqual([outline.root, outline.root]);
    expect(outline.record({ level: 0, number: 7 }, { level: 0, number: 7 })).toEqual(recordOf(segment));
  });

  test("is not read under another digest", () => {
    const { contents, digest } = storable(segment, new Uint8Array(32), []);
    const bytes = contents.at(-1) ?? nothing();
    expect(Outline.read(bytes.subarray(1), digest)).toBeUndefined();
    expect(Outline.read(bytes, nodeSha256(digest))).toBeUndefined();
  });

  test("knows each block at its own place alone", () => {
    segment.blocks.forEach((block, number) => {
      expect(segment.blocks.map((_, at) => outline.hasBlock(at, block))).toEqual(
        segment.blocks.map((_, at) => at === number),
      );
    });
    expect([outline.hasBlock(7, utf8("")), outline.hasBlock(0, utf8(""))]).toEqual([false, false]);
  });

  test("finds the block of a term where the segment in memory does", () => {
    const source = memorySource(segment);
    for (const term of ["", "a", ...TERMS, "bbb", "c", "e", "g"])
      expect([term, outline.locate(utf8(term))]).toEqual([term, source.locate(utf8(term))]);
    const empty = outlineOf(segmentOf(0, 1, []));
    expect([empty.locate(utf8("a")), empty.blocks]).toEqual([1, 2]);
  });
});

describe("the segments below a merged one", () => {
  const bases = (first: number): readonly Segment[] =>
    Array.from({ length: 16 }, (_, place) => segmentOf(0, first + place, TERMS.slice(0, place % 3)));
  const levelOne = Array.from({ length: 16 }, (_, number) => {
    const id = { level: 1, number };
    const below = recordsBelow(bases(16 * number).map((base) => ({ id: base, outline: outlineOf(base) })));
    return { id, segment: segmentOf(1, number, TERMS.slice(0, number % 4)), below };
  });
  const children = levelOne.map(({ id, segment, below }) => ({ id, outline: outlineOf(segment, below) }));
  const merged = outlineOf(segmentOf(2, 0, TERMS), recordsBelow(children));

  test("are all listed, each with its blocks and its root", () => {
    const id = { level: 2, number: 0 };
    for (let number = 0; number < 256; number++)
      expect(merged.record(id, { level: 0, number })).toEqual(
        recordOf(bases(number - (number % 16))[number % 16] ?? nothing()),
      );
    for (const { id: child, segment } of levelOne) {
      expect(merged.record(id, child)).toEqual(recordOf(segment));
      expect(children[child.number]?.outline.record(child, { level: 0, number: 16 * child.number + 3 })).toEqual(
        recordOf(bases(16 * child.number)[3] ?? nothing()),
      );
    }
  });

  test("tell of what level an outline is in full", () => {
    expect([0, 1, 2, 3].map((level) => merged.isOfLevel(level))).toEqual([false, false, true, false]);
    expect([0, 1, 2].map((level) => children[0]?.outline.isOfLevel(level))).toEqual([false, true, false]);
    expect([0, 1].map((level) => outlineOf(segmentOf(0, 0, TERMS)).isOfLevel(level))).toEqual([true, false]);
    expect(recordsBelow([])).toEqual([]);
  });
});

function nothing(): never {
  throw new Error("there is none");
}
