import { ByteWriter } from "./byte-writer.js";
import { Cursor } from "./cursor.js";
import { inlineDocuments, readPositions, type Posting } from "./dictionary.js";
import {
  DF_FOLLOWS,
  MalformedSegment,
  MAX_INLINE_BYTES,
  PIECE_DOCUMENTS,
  PositionKind,
  PostingKind,
  Stream,
} from "./format.js";
import type { SegmentReader } from "./read.js";
import type { SegmentWriter } from "./segment-writer.js";

/** A piece of one term: its place in the parent, and its bytes there. */
interface Piece {
  readonly number: number;
  readonly df: number;
  readonly documents: Uint8Array;
  readonly positions: Uint8Array;
}

/** Merges the postings of one term after the other (format 1, Merge). */
export class MergedPosting {
  /** By place: a child that has the term, and its posting. */
  readonly #children: number[] = [];
  #postings: Posting[] = [];
  readonly #gaps = new ByteWriter();
  readonly #positions = new ByteWriter();

  constructor(
    private readonly children: readonly SegmentReader[],
    private readonly writer: SegmentWriter,
  ) {}

  /** Adds the posting of a child, after those of the children before it. */
  add(child: number, posting: Posting): void {
    this.#children[this.#postings.length] = child;
    this.#postings.push(posting);
  }

  /** Writes the merged posting to the writer's, and forgets the term. */
  write(): void {
    const postings = this.#postings;
    const { posting } = this.writer;
    const positionKind = mergedPositions(postings);
    let df = 0;
    for (const one of postings) df += one.df;
    const isInline = this.#isInline(positionKind);
    const isAll = !isInline && positionKind !== PositionKind.stream && this.#isAll();
    const kind = isInline ? PostingKind.inline : isAll ? PostingKind.all : PostingKind.long;
    posting.byte(kind | (positionKind << 2) | (Math.min(df, DF_FOLLOWS) << 4));
    if (df >= DF_FOLLOWS && !isAll) posting.varint(df);
    if (isInline) posting.append(this.#gaps);
    const positionsOffset = this.writer.streams[Stream.positions]?.length ?? 0;
    if (kind === PostingKind.long) posting.varint(this.#long(positionKind === PositionKind.stream));
    if (positionKind === PositionKind.constant) posting.varint(postings[0]?.position ?? 0);
    if (positionKind === PositionKind.stream) {
      if (isInline) posting.append(this.#positions);
      else posting.varint(positionsOffset);
    }
    this.#postings = [];
  }

  #isAll(): boolean {
    return (
      this.#postings.length === this.children.length && this.#postings.every(({ kind }) => kind === PostingKind.all)
    );
  }

  /** Whether all are inline and fit together; then they are encoded as one. Only the first gap of each changes. */
  #isInline(positionKind: number): boolean {
    this.#gaps.clear();
    this.#positions.clear();
    let previous = 0;
    for (const [place, posting] of this.#postings.entries()) {
      if (posting.kind !== PostingKind.inline) return false;
      const size = this.children[0]?.documents ?? 0;
      const start = (this.#children[place] ?? 0) * size;
      const cursor = new Cursor(posting.block, posting.gapsAt);
      let document = cursor.varint(size - 1);
      this.#gaps.varint(start + document - previous);
      this.#gaps.bytes(posting.block, cursor.place, posting.gapsEnd);
      for (let left = posting.df - 1; left > 0; left--) document += cursor.varint(size - 1);
      if (document >= size) throw new MalformedSegment("a document beyond the segment");
      previous = start + document;
      if (positionKind === PositionKind.stream) this.#addPositions(posting);
      if (this.#gaps.length + this.#positions.length > MAX_INLINE_BYTES) return false;
    }
    return true;
  }

  #addPositions({ positionKind, position, df, block, gapsEnd, end }: Posting): void {
    if (positionKind === PositionKind.stream) this.#positions.bytes(block, gapsEnd, end);
    else for (let left = df; left > 0; left--) this.#positions.varint(2 * position);
  }

  #long(isStream: boolean): number {
    const pieces = this.#postings.flatMap((posting, place) => {
      const number = this.#children[place] ?? 0;
      const child = this.children[number];
      if (child === undefined) return [];
      const found =
        posting.kind === PostingKind.long ? copied(child, posting, isStream) : encoded(child, posting, isStream);
      return found.map((piece) => ({ ...piece, number: piece.number + number * child.pieces }));
    });
    const [to, toPositions] = this.writer.streams;
    const offset = to?.length ?? 0;
    to?.varint(pieces.length);
    let previous = -1;
    for (const { number, df, documents, positions } of pieces) {
      for (const value of [number - previous - 1, df - 1, documents.length, positions.length]) to?.varint(value);
      previous = number;
      toPositions?.bytes(positions);
    }
    for (const { documents } of pieces) to?.bytes(documents);
    return offset;
  }
}

