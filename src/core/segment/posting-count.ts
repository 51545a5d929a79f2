import { bitsOfBytes, both, countBits, has, type PieceBits } from "./bits.js";
import { Cursor } from "./cursor.js";
import type { Posting } from "./dictionary.js";
import { BITMAP_BYTES, MalformedSegment, PIECE_DOCUMENTS, PostingKind, Stream } from "./format.js";
import type { SegmentReader } from "./read.js";

/** Some documents of a segment by piece; a piece without any is left out. */
export type DocumentsByPiece = ReadonlyMap<number, PieceBits>;

/** How many of a posting's documents are among these. Builds no set of documents, so rare terms cost little. */
export function countAmong(reader: SegmentReader, posting: Posting, among: DocumentsByPiece): number {
  switch (posting.kind) {
    case PostingKind.all:
      return [...among.values()].reduce((sum, bits) => sum + countBits(bits), 0);
    case PostingKind.inline:
      return countInline(posting, among);
    default:
      return countLong(reader, posting, among);
  }
}

function countInline({ block, gapsAt, df }: Posting, among: DocumentsByPiece): number {
  const cursor = new Cursor(block, gapsAt);
  let [count, document] = [0, 0];
  for (let i = 0; i < df; i++) {
    document += cursor.varint();
    const bits = among.get(Math.floor(document / PIECE_DOCUMENTS));
    if (bits !== undefined && has(bits, document % PIECE_DOCUMENTS)) count += 1;
  }
  return count;
}

/** Numbers before the pieces, for each of them: gap, df - 1, bytes, bytes of positions. */
const HEAD = 4;

function countLong(reader: SegmentReader, { offset }: Posting, among: DocumentsByPiece): number {
  const cursor = reader.stream(Stream.postings, offset);
  const pieces = cursor.varint(reader.pieces);
  const heads = new Float64Array(HEAD * pieces);
  for (let i = 0; i < heads.length; i++) heads[i] = cursor.varint();
  let [count, number] = [0, -1];
  for (let at = 0; at < heads.length; at += HEAD) {
    number += (heads[at] ?? 0) + 1;
    const df = (heads[at + 1] ?? 0) + 1;
    const bytes = heads[at + 2] ?? 0;
    if (bytes > BITMAP_BYTES) throw new MalformedSegment("a piece of another size");
    const bits = among.get(number);
    if (bits === undefined) cursor.bytes(bytes);
    else if (bytes === 0) count += countBits(bits);
    else if (bytes === BITMAP_BYTES) count += countBits(both(bits, bitsOfBytes(cursor.bytes(bytes))));
    else count += countGaps(cursor, df, bits);
  }
  return count;
}

function countGaps(cursor: Cursor, df: number, bits: PieceBits): number {
  let [count, document] = [0, 0];
  for (let i = 0; i < df; i++) {
    document += cursor.varint(PIECE_DOCUMENTS);
    if (has(bits, document)) count += 1;
  }
  return count;
}
