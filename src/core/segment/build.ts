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
import type { Group } from "./group.js";
import { occurrencesByTerm, type Occurrences } from "./occurrences.js";
import { SegmentWriter } from "./segment-writer.js";

/**
 * Builds the place-th segment of level 0 in a group, or the group's segment of level 1. Throws a RangeError unless the
 * group has all of its documents.
 */
export function buildSegment(group: Group, level: 0 | 1, place = 0): Segment {
  const size = segmentDocuments(level);
  const range = { start: place * size, end: (place + 1) * size };
  if (range.end > group.documents) throw new RangeError(`the group has ${group.documents} of ${range.end} documents`);
  const writer = new SegmentWriter({ level, number: (group.number * PIECE_DOCUMENTS) / size + place });
  const found = occurrencesByTerm(group, range);
  const postings = new PostingWriter(writer, size);
  for (let rank = 0, start = 0; rank < found.terms.length; rank++) {
    const end = found.ends[rank] ?? start;
    postings.write(found, start, end);
    group.terms.give(found.terms[rank] ?? 0, writer);
    start = end;
  }
  writeColumns(group, range, writer);
  return writer.finish();
}

/** Writes postings over one piece (format 1, Posting); documents and positions are encoded once, then placed. */
class PostingWriter {
  readonly #gaps = new ByteWriter();
  readonly #positions = new ByteWriter();

  constructor(
    private readonly writer: SegmentWriter,
    private readonly size: number,
  ) {}

  /** Writes the posting of the occurrences from `start` to `end` to the writer's. */
  write(found: Occurrences, start: number, end: number): void {
    const first = found.positions[start] ?? -1;
    const df = this.#encode(found, start, end);
    const isConstant = end - start === df && this.#isConstant(found.positions, start, end);
    const positionKind = first < 0 ? PositionKind.none : isConstant ? PositionKind.constant : PositionKind.stream;
    const positionBytes = positionKind === PositionKind.stream ? this.#positions.length : 0;
    const kind =
      this.#gaps.length + positionBytes <= MAX_INLINE_BYTES
        ? PostingKind.inline
        : df === this.size && positionKind !== PositionKind.stream
          ? PostingKind.all
          : PostingKind.long;
    const { posting } = this.writer;
    posting.byte(kind | (positionKind << 2) | (Math.min(df, DF_FOLLOWS) << 4));
    if (df >= DF_FOLLOWS && kind !== PostingKind.all) posting.varint(df);
    if (kind === PostingKind.inline) posting.append(this.#gaps);
    if (kind === PostingKind.long) posting.varint(this.#long(found.documents.subarray(start, end), df, positionBytes));
    if (positionKind === PositionKind.constant) posting.varint(first);
    if (positionKind === PositionKind.stream) this.#placePositions(kind);
  }

  #isConstant(positions: Int32Array, start: number, end: number): boolean {
    for (let at = start + 1; at < end; at++) if (positions[at] !== positions[start]) return false;
    return true;
  }

  /** Encodes gaps and positions; returns the number of documents. */
  #encode({ documents, positions }: Occurrences, start: number, end: number): number {
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
    else if (!isAll) stream.append(this.#gaps);
    return offset;
  }

  #placePositions(kind: number): void {
    const stream = this.writer.streams[Stream.positions];
    if (kind === PostingKind.inline) this.writer.posting.append(this.#positions);
    else if (stream !== undefined) {
      this.writer.posting.varint(stream.length);
      stream.append(this.#positions);
    }
  }
}

function bitmap(documents: Uint16Array): Uint8Array {
  const bits = new Uint8Array(BITMAP_BYTES);
  for (const document of documents) bits[document >> 3] = (bits[document >> 3] ?? 0) | (1 << (document & 7));
  return bits;
}
