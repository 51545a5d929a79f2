import type { Sha256 } from "../hash.js";
import type { LeafRange } from "../tree.js";
import { evaluation } from "./evaluate.js";
import type { SegmentFilter } from "./filter.js";
import { compareBytes, KEY_COLUMNS, segmentDocuments, type SegmentId } from "./format.js";
import { countBits, noBits, set, setPlaces } from "./posting-view.js";
import { readKeys, readTimes } from "./read-columns.js";
import type { PieceBits, SegmentReader } from "./read.js";

/** A search over segments that cover its range. */
export interface SegmentQuery {
  readonly filter: SegmentFilter;
  readonly range: LeafRange;
  readonly descending: boolean;
}

export interface Segments {
  /** In the order of their leaves. */
  readonly readers: readonly SegmentReader[];
  readonly sha256: Sha256;
}

/** The leaves that a segment covers. */
export function leavesOf({ level, number }: SegmentId): LeafRange {
  const size = segmentDocuments(level);
  return { start: number * size, end: (number + 1) * size };
}

/**
 * The leaves that match, in the order of leaves, read as they are taken. Throws a RangeError unless the segments tile
 * the range, before anything is evaluated.
 */
export function* matchingLeaves(segments: Segments, query: SegmentQuery): Generator<number> {
  for (const { start, bits } of matchingPieces(segments, query)) {
    const places = setPlaces(bits);
    for (const place of query.descending ? [...places].reverse() : places) yield start + place;
  }
}

/** How many leaves match, exactly. Throws as `matchingLeaves`. */
export function countMatches(segments: Segments, query: SegmentQuery): number {
  let count = 0;
  for (const { bits } of matchingPieces(segments, query)) count += countBits(bits);
  return count;
}

/**
 * The leaves that match, by a column of keys; ties by leaf, in the same direction. Ranks order a piece, and `keyOf`,
 * which returns a leaf's sort key, only the first of each. Throws as `matchingLeaves`.
 */
export function* leavesByKey(
  segments: Segments,
  query: SegmentQuery,
  by: { readonly column: number; readonly keyOf: (leaf: number) => Uint8Array },
): Generator<number> {
  const ordered = [...matchingPieces(segments, query)].map(({ reader, piece, start, bits }) => {
    const { ranks } = readKeys(reader, by.column, piece);
    const places = [...setPlaces(bits)].sort((a, b) => (ranks[a] ?? 0) - (ranks[b] ?? 0) || a - b);
    return (query.descending ? places.reverse() : places).map((place) => start + place);
  });
  yield* merged(ordered, query.descending, (leaf) => [by.keyOf(leaf), leaf]);
}

/** The leaves that match, by the event's own time; those without one come first. Throws as `matchingLeaves`. */
export function leavesByTime(segments: Segments, query: SegmentQuery): readonly number[] {
  const found = [...matchingPieces(segments, query)].flatMap(({ reader, piece, start, bits }) => {
    const { times, micros } = readTimes(reader, piece);
    return setPlaces(bits).map((place) => ({
      leaf: start + place,
      ms: times[place] ?? -1,
      micros: micros[place] ?? 0,
    }));
  });
  found.sort((a, b) => a.ms - b.ms || a.micros - b.micros || a.leaf - b.leaf);
  return (query.descending ? found.reverse() : found).map(({ leaf }) => leaf);
}

/** The place of the column of times, behind those of keys. */
export const TIME_COLUMN = KEY_COLUMNS.length;

interface MatchingPiece {
  readonly reader: SegmentReader;
  readonly piece: number;
  /** The piece's first leaf. */
  readonly start: number;
  readonly bits: PieceBits;
}

function* matchingPieces({ readers, sha256 }: Segments, query: SegmentQuery): Generator<MatchingPiece> {
  const covering = checkTiling(readers, query.range);
  for (const reader of query.descending ? [...covering].reverse() : covering) {
    const evaluated = evaluation(query.filter, reader, sha256);
    if (evaluated.most === 0) continue;
    for (let i = 0; i < reader.pieces; i++) {
      const piece = query.descending ? reader.pieces - 1 - i : i;
      const start = leavesOf(reader.header).start + piece * reader.pieceDocuments;
      const mask = maskOf(query.range, start, reader.pieceDocuments);
      if (mask !== undefined) yield { reader, piece, start, bits: evaluated.bits(piece, mask) };
    }
  }
}

/** The segments that have leaves of the range; a gap would lose matches, an overlap count them twice. */
function checkTiling(readers: readonly SegmentReader[], range: LeafRange): readonly SegmentReader[] {
  const covering = readers.filter(({ header }) => {
    const { start, end } = leavesOf(header);
    return start < range.end && end > range.start;
  });
  let next = range.start;
  for (const { header } of covering) {
    const { start, end } = leavesOf(header);
    if (next === range.start ? start > next : start !== next)
      throw new RangeError(
        `segments must tile the leaves ${range.start} to ${range.end}: one begins at ${start}, not ${next}`,
      );
    next = end;
  }
  if (next < range.end)
    throw new RangeError(`segments must tile the leaves ${range.start} to ${range.end}: they end at ${next}`);
  return covering;
}

function maskOf(range: LeafRange, start: number, documents: number): PieceBits | undefined {
  const first = Math.max(0, range.start - start);
  const end = Math.min(documents, range.end - start);
  if (first >= end) return undefined;
  const mask = noBits();
  for (let document = first; document < end; document++) set(mask, document);
  return mask;
}

/** Merges lists that are in order. */
function* merged(
  lists: readonly (readonly number[])[],
  descending: boolean,
  keyOf: (leaf: number) => readonly [Uint8Array, number],
): Generator<number> {
  const heads = lists.flatMap((leaves) => (leaves[0] === undefined ? [] : [{ leaves, at: 0, key: keyOf(leaves[0]) }]));
  const sign = descending ? -1 : 1;
  while (heads.length > 0) {
    let best = 0;
    heads.forEach(({ key }, place) => {
      const [bytes, leaf] = heads[best]?.key ?? key;
      if (sign * (compareBytes(key[0], bytes) || key[1] - leaf) < 0) best = place;
    });
    const head = heads[best];
    if (head === undefined) return;
    yield head.key[1];
    head.at += 1;
    const next = head.leaves[head.at];
    if (next === undefined) heads.splice(best, 1);
    else head.key = keyOf(next);
  }
}
