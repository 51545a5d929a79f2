import { buildSegment } from "../../../src/core/segment/build.js";
import { PIECE_DOCUMENTS, type Segment, type SegmentId } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { MERGED_CHILDREN, mergeSegments } from "../../../src/core/segment/merge.js";
import { readHeader, SegmentReader } from "../../../src/core/segment/read.js";
import { headerBlock } from "../../../src/core/segment/segment-writer.js";
import { utf8 } from "../../../src/core/bytes.js";
import type { IndexedEntry } from "../../../src/core/words/entry-terms.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { entryAt } from "./corpus.js";

/** A segment of level 1 in which only every `step`-th document is an entry; the others are empty, so that tall segments stay small. */
export function sparseSegment(number: number, step: number): Segment {
  const group = new Group(number, nodeSha256);
  for (let place = 0; place < PIECE_DOCUMENTS; place++)
    if (place % step === 0) group.add(entryAt(place + (number % MERGED_CHILDREN)));
    else group.skip();
  return buildSegment(group, 1);
}

/** A segment of level 1 with hundreds of blocks, of 16 entries alone: they have no word in common. */
export function wordySegment(number: number): Segment {
  const group = new Group(number, nodeSha256);
  for (let place = 0; place < PIECE_DOCUMENTS; place++)
    if (place % 256 === 0) group.add(wordyEntry(place / 256));
    else group.skip();
  return buildSegment(group, 1);
}

function wordyEntry(place: number): IndexedEntry {
  const words = Array.from({ length: 900 }, (_, word) =>
    Buffer.from(nodeSha256(Uint8Array.of(place, word & 255, word >> 8))).toString("hex", 0, 20),
  );
  const canonical = utf8(`{"event":{"message":"${words.join(" ")}"},"received_at":"2026-01-01T00:00:00.000000Z"}`);
  return { canonical, leafHash: nodeSha256(canonical) };
}

/** The segment of the same documents at another place: only the header has the number. */
export function renumbered(segment: Segment, number: number): Segment {
  const [first, ...rest] = segment.blocks;
  return { ...segment, number, blocks: [headerBlock({ ...readHeader(first ?? new Uint8Array()), number }), ...rest] };
}

/** 16 neighbours of these documents, by turns; the first is the number-th segment of the next level's first child. */
export function neighbours(segments: readonly Segment[], parent = 0): readonly Segment[] {
  return Array.from({ length: MERGED_CHILDREN }, (_, place) => {
    const segment = segments[place % segments.length];
    if (segment === undefined) throw new RangeError("neighbours of nothing");
    return renumbered(segment, parent * MERGED_CHILDREN + place);
  });
}

export const readerOf = (segment: Segment): SegmentReader => new SegmentReader(memorySource(segment));

/** A segment of level 2, 3 or 4 with one document in every piece, and some more in one. */
export function tallSegment({ level, number }: SegmentId): Segment {
  let [some, one] = [sparseSegment(0, 512), sparseSegment(2, PIECE_DOCUMENTS)];
  for (let at = 2; at < level; at++) [some, one] = [merged(neighbours(mostly(one, some))), merged(neighbours([one]))];
  return merged(neighbours(mostly(one, some), number));
}

function mostly(one: Segment, other: Segment): readonly Segment[] {
  return Array.from({ length: MERGED_CHILDREN }, (_, place) => (place === 3 ? other : one));
}

function merged(children: readonly Segment[]): Segment {
  return mergeSegments(children.map(readerOf));
}
