import { ByteWriter } from "./byte-writer.js";
import {
  compareBytes,
  COLUMNS,
  DF_FOLLOWS,
  MAX_INLINE_BYTES,
  PIECE_DOCUMENTS,
  PIECE_END_BYTES,
  PositionKind,
  PostingKind,
  Stream,
  type Segment,
} from "./format.js";
import { PostingView } from "./posting-view.js";
import type { DictionaryEntry, Posting, SegmentReader } from "./read.js";
import { SegmentWriter } from "./segment-writer.js";

/** Segments that one of the next level is merged from. */
export const MERGED_CHILDREN = 16;

/**
 * Merges 16 neighbours of one level from 1 on into the segment of the next level (format 1, Merge). Throws a RangeError
 * for other children, and MalformedSegment.
 */
export function mergeSegments(children: readonly SegmentReader[]): Segment {
  const [first] = children;
  const { level, number } = first?.header ?? { level: 0, number: 0 };
  const isRow = children.every(({ header }, place) => header.level === level && header.number === number + place);
  if (children.length !== MERGED_CHILDREN || level < 1 || number % MERGED_CHILDREN !== 0 || !isRow)
    throw new RangeError("a merge takes the 16 children of one segment of level 2 or above, in their order");
  const writer = new SegmentWriter({ level: level + 1, number: number / MERGED_CHILDREN });
  const postings = new MergedPostings(children, writer);
  const heads = children.map((child) => child.prefixed(new Uint8Array()));
  const entries = heads.map(nextEntry);
  for (;;) {
    const least = leastTerm(entries);
    if (least === undefined) break;
    const same = entries.map((entry) =>
      entry !== undefined && compareBytes(entry.term, least) === 0 ? entry : undefined,
    );
    postings.write(
      least,
      same.map((entry) => entry?.posting),
    );
    same.forEach((entry, child) => {
      const head = heads[child];
      if (entry !== undefined && head !== undefined) entries[child] = nextEntry(head);
    });
  }
  for (let column = 0; column < COLUMNS; column++) concatenate(children, Stream.columns + column, writer);
  return writer.finish();
}

function nextEntry(head: Generator<DictionaryEntry>): DictionaryEntry | undefined {
  const next = head.next();
  return next.done === true ? undefined : next.value;
}

function leastTerm(entries: readonly (DictionaryEntry | undefined)[]): Uint8Array | undefined {
  let least: Uint8Array | undefined;
  for (const entry of entries)
    if (entry !== undefined && (least === undefined || compareBytes(entry.term, least) < 0)) least = entry.term;
  return least;
}

/** The table of ends is made anew; pieces keep their bytes. */
function concatenate(children: readonly SegmentReader[], stream: number, writer: SegmentWriter): void {
  const to = writer.streams[stream];
  let end = 0;
  const parts = children.map((child) => {
    const table = child.stream(stream, 0);
    for (let piece = 0; piece < child.pieces; piece++) to?.fixed(end + table.fixed(PIECE_END_BYTES), PIECE_END_BYTES);
    const bytes = table.bytes((child.header.streams[stream] ?? 0) - table.place);
    end += bytes.length;
    return bytes;
  });
  for (const part of parts) to?.bytes(part);
}

/** A piece of one term: its place in the parent, and its bytes there. */
interface Piece {
  readonly number: number;
  readonly df: number;
  readonly documents: Uint8Array;
  readonly positions: Uint8Array;
}

class MergedPostings {
  readonly #posting = new ByteWriter();
  readonly #bytes = new ByteWriter();
  readonly #positionBytes = new ByteWriter();

  constructor(
    private readonly children: readonly SegmentReader[],
    private readonly writer: SegmentWriter,
  ) {}

