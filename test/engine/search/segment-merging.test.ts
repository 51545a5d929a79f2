import { beforeAll, describe, expect, test } from "@jest/globals";
import type { SegmentBlocks } from "../../../src/audit/block-store.js";
import { utf8 } from "../../../src/core/bytes.js";
import { mergeSegments } from "../../../src/core/segment/merge.js";
import { Outline, recordsBelow, storable } from "../../../src/engine/search/outline.js";
import { packed, unpacked } from "../../../src/engine/search/packed.js";
import type { MergerCall } from "../../../src/engine/search/segment-merger.js";
import { mergedBy, type AskMerger } from "../../../src/engine/search/segment-merging.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { neighbours, readerOf, sparseSegment, wordySegment } from "../../core/segment/tall-segments.js";

/** Blocks that are asked for, or given away, at once. */
const READ_AT_ONCE = 32;
const STAGED_AT_ONCE = 256;
const DAMAGED = { kind: "failed", reason: "a segment to be merged is damaged" };

let children: readonly SegmentBlocks[];
let whole: SegmentBlocks;
beforeAll(() => {
  const [large, few, fewer] = [wordySegment(0), sparseSegment(1, 512), sparseSegment(2, 1_024)];
  const segments = neighbours(
    Array.from({ length: 16 }, (_, place) => (place === 3 ? large : place % 2 ? few : fewer)),
  );
  children = segments.map((segment) => {
    const root = nodeSha256(utf8(String(segment.number)));
    const below = Array.from({ length: 16 }, (_, place) => ({ blocks: 1 + place, root }));
    return storable(segment, nodeSha256(utf8(`the last of ${segment.number}`)), below);
  });
  const from = children.map((id) => ({ id, outline: outlineOf(id) }));
  const last = nodeSha256(utf8("the last of 15"));
  whole = storable(mergeSegments(segments.map(readerOf)), last, recordsBelow(from));
});

type Read = MergerCall & { readonly kind: "read" };

/** The side that has the blocks: what it was asked for, and what it was given. */
class Store {
  readonly reads: Read[] = [];
  readonly staged = new Map<number, Uint8Array>();
  readonly stages: number[] = [];

  constructor(private readonly kept: readonly SegmentBlocks[]) {}

  readonly ask: AskMerger = (call) => {
    if (call.kind === "read") {
      this.reads.push(call);
      const { contents } = this.kept[call.child] ?? nothing();
      return { kind: "blocks", blocks: packed(contents.slice(call.first, call.first + call.count)) };
    }
    const blocks = unpacked(call.blocks);
    expect(blocks).toHaveLength(call.numbers.length);
    this.stages.push(blocks.length);
    call.numbers.forEach((number, place) => this.staged.set(number, Uint8Array.from(blocks[place] ?? nothing())));
    return { kind: "staged" };
  };
}

describe("a merge from block to block", () => {
  test("gives every block of the segment that core merges away, once, and says what it is", () => {
    const store = new Store(children);
    const { contents, ...row } = whole;
    expect(mergedBy(children, store.ask)).toEqual({ kind: "merged", segment: row });
    const staged = Array.from({ length: row.blocks }, (_, number) => nodeSha256(store.staged.get(number) ?? nothing()));
    expect(staged).toEqual(contents.map(nodeSha256));
    expect(store.stages.reduce((sum, count) => sum + count)).toBe(row.blocks);
  });

  test("gives many away at once, and no more than it may keep", () => {
    const store = new Store(children);
    mergedBy(children, store.ask);
    expect(whole.blocks).toBeGreaterThan(STAGED_AT_ONCE);
    expect(store.stages.slice(0, -1).every((count) => count === STAGED_AT_ONCE)).toBe(true);
    expect(store.stages).toHaveLength(Math.ceil(whole.blocks / STAGED_AT_ONCE));
  });

  test("reads each outline once, and blocks in runs, the run before the outline too", () => {
    const store = new Store(children);
    mergedBy(children, store.ask);
    children.forEach(({ blocks }, child) => {
      const [outline, ...reads] = store.reads.filter((read) => read.child === child);
      expect(outline).toEqual({ kind: "read", child, first: blocks - 1, count: 1 });
      for (const { first, count } of reads) expect(count).toBe(Math.min(READ_AT_ONCE, blocks - 1 - first));
    });
  });

  test("reads a small child once, and a large one twice: to measure, and to write", () => {
    const store = new Store(children);
    mergedBy(children, store.ask);
    const read = children.map((_, child) =>
      store.reads.filter((one) => one.child === child).reduce((sum, { count }) => sum + count, 0),
    );
    expect(children[3]?.blocks).toBeGreaterThan(5 * READ_AT_ONCE);
    const small = (_: unknown, child: number): boolean => child !== 3;
    expect(read.filter(small)).toEqual(children.map(({ blocks }) => blocks).filter(small));
    expect(read[3]).toBeLessThanOrEqual(2 * ((children[3]?.blocks ?? 0) + READ_AT_ONCE)); // runs may overlap
  });

  test.each([0, 1, 9, -2, -1])("names the child of which block %i is damaged", (at) => {
    const { contents } = children[3] ?? nothing();
    const place = at < 0 ? contents.length + at : at;
    const changed = contents.map((block, n) => (n === place ? block.map((byte) => byte ^ 1) : block));
    const store = new Store(children.map((child, n) => (n === 3 ? { ...child, contents: changed } : child)));
    expect(mergedBy(children, store.ask)).toEqual({ ...DAMAGED, fault: { kind: "damaged", child: 3 } });
  });

  test("names the child whose outline lacks what lies below, as an earlier version wrote it", () => {
    const { contents, lastLeafHash } = children[3] ?? nothing();
    const segment = { level: 1, number: 3, blocks: contents.slice(0, -1), directory: [] };
    const changed = children.map((child, n) => (n === 3 ? storable(segment, lastLeafHash, []) : child));
    const said = mergedBy(changed, new Store(changed).ask);
    expect(said).toEqual({ ...DAMAGED, fault: { kind: "damaged", child: 3 } });
  });

  test("makes none of more blocks than a segment may have, and stages nothing of it", () => {
    const [store, other] = [new Store(children), new Store(children)];
    const said = mergedBy(children, store.ask, whole.blocks - 1);
    expect(said).toEqual({ kind: "failed", reason: "too many blocks", fault: { kind: "too-large" } });
    expect(store.stages).toEqual([]);
    expect(mergedBy(children, other.ask, whole.blocks)).toMatchObject({ kind: "merged" });
  });

  test("says why it failed where no child is to blame", () => {
    const store = new Store(children);
    const said = mergedBy(children, (call) => {
      if (call.kind === "stage") throw new Error("no space");
      return store.ask(call);
    });
    expect(said).toEqual({ kind: "failed", reason: "no space", fault: undefined });
    expect(mergedBy(children.slice(1), new Store(children.slice(1)).ask)).toMatchObject({ fault: undefined });
  });
});

function outlineOf({ contents, digest }: SegmentBlocks): Outline {
  return Outline.read(contents.at(-1) ?? nothing(), digest) ?? nothing();
}

function nothing(): never {
  throw new Error("there is none");
}
