import { writeColumns } from "./build-columns.js";
import { ByteWriter } from "./byte-writer.js";
import {
  BITMAP_BYTES,
  DF_FOLLOWS,
  MAX_INLINE_BYTES,
  PIECE_DOCUMENTS,
  PositionKind,
  PostingKind,
  segmentDocuments,
  Stream,
  type Segment,
} from "./format.js";
import type { DocumentRange, Group } from "./group.js";
import { SegmentWriter } from "./segment-writer.js";

/**
 * Builds the place-th segment of level 0 in a group, or its one of level 1. Throws a RangeError unless the group has all
 * of its documents.
 */
export function buildSegment(group: Group, level: 0 | 1, place = 0): Segment {
  const size = segmentDocuments(level);
  const range = { start: place * size, end: (place + 1) * size };
  if (range.end > group.documents) throw new RangeError(`the group has ${group.documents} of ${range.end} documents`);
  const writer = new SegmentWriter({ level, number: (group.number * PIECE_DOCUMENTS) / size + place });
  const found = occurrencesByTerm(group, range);
  const postings = new PostingWriter(writer, size);
  let start = 0;
  found.terms.forEach((term, rank) => {
    const end = found.ends[rank] ?? start;
    postings.write(group.terms.bytes(term), found, { start, end });
    start = end;
  });
  writeColumns(group, range, writer);
  return writer.finish();
}

interface Occurrences {
  /** The terms in rising order. */
  readonly terms: Int32Array;
  /** Where the occurrences of each end; the first begins at 0. */
  readonly ends: Int32Array;
  /** By occurrence: the document in the segment, rising within a term; the position. */
  readonly documents: Uint16Array;
  readonly positions: Int32Array;
}

/** Sorts the terms of a range, and with integers alone its occurrences by them. */
function occurrencesByTerm(group: Group, range: DocumentRange): Occurrences {
  const { occurrenceTerms, occurrencePositions, starts } = group;
  const first = starts[range.start] ?? 0;
  const last = starts[range.end] ?? 0;
  const counts = new Int32Array(group.terms.size);
  let distinct = 0;
  for (let at = first; at < last; at++) {
    const term = occurrenceTerms[at] ?? 0;
    if (counts[term] === 0) distinct += 1;
    counts[term] = (counts[term] ?? 0) + 1;
  }
  const terms = new Int32Array(distinct);
  for (let term = 0, at = 0; term < counts.length; term++) if (counts[term] !== 0) terms[at++] = term;
  group.terms.sort(terms);
  const ends = new Int32Array(distinct);
  let end = 0;
  terms.forEach((term, rank) => {
    const count = counts[term] ?? 0;
    counts[term] = end;
    end += count;
    ends[rank] = end;
  });
  const documents = new Uint16Array(end);
  const positions = new Int32Array(end);
  for (let document = range.start; document < range.end; document++) {
    for (let at = starts[document] ?? 0; at < (starts[document + 1] ?? 0); at++) {
      const term = occurrenceTerms[at] ?? 0;
      const to = counts[term] ?? 0;
      counts[term] = to + 1;
      documents[to] = document - range.start;
      positions[to] = occurrencePositions[at] ?? 0;
    }
  }
  return { terms, ends, documents, positions };
}

/** Writes postings over one piece (format 1, Posting); documents and positions are encoded once, then placed. */
class PostingWriter {
  readonly #posting = new ByteWriter();
  readonly #gaps = new ByteWriter();
  readonly #positions = new ByteWriter();

  constructor(
    private readonly writer: SegmentWriter,
    private readonly size: number,
  ) {}

  write(term: Uint8Array, found: Occurrences, at: DocumentRange): void {
    const df = this.#encode(found, at);
    const first = found.positions[at.start] ?? -1;
    const isSingle = at.end - at.start === df;
    const isConstant = isSingle && found.positions.subarray(at.start, at.end).every((position) => position === first);
    const positionKind = first < 0 ? PositionKind.none : isConstant ? PositionKind.constant : PositionKind.stream;
    const positionBytes = positionKind === PositionKind.stream ? this.#positions.length : 0;
    const kind =
      this.#gaps.length + positionBytes <= MAX_INLINE_BYTES
        ? PostingKind.inline
        : df === this.size && positionKind !== PositionKind.stream
          ? PostingKind.all
          : PostingKind.long;
    const posting = this.#posting;
    posting.clear();
    posting.byte(kind | (positionKind << 2) | (Math.min(df, DF_FOLLOWS) << 4));
    if (df >= DF_FOLLOWS && kind !== PostingKind.all) posting.varint(df);
    if (kind === PostingKind.inline) posting.bytes(this.#gaps.view);
    if (kind === PostingKind.long)
      posting.varint(this.#long(found.documents.subarray(at.start, at.end), df, positionBytes));
    if (positionKind === PositionKind.constant) posting.varint(first);
    if (positionKind === PositionKind.stream) this.#placePositions(kind);
    this.writer.term(term, posting.view);
  }

  /** Encodes gaps and positions; returns the number of documents. */
  #encode({ documents, positions }: Occurrences, { start, end }: DocumentRange): number {
    this.#gaps.clear();
    this.#positions.clear();
    let df = 0;
    let document = 0;
    for (let at = start; at < end;) {
      const next = documents[at] ?? 0;
      this.#gaps.varint(next - document);
      document = next;
      df += 1;
      for (let previous = 0, more = 1; more === 1; at++) {
        const position = positions[at] ?? 0;
        more = at + 1 < end && documents[at + 1] === document ? 1 : 0;
        if (position >= 0) this.#positions.varint(2 * (position - previous) + more);
        previous = position;
      }
    }
    return df;
  }

  /** Writes the one piece to the postings; returns its offset. */
  #long(documents: Uint16Array, df: number, positionBytes: number): number {
    const stream = this.writer.streams[Stream.postings];
    if (stream === undefined) return 0;
    const offset = stream.length;
    const isAll = df === this.size;
    const isBitmap = !isAll && this.#gaps.length >= BITMAP_BYTES;
    stream.varint(1);
    stream.varint(0);
    stream.varint(df - 1);
    stream.varint(isAll ? 0 : isBitmap ? BITMAP_BYTES : this.#gaps.length);
    stream.varint(positionBytes);
    if (isBitmap) stream.bytes(bitmap(documents));
    else if (!isAll) stream.bytes(this.#gaps.view);
    return offset;
  }

  #placePositions(kind: number): void {
    const stream = this.writer.streams[Stream.positions];
    if (kind === PostingKind.inline) this.#posting.bytes(this.#positions.view);
    else if (stream !== undefined) {
      this.#posting.varint(stream.length);
      stream.bytes(this.#positions.view);
    }
  }
}

function bitmap(documents: Uint16Array): Uint8Array {
  const bits = new Uint8Array(BITMAP_BYTES);
  for (const document of documents) bits[document >> 3] = (bits[document >> 3] ?? 0) | (1 << (document & 7));
  return bits;
}