/** Constant where all agree; else a stream, into which constants are expanded. */
function mergedPositions(postings: readonly Posting[]): number {
  const [first] = postings;
  if (first === undefined || first.positionKind === PositionKind.none) return PositionKind.none;
  for (const { positionKind, position } of postings)
    if (positionKind !== PositionKind.constant || position !== first.position) return PositionKind.stream;
  return PositionKind.constant;
}

/** The pieces of a long posting, whose bytes stay as they are. */
function copied(child: SegmentReader, posting: Posting, isStream: boolean): readonly Piece[] {
  return [...child.places(posting)].map(([number, place]) => {
    const documents = child.stream(Stream.postings, place.offset).bytes(place.bytes);
    const positions = !isStream
      ? NOTHING
      : posting.positionKind === PositionKind.constant
        ? repeated(posting.position, place.df)
        : child.stream(Stream.positions, place.positionsOffset).bytes(place.positions);
    return { number, df: place.df, documents, positions };
  });
}

/** The pieces of a posting that is inline, or of all documents. */
function encoded(child: SegmentReader, posting: Posting, isStream: boolean): readonly Piece[] {
  if (posting.kind === PostingKind.all) {
    const positions = isStream ? repeated(posting.position, PIECE_DOCUMENTS) : NOTHING;
    return Array.from({ length: child.pieces }, (_, number) => ({
      ...{ number, df: PIECE_DOCUMENTS, documents: NOTHING, positions },
    }));
  }
  const { df, block, gapsAt, gapsEnd, end, positionKind, position } = posting;
  if (child.pieces === 1) {
    const isCopied = positionKind === PositionKind.stream;
    const positions = !isStream ? NOTHING : isCopied ? block.subarray(gapsEnd, end) : repeated(position, df);
    return [{ number: 0, df, documents: block.subarray(gapsAt, gapsEnd), positions }];
  }
  return splitByPiece(child, posting, isStream);
}

function splitByPiece(child: SegmentReader, posting: Posting, isStream: boolean): readonly Piece[] {
  const pieces: Piece[] = [];
  const documents = inlineDocuments(posting, child.documents);
  const from = new Cursor(posting.block, posting.gapsEnd);
  for (let at = 0; at < documents.length;) {
    const number = Math.floor((documents[at] ?? 0) / PIECE_DOCUMENTS);
    const [gaps, positions] = [new ByteWriter(), new ByteWriter()];
    let df = 0;
    let previous = number * PIECE_DOCUMENTS;
    for (; (documents[at] ?? Infinity) < (number + 1) * PIECE_DOCUMENTS; at++, df++) {
      gaps.varint((documents[at] ?? 0) - previous);
      previous = documents[at] ?? 0;
      if (isStream) writePositions(positions, nextPositions(posting, from));
    }
    pieces.push({ number, df, documents: gaps.copy(), positions: positions.copy() });
  }
  return pieces;
}

const NOTHING = new Uint8Array();

function nextPositions({ positionKind, position }: Posting, from: Cursor): readonly number[] {
  if (positionKind === PositionKind.constant) return [position];
  const found: number[] = [];
  readPositions(from, found);
  return found;
}

function repeated(position: number, times: number): Uint8Array {
  if (position < 0x40) return new Uint8Array(times).fill(2 * position);
  const writer = new ByteWriter(2 * times);
  for (let i = 0; i < times; i++) writer.varint(2 * position);
  return writer.copy();
}

function writePositions(writer: ByteWriter, positions: readonly number[]): void {
  positions.forEach((position, place) => {
    writer.varint(2 * (position - (positions[place - 1] ?? 0)) + (place + 1 < positions.length ? 1 : 0));
  });
}
