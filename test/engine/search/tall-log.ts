import type { SegmentBlocks } from "../../../src/audit/block-store.js";
import type { NewEntry } from "../../../src/audit/store.js";
import { utf8 } from "../../../src/core/bytes.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { PIECE_DOCUMENTS, segmentDocuments, type Segment, type SegmentId } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { BASE_ENTRIES, dueBase } from "../../../src/core/segment/index-log.js";
import { MERGED_CHILDREN, mergeSegments } from "../../../src/core/segment/merge.js";
import { Outline, recordOf, recordsBelow, storable, type Records } from "../../../src/engine/search/outline.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { FORMAT } from "../../core/segment/provable-log.js";
import { readerOf, renumbered } from "../../core/segment/tall-segments.js";

/** The first segment of level 3, and the one behind it of level 2, are due; some entries are in no stored segment. */
export const TALL_SIZE = (dueBase({ level: 3, number: 0 }) + 1) * BASE_ENTRIES + 300;
export const TALL: SegmentId = { level: 3, number: 0 };
export const TALL_END = segmentDocuments(3);

export const RECEIVED_AT = "2026-01-01T00:00:00.000000Z";
/** In several segments of level 2, the first and the last entry of that of level 3, behind it, and behind all. */
export const RARE: readonly number[] = [0, 70_000, 500_001, TALL_END - 1, TALL_END + 51_424, TALL_SIZE - 1];

/** The segment of level 2 with the third of them. */
const HIDDEN = 7;
/** So that the merged segment has more blocks than are given away at once. */
export const KINDS = 256;
const PLAIN = Array.from({ length: KINDS }, (_, kind) => entryOf({ actor: "erin", message: `plain kind${kind}` }));
const SPECIAL = new Map(RARE.map((leaf, at) => [leaf, entryOf({ actor: `user${at}`, message: `rare ${at}` })]));

function entryOf(event: object): NewEntry {
  const canonical = `{"event":${JSON.stringify(event)},"received_at":"${RECEIVED_AT}"}`;
  return { canonical, leafHash: FORMAT.leafHash(utf8(canonical)), receivedAt: RECEIVED_AT };
}

/** A log of a million entries of some kinds, by turns, and a few others: its segments are quickly made, for most are the same at any place. */
export function tallEntry(leaf: number): NewEntry {
  return SPECIAL.get(leaf) ?? plainEntry(leaf);
}

function plainEntry(leaf: number): NewEntry {
  return PLAIN[leaf % KINDS] ?? entryOf({});
}

interface Built {
  readonly segment: Segment;
  readonly bases: readonly Segment[];
}

/** Makes the segments of the log as they have to be, by core alone. */
class TallSegments {
  readonly #plain = built(0, plainEntry);
  readonly #groups = new Map<number, Built>();
  #plainPair: Segment | undefined;

  level1(number: number): SegmentBlocks {
    const { segment, bases } = this.#group(number);
    return stored(segment, bases.map(recordOf));
  }

  /** `isPlain`: as if all of its entries were plain. */
  level2(number: number, isPlain = this.#isPlain(2, number)): SegmentBlocks {
    const groups = Array.from({ length: MERGED_CHILDREN }, (_, place) => this.#group(number * MERGED_CHILDREN + place));
    const segment = isPlain ? renumbered((this.#plainPair ??= merged(groups)), number) : merged(groups);
    const below = [...groups.flatMap(({ bases }) => bases), ...groups.map((group) => group.segment)].map(recordOf);
    return stored(segment, below);
  }

  level3(children: readonly SegmentBlocks[]): SegmentBlocks {
    const from = children.map((id) => ({ id, outline: outlineOf(id) }));
    return stored(mergeSegments(children.map(segmentOf).map(readerOf)), recordsBelow(from));
  }

  #group(number: number): Built {
    if (this.#isPlain(1, number)) {
      const { segment, bases } = this.#plain;
      const place = number * MERGED_CHILDREN;
      return { segment: renumbered(segment, number), bases: bases.map((base, at) => renumbered(base, place + at)) };
    }
    const made = this.#groups.get(number) ?? built(number, tallEntry);
    this.#groups.set(number, made);
    return made;
  }

  #isPlain(level: number, number: number): boolean {
    const size = segmentDocuments(level);
    return !RARE.some((leaf) => Math.floor(leaf / size) === number);
  }
}

function built(number: number, entryAt: (leaf: number) => NewEntry): Built {
  const group = new Group(number, nodeSha256);
  for (let place = 0; place < PIECE_DOCUMENTS; place++) {
    const { canonical, leafHash } = entryAt(number * PIECE_DOCUMENTS + place);
    group.add({ canonical: utf8(canonical), leafHash });
  }
  const bases = Array.from({ length: MERGED_CHILDREN }, (_, place) => buildSegment(group, 0, place));
  return { segment: buildSegment(group, 1), bases };
}

function merged(groups: readonly Built[]): Segment {
  return mergeSegments(groups.map(({ segment }) => readerOf(segment)));
}

function stored(segment: Segment, below: Records): SegmentBlocks {
  const last = (segment.number + 1) * segmentDocuments(segment.level) - 1;
  return storable(segment, tallEntry(last).leafHash, below);
}

function segmentOf({ level, number, contents }: SegmentBlocks): Segment {
  return { level, number, blocks: contents.slice(0, -1), directory: [] };
}

function outlineOf({ contents, digest }: SegmentBlocks): Outline {
  const outline = Outline.read(contents.at(-1) ?? new Uint8Array(), digest);
  if (outline === undefined) throw new Error("no outline");
  return outline;
}

export interface TallIndex {
  /** Of level 2: 16 that are to be merged, and one that stays. */
  readonly children: readonly SegmentBlocks[];
  readonly last: SegmentBlocks;
  readonly tall: () => SegmentBlocks;
  /** One in which an entry is not found that is rare. */
  readonly fraudulent: () => SegmentBlocks;
  readonly group: (number: number) => SegmentBlocks;
}

export function tallSegments(): TallIndex {
  const segments = new TallSegments();
  const children = Array.from({ length: MERGED_CHILDREN }, (_, number) => segments.level2(number));
  const others = (): readonly SegmentBlocks[] =>
    children.map((child) => (child.number === HIDDEN ? segments.level2(HIDDEN, true) : child));
  return {
    ...{ children, last: segments.level2(MERGED_CHILDREN) },
    tall: () => segments.level3(children),
    fraudulent: () => segments.level3(others()),
    group: (number) => segments.level1(number),
  };
}