  write(term: Uint8Array, postings: readonly (Posting | undefined)[]): void {
    const present = postings.filter((posting) => posting !== undefined);
    const positionKind = mergedPositions(present);
    const df = present.reduce((sum, posting) => sum + posting.df, 0);
    const isInline = present.every(({ kind }) => kind === PostingKind.inline) && this.#fits(postings, positionKind);
    const isAll =
      positionKind !== PositionKind.stream && postings.every((posting) => posting?.kind === PostingKind.all);
    const kind = isInline ? PostingKind.inline : isAll ? PostingKind.all : PostingKind.long;
    const posting = this.#posting;
    posting.clear();
    posting.byte(kind | (positionKind << 2) | (Math.min(df, DF_FOLLOWS) << 4));
    if (df >= DF_FOLLOWS && !isAll) posting.varint(df);
    if (isInline) posting.bytes(this.#bytes.view);
    const positionsOffset = this.writer.streams[Stream.positions]?.length ?? 0;
    if (kind === PostingKind.long) posting.varint(this.#long(postings, positionKind));
    if (positionKind === PositionKind.constant) posting.varint(present[0]?.position ?? 0);
    if (positionKind === PositionKind.stream) {
      if (isInline) posting.bytes(this.#positionBytes.view);
      else posting.varint(positionsOffset);
    }
    this.writer.term(term, posting.view);
  }

  /** Encodes inline postings as one, and says whether they still fit. */
  #fits(postings: readonly (Posting | undefined)[], positionKind: number): boolean {
    this.#bytes.clear();
    this.#positionBytes.clear();
    let previous = 0;
    postings.forEach((posting, child) => {
      const start = child * (this.children[child]?.documents ?? 0);
      posting?.documents?.forEach((document, place) => {
        this.#bytes.varint(start + document - previous);
        previous = start + document;
        const positions = posting.inlinePositions?.[place] ?? [posting.position];
        if (positionKind === PositionKind.stream) writePositions(this.#positionBytes, positions);
      });
    });
    return this.#bytes.length + this.#positionBytes.length <= MAX_INLINE_BYTES;
  }

  #long(postings: readonly (Posting | undefined)[], positionKind: number): number {
    const isStream = positionKind === PositionKind.stream;
    const pieces = postings.flatMap((posting, place) => {
      const child = this.children[place];
      if (posting === undefined || child === undefined) return [];
      const found =
        posting.kind === PostingKind.long ? copied(child, posting, isStream) : encoded(child, posting, isStream);
      return found.map((piece) => ({ ...piece, number: piece.number + place * child.pieces }));
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
  const agrees = (one: Posting): boolean =>
    one.positionKind === PositionKind.constant && one.position === first.position;
  return postings.every(agrees) ? PositionKind.constant : PositionKind.stream;
}

/** The pieces of a long posting, whose bytes stay as they are. */
function copied(child: SegmentReader, posting: Posting, isStream: boolean): readonly Piece[] {
  return [...child.places(posting)].map(([number, place]) => {
    const documents = child.stream(Stream.postings, place.offset).bytes(place.bytes);
    const positions = !isStream
      ? new Uint8Array()
      : posting.positionKind === PositionKind.constant
        ? repeated(posting.position, place.df)
        : child.stream(Stream.positions, place.positionsOffset).bytes(place.positions);
    return { number, df: place.df, documents, positions };
  });
}

/** The pieces of a posting that is inline, or of all documents. */
function encoded(child: SegmentReader, posting: Posting, isStream: boolean): readonly Piece[] {
  const view = new PostingView(child, posting);
  return Array.from({ length: child.pieces }, (_, number) => number).flatMap((number) => {
    if (posting.kind === PostingKind.all) {
      const positions = isStream ? repeated(posting.position, PIECE_DOCUMENTS) : new Uint8Array();
      return [{ number, df: PIECE_DOCUMENTS, documents: new Uint8Array(), positions }];
    }
    const start = number * PIECE_DOCUMENTS;
    const inPiece = [...(posting.documents ?? [])].filter((one) => one >= start && one < start + PIECE_DOCUMENTS);
    const [documents, positions] = [new ByteWriter(), new ByteWriter()];
    const positionsOf = view.positions(number);
    inPiece.forEach((document, place) => {
      documents.varint(document - (inPiece[place - 1] ?? start));
      if (isStream) writePositions(positions, positionsOf(document - start));
    });
    const piece = { number, df: inPiece.length, documents: documents.copy(), positions: positions.copy() };
    return inPiece.length === 0 ? [] : [piece];
  });
}

function repeated(position: number, times: number): Uint8Array {
  const writer = new ByteWriter();
  for (let i = 0; i < times; i++) writePositions(writer, [position]);
  return writer.copy();
}

function writePositions(writer: ByteWriter, positions: readonly number[]): void {
  positions.forEach((position, place) => {
    writer.varint(2 * (position - (positions[place - 1] ?? 0)) + (place + 1 < positions.length ? 1 : 0));
  });
}
