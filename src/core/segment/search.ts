import type { Sha256 } from "../bytes.js";
import type { LeafRange } from "../tree.js";
import { evaluation } from "./evaluate.js";
import type { SegmentFilter } from "./filter.js";
import { bitsBetween, countBits, setPlaces, isEmpty, type PieceBits } from "./bits.js";
import { segmentDocuments, type SegmentId } from "./format.js";
import type { SegmentReader } from "./read.js";

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

/** The range of leaves that the segment covers. */
export function leavesOf({ level, number }: SegmentId): LeafRange {
  const size = segmentDocuments(level);
  return { start: number * size, end: (number + 1) * size };
}

/**
 * The matching leaves, in leaf order, read lazily piece by piece, so that a page of frequent matches reads one piece.
 * Throws a RangeError, before evaluating anything, unless the segments tile the range.
 */
export function* matchingLeaves(segments: Segments, query: SegmentQuery): Generator<number> {
  for (const { start, bits } of matchingPieces(segments, query)) {
    const documents = setPlaces(bits);
    for (let i = 0; i < documents.length; i++)
      yield start + (documents[query.descending ? documents.length - 1 - i : i] ?? 0);
  }
}

/** How many leaves match, exactly. Throws as `matchingLeaves`. */
export function countMatches(segments: Segments, query: SegmentQuery): number {
  let count = 0;
  for (const { reader, range } of covering(segments, query)) {
    const evaluated = evaluation(query.filter, { reader, sha256: segments.sha256 });
    if (evaluated.isExact === true && range.end - range.start === reader.documents) count += evaluated.most;
    else if (evaluated.most > 0)
      for (const { piece, mask } of piecesIn(reader, range, false)) count += countBits(evaluated.bits(piece, mask));
  }
  return count;
}

/** The matches in one piece of a segment. */
export interface MatchingPiece {
  readonly reader: SegmentReader;
  readonly piece: number;
  /** The piece's first leaf. */
  readonly start: number;
  readonly bits: PieceBits;
}

/** The pieces with matches, in the order of their leaves. Throws as `matchingLeaves`. */
export function* matchingPieces(segments: Segments, query: SegmentQuery): Generator<MatchingPiece> {
  for (const { reader, range } of covering(segments, query)) {
    const evaluated = evaluation(query.filter, { reader, sha256: segments.sha256 });
    if (evaluated.most === 0) continue;
    for (const { piece, mask, start } of piecesIn(reader, range, query.descending)) {
      const bits = evaluated.bits(piece, mask);
      if (!isEmpty(bits)) yield { reader, piece, start: leavesOf(reader.header).start + start, bits };
    }
  }
}

/** A segment, and the range of its documents that the search covers. */
interface Covering {
  readonly reader: SegmentReader;
  readonly range: LeafRange;
}

function covering({ readers }: Segments, { range, descending }: SegmentQuery): readonly Covering[] {
  const found = tiling(readers, range).map((reader) => {
    const { start, end } = leavesOf(reader.header);
    return {
      reader,
      range: { start: Math.max(range.start, start) - start, end: Math.min(range.end, end) - start },
    };
  });
  return descending ? found.reverse() : found;
}

export interface PieceMask {
  readonly piece: number;
  /** The piece's first document. */
  readonly start: number;
  readonly mask: PieceBits;
}

/** The pieces of a range of a segment's documents, in the order in which a search reads them. */
export function* piecesIn(reader: SegmentReader, range: LeafRange, descending: boolean): Generator<PieceMask> {
  const size = reader.pieceDocuments;
  const first = Math.floor(range.start / size);
  const pieces = Math.ceil(range.end / size) - first;
  for (let i = 0; i < pieces; i++) {
    const piece = first + (descending ? pieces - 1 - i : i);
    const start = piece * size;
    const mask = bitsBetween(Math.max(0, range.start - start), Math.min(size, range.end - start));
    yield { piece, start, mask };
  }
}

/** Why segments do not tile a range: a gap would lose matches, an overlap would count them twice. */
export function tilingProblem(readers: readonly SegmentReader[], range: LeafRange): string | undefined {
  let next = range.start;
  for (const { header } of readers) {
    const { start, end } = leavesOf(header);
    if (next === range.start ? start > next : start !== next) return `one begins at ${start}, not ${next}`;
    next = end;
  }
  return next < range.end ? `they end at ${next}` : undefined;
}

function tiling(readers: readonly SegmentReader[], range: LeafRange): readonly SegmentReader[] {
  const within = readersIn(readers, range);
  const problem = tilingProblem(within, range);
  if (problem === undefined) return within;
  throw new RangeError(`segments must tile the leaves ${range.start} to ${range.end}: ${problem}`);
}

/** The segments that overlap a range. */
export function readersIn(readers: readonly SegmentReader[], range: LeafRange): readonly SegmentReader[] {
  return readers.filter(({ header }) => {
    const { start, end } = leavesOf(header);
    return start < range.end && end > range.start;
  });
}
