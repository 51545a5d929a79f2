import { beforeAll, describe, expect, test } from "@jest/globals";
import type { SegmentBlocks } from "../../../src/audit/block-store.js";
import { utf8 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { Group } from "../../../src/core/segment/group.js";
import type { Segment } from "../../../src/core/segment/format.js";
import { mergeSegments } from "../../../src/core/segment/merge.js";
import type { IndexedEntry } from "../../../src/core/words/entry-terms.js";
import { Outline, recordOf, recordsBelow, storable } from "../../../src/engine/search/outline.js";
import { packed, unpacked } from "../../../src/engine/search/packed.js";
import type { MakerCall, MakerReply } from "../../../src/engine/search/segment-maker.js";
import { replyBuffers, SegmentMaking } from "../../../src/engine/search/segment-making.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { neighbours, readerOf, sparseSegment } from "../../core/segment/tall-segments.js";

const GROUP = 4_096;
const BASE = 256;
const MANY = 1_000_000;

/** Short, for there are thousands. */
function entryAt(leaf: number): IndexedEntry {
  const canonical = utf8(`{"event":{"message":"m${leaf % 9}"},"received_at":"2026-01-01T00:00:00.000000Z"}`);
  return { canonical, leafHash: nodeSha256(utf8(String(leaf))) };
}

const entriesFrom = (first: number, count: number): readonly IndexedEntry[] =>
  Array.from({ length: count }, (_, place) => entryAt(first + place));

function adding(first: number, count: number, begins?: "group" | "base"): MakerCall {
  const entries = entriesFrom(first, count);
  const canonical = packed(entries.map((entry) => entry.canonical));
  return { kind: "add", begins, firstLeaf: first, canonical, leafHashes: packed(entries.map((one) => one.leafHash)) };
}

function madeBy(reply: MakerReply): SegmentBlocks {
  if (reply.kind !== "made") throw new Error(`it said ${reply.kind}`);
  return { ...reply.segment, contents: unpacked(reply.contents) };
}

/** With a hash for each block: thousands of bytes are compared slowly. */
function hashed(made: SegmentBlocks): object {
  return { ...made, contents: made.contents.map(nodeSha256) };
}

describe("what the thread does that makes segments", () => {
  test("makes the segment of a group that comes in pieces, and lists its bases", () => {
    const making = new SegmentMaking(MANY);
    const [first, cut] = [3 * GROUP, 1_000];
    expect(making.reply(adding(first, cut, "group"))).toEqual({ kind: "added" });
    expect(making.reply(adding(first + cut, GROUP - cut))).toEqual({ kind: "added" });
    const made = madeBy(making.reply({ kind: "build" }));
    const group = new Group(3, nodeSha256);
    for (const entry of entriesFrom(first, GROUP)) group.add(entry);
    const bases = Array.from({ length: 16 }, (_, place) => recordOf(buildSegment(group, 0, place)));
    expect(hashed(made)).toEqual(hashed(storable(buildSegment(group, 1), entryAt(4 * GROUP - 1).leafHash, bases)));
  });

  test.each([
    ["from its first leaf on", 5 * GROUP + 2 * BASE, 7],
    ["of a later leaf", 5 * GROUP + 2 * BASE + 31, 7],
    ["whole", 5 * GROUP + 2 * BASE, BASE],
    ["of no entry", 5 * GROUP + 2 * BASE, 0],
  ])("makes the segment of a base %s, the rest of which is empty", (_, first, count) => {
    const making = new SegmentMaking(MANY);
    expect(making.reply(adding(first, count, "base"))).toEqual({ kind: "added" });
    const reply = making.reply({ kind: "build-base" });
    if (reply.kind !== "base") throw new Error(`it said ${reply.kind}`);
    const base = buildSegment(groupOfBase(5 * 16 + 2, first, count), 0);
    expect([unpacked(reply.blocks), unpacked(reply.directory)]).toEqual([base.blocks, base.directory]);
  });

  test("takes entries in their order alone, and goes on with the next group", () => {
    const making = new SegmentMaking(MANY);
    expect(making.reply(adding(GROUP, 1))).toMatchObject({ kind: "failed" }); // nothing was begun
    making.reply(adding(GROUP, 10, "group"));
    for (const leaf of [GROUP + 9, GROUP + 11, 10])
      expect(making.reply(adding(leaf, 1))).toEqual({
        kind: "failed",
        reason: `leaf ${leaf} does not follow the group's last`,
        damaged: undefined,
      });
    expect(making.reply({ kind: "build" })).toMatchObject({
      kind: "failed",
      reason: "the group has 10 of 4096 documents",
    });
    expect(making.reply(adding(GROUP + 10, 1))).toEqual({ kind: "added" });
    expect(making.reply(adding(7 * GROUP, 1, "group"))).toEqual({ kind: "added" });
  });

  test("gives a group up that has too many words, and its memory", () => {
    const making = new SegmentMaking(200);
    expect(making.reply(adding(GROUP, 500, "group"))).toMatchObject({ kind: "too-large" });
    expect(making.reply(adding(GROUP + 500, 1))).toMatchObject({ kind: "failed" });
    expect(making.reply(adding(0, 1))).toEqual({ kind: "added" }); // as before the first group
    expect(making.reply(adding(GROUP, 5, "group"))).toEqual({ kind: "added" });
  });

  test("gives the memory of what it made away, and has none to give otherwise", () => {
    const making = new SegmentMaking(MANY);
    const added = making.reply(adding(0, 3, "base"));
    const base = making.reply({ kind: "build-base" });
    if (base.kind !== "base") throw new Error(`it said ${base.kind}`);
    expect(replyBuffers(base)).toEqual([base.blocks.bytes.buffer, base.directory.bytes.buffer]);
    const made: MakerReply = { kind: "made", segment: { ...EMPTY, blocks: 1 }, contents: packed([Uint8Array.of(1)]) };
    expect(replyBuffers(made)).toEqual([made.contents.bytes.buffer]);
    expect(replyBuffers(added)).toEqual([]);
  });
});

const EMPTY = { level: 1, number: 0, digest: new Uint8Array(32), lastLeafHash: new Uint8Array(32) };

/** What core makes of a base of which these alone are entries. */
function groupOfBase(number: number, first: number, count: number): Group {
  const group = new Group(number / 16, nodeSha256);
  for (let leaf = number * BASE; leaf < (number + 1) * BASE; leaf++)
    if (leaf >= first && leaf < first + count) group.add(entryAt(leaf));
    else group.skip();
  return group;
}

describe("16 segments that the thread merges", () => {
  let segments: readonly Segment[];
  let children: readonly SegmentBlocks[];
  beforeAll(() => {
    segments = neighbours([sparseSegment(0, 64), sparseSegment(1, 512)]);
    children = segments.map((segment) => {
      const below = Array.from({ length: 16 }, (_, place) => ({
        blocks: 1 + place + 16 * segment.number,
        root: nodeSha256(utf8(String(place))),
      }));
      return storable(segment, nodeSha256(utf8(`the last of ${segment.number}`)), below);
    });
  });

  const merging = (of: readonly SegmentBlocks[]): MakerReply =>
    new SegmentMaking(MANY).reply({
      kind: "merge",
      children: of.map((child) => ({ ...child, contents: packed(child.contents) })),
    });
  const replaced = (place: number, more: Partial<SegmentBlocks>): readonly SegmentBlocks[] =>
    children.map((child, at) => (at === place ? { ...child, ...more } : child));

  test("become the one that core merges, with all that lies below and their last leaf", () => {
    const outlines = children.map((child) => ({ id: child, outline: outlineOf(child) }));
    const last = nodeSha256(utf8("the last of 15"));
    const merged = storable(mergeSegments(segments.map(readerOf)), last, recordsBelow(outlines));
    expect(hashed(madeBy(merging(children)))).toEqual(hashed(merged));
  });

  test("are named by the first that is damaged: in a block, in its outline, or in what that lacks", () => {
    const { contents } = children[4] ?? nothing();
    const flipped = (at: number): readonly Uint8Array[] =>
      contents.map((block, place) => (place === at ? block.map((byte) => byte ^ 1) : block));
    const damaged = { kind: "failed", damaged: 4, reason: "a segment to be merged is damaged" };
    for (const at of [0, 3, contents.length - 2, contents.length - 1])
      expect(merging(replaced(4, { contents: flipped(at) }))).toEqual(damaged);
    expect(merging(replaced(4, { contents: [] }))).toEqual(damaged);
    expect(merging(replaced(4, storable(segments[4] ?? nothing(), new Uint8Array(32), [])))).toEqual(damaged);
  });

  test("stay as they are where they are no neighbours", () => {
    expect(merging(children.slice(1))).toMatchObject({ kind: "failed", damaged: undefined });
    expect(merging([])).toMatchObject({ kind: "failed", damaged: undefined });
  });
});

function outlineOf({ contents, digest }: SegmentBlocks): Outline {
  return Outline.read(contents.at(-1) ?? nothing(), digest) ?? nothing();
}

function nothing(): never {
  throw new Error("there is none");
}
