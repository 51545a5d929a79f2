import {
  BITMAP_BYTES,
  compareBytes,
  DF_FOLLOWS,
  FORMAT_VERSION,
  MalformedSegment,
  MAX_BLOCK_BYTES,
  MAX_LEVEL,
  pieceDocuments,
  piecesOf,
  PIECE_DOCUMENTS,
  PositionKind,
  PostingKind,
  segmentDocuments,
  STREAMS,
  type SegmentHeader,
} from "./format.js";
import { MAX_TERM_BYTES } from "../words/terms.js";

/** The blocks of one segment: a store's, or those of a proof, which throws for a block that it does not hold. */
export interface BlockSource {
  /** Block 0 is the header, 1 to d the dictionary. */
  block(number: number): Uint8Array;
  /** The dictionary block that holds a term if any does: the last whose first term is not after it; else 1. */
  locate(term: Uint8Array): number;
}

/** A posting as its dictionary entry has it. */
export interface Posting {
  readonly kind: number;
  readonly positionKind: number;
  /** Documents that have the term. */
  readonly df: number;
  /** Of `constant`. */
  readonly position: number;
  /** Documents of `inline`, rising; undefined for others. */
  readonly documents: Uint32Array | undefined;
  /** The positions in each document of `inline` with `stream`. */
  readonly inlinePositions: readonly (readonly number[])[] | undefined;
  /** Of `long`: in the postings, and with `stream` in the positions. */
  readonly offset: number;
  readonly positionsOffset: number;
}

export interface DictionaryEntry {
  readonly term: Uint8Array;
  readonly posting: Posting;
}

export interface DictionaryBlock {
  readonly entries: readonly DictionaryEntry[];
  /** The first term of the next block; undefined in the last. */
  readonly fence: Uint8Array | undefined;
}

/** Reads a block or stream from a place on; every read is checked. */
export class Cursor {
  constructor(
    private readonly byteAt: (place: number) => number | undefined,
    public place = 0,
  ) {}

  byte(): number {
    const byte = this.byteAt(this.place);
    if (byte === undefined) throw new MalformedSegment("bytes end too early");
    this.place += 1;
    return byte;
  }

  varint(most = Number.MAX_SAFE_INTEGER): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value) || value > most) throw new MalformedSegment(`a number over ${most}`);
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) throw new MalformedSegment("a number that is not written shortest");
        return value;
      }
    }
  }

  fixed(bytes: number): number {
    let value = 0;
    for (let i = 0, scale = 1; i < bytes; i++, scale *= 0x100) value += this.byte() * scale;
    return value;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.byte());
  }
}

/** Reads block 0. Throws MalformedSegment for anything but a header of format 1. */
export function readHeader(block: Uint8Array): SegmentHeader {
  const cursor = cursorOver(block);
  if (cursor.varint() !== FORMAT_VERSION) throw new MalformedSegment("another version than 1");
  const level = cursor.varint(MAX_LEVEL);
  const number = cursor.varint();
  const terms = cursor.varint();
  const dictionaryBlocks = cursor.varint(terms);
  const streams = Array.from({ length: STREAMS }, () => cursor.varint());
  if (cursor.place !== block.length) throw new MalformedSegment("bytes after the header");
  return { level, number, terms, dictionaryBlocks, streams };
}

/** Reads a dictionary block of a segment of `documents` documents. Throws MalformedSegment. */
export function readDictionary(block: Uint8Array, documents: number): DictionaryBlock {
  const cursor = cursorOver(block);
  const count = cursor.varint(MAX_BLOCK_BYTES);
  const fence = cursor.bytes(cursor.varint(MAX_TERM_BYTES));
  const entries: DictionaryEntry[] = [];
  let previous = new Uint8Array();
  for (let i = 0; i < count; i++) {
    const shared = cursor.varint(previous.length);
    const suffix = cursor.bytes(cursor.varint(MAX_TERM_BYTES - shared));
    const term = new Uint8Array(shared + suffix.length);
    term.set(previous.subarray(0, shared));
    term.set(suffix, shared);
    if (i === 0 ? shared > 0 : compareBytes(previous, term) >= 0) throw new MalformedSegment("terms out of order");
    entries.push({ term, posting: readPosting(cursor, documents) });
    previous = term;
  }
  if (count === 0 || cursor.place !== block.length) throw new MalformedSegment("a dictionary block of another length");
  if (fence.length > 0 && compareBytes(previous, fence) >= 0) throw new MalformedSegment("a fence out of order");
  return { entries, fence: fence.length === 0 ? undefined : fence };
}

function readPosting(cursor: Cursor, documents: number): Posting {
  const first = cursor.byte();
  const kind = first & 3;
  const positionKind = (first >> 2) & 3;
  if (kind > PostingKind.all || positionKind > PositionKind.stream) throw new MalformedSegment("a posting of no kind");
  const short = first >> 4;
  const df = kind === PostingKind.all ? documents : short < DF_FOLLOWS ? short : cursor.varint(documents);
  if (df === 0) throw new MalformedSegment("a posting without documents");
  const inline = kind === PostingKind.inline ? readGaps(cursor, df, documents) : undefined;
  const offset = kind === PostingKind.long ? cursor.varint() : 0;
  const position = positionKind === PositionKind.constant ? cursor.varint() : 0;
  const isStream = positionKind === PositionKind.stream;
  const inlinePositions = isStream && inline !== undefined ? readPositions(cursor, df) : undefined;
  const positionsOffset = isStream && inline === undefined ? cursor.varint() : 0;
  return { kind, positionKind, df, position, documents: inline, inlinePositions, offset, positionsOffset };
}

/** Documents by their gaps: so many, rising, below `end`. */
export function readGaps(cursor: Cursor, df: number, end: number): Uint32Array {
  const found = new Uint32Array(df);
  let document = 0;
  for (let i = 0; i < df; i++) {
    const gap = cursor.varint(end);
    if (i > 0 && gap === 0) throw new MalformedSegment("documents out of order");
    document += gap;
    if (document >= end) throw new MalformedSegment("a document beyond the segment");
    found[i] = document;
  }
  return found;
}

/** The positions in each of so many documents. */
export function readPositions(cursor: Cursor, df: number): readonly (readonly number[])[] {
  return Array.from({ length: df }, () => {
    const positions: number[] = [];
    let position = 0;
    for (let more = 1; more === 1;) {
      const value = cursor.varint();
      more = value % 2;
      position += (value - more) / 2;
      positions.push(position);
    }
    return positions;
  });
}

/** Bits of one piece, 32 documents a number. */
export type PieceBits = Uint32Array;
export const PIECE_WORDS = PIECE_DOCUMENTS / 32;

/** Where a piece of a long posting lies. */
interface PiecePlace {
  readonly df: number;
  readonly bytes: number;
  readonly offset: number;
  /** Bytes of the positions, and where they begin. */
  readonly positions: number;
  readonly positionsOffset: number;
}

/** One segment over its blocks. Every method throws MalformedSegment for what no writer writes. */
export class SegmentReader {
  readonly header: SegmentHeader;
  readonly documents: number;
  readonly pieces: number;
  readonly pieceDocuments: number;
  readonly #streamBlocks: readonly number[];

  constructor(readonly source: BlockSource) {
    this.header = readHeader(source.block(0));
    const { level, dictionaryBlocks, streams } = this.header;
    this.documents = segmentDocuments(level);
    this.pieces = piecesOf(level);
    this.pieceDocuments = pieceDocuments(level);
    let next = 1 + dictionaryBlocks;
    this.#streamBlocks = streams.map((bytes) => {
      const start = next;
      next += Math.ceil(bytes / MAX_BLOCK_BYTES);
      return start;
    });
  }

  posting(term: Uint8Array): Posting | undefined {
    if (this.header.dictionaryBlocks === 0) return undefined;
    const { entries } = this.#dictionary(this.source.locate(term));
    return entries.find((entry) => compareBytes(entry.term, term) === 0)?.posting;
  }

  /** The entries whose terms begin with these bytes, in rising order. */
  *prefixed(prefix: Uint8Array): Generator<DictionaryEntry> {
    const { dictionaryBlocks } = this.header;
    for (let number = dictionaryBlocks === 0 ? 1 : this.source.locate(prefix); number <= dictionaryBlocks; number++) {
      const { entries, fence } = this.#dictionary(number);
      for (const entry of entries) if (startsWith(entry.term, prefix)) yield entry;
      if (fence === undefined || (compareBytes(fence, prefix) > 0 && !startsWith(fence, prefix))) return;
    }
  }

  /** A cursor over a stream. */
  stream(stream: number, offset: number): Cursor {
    const length = this.header.streams[stream] ?? 0;
    const first = this.#streamBlocks[stream] ?? 0;
    let page = -1;
    let bytes: Uint8Array = new Uint8Array();
    return new Cursor((place) => {
      if (place >= length) return undefined;
      const wanted = Math.floor(place / MAX_BLOCK_BYTES);
      if (wanted !== page) {
        bytes = Uint8Array.from(this.source.block(first + wanted));
        if (bytes.length !== Math.min(MAX_BLOCK_BYTES, length - wanted * MAX_BLOCK_BYTES))
          throw new MalformedSegment("a block of another length");
        page = wanted;
      }
      return bytes[place - page * MAX_BLOCK_BYTES];
    }, offset);
  }

  /** The pieces of a long posting, by number. */
  places(posting: Posting): ReadonlyMap<number, PiecePlace> {
    const cursor = this.stream(0, posting.offset);
    const heads = Array.from({ length: cursor.varint(this.pieces) }, () => ({
      gap: cursor.varint(this.pieces),
      df: 1 + cursor.varint(this.pieceDocuments - 1),
      bytes: cursor.varint(BITMAP_BYTES),
      positions: cursor.varint(),
    }));
    const places = new Map<number, PiecePlace>();
    let [number, offset, positionsOffset] = [-1, cursor.place, posting.positionsOffset];
    for (const { gap, df, bytes, positions } of heads) {
      number += gap + 1;
      if (number >= this.pieces) throw new MalformedSegment("a piece beyond the segment");
      places.set(number, { df, bytes, offset, positions, positionsOffset });
      offset += bytes;
      positionsOffset += positions;
    }
    return places;
  }

  /** The documents of one piece of a long posting, within the piece. */
  pieceOf({ df, bytes, offset }: PiecePlace): Uint32Array {
    if (bytes === 0) return Uint32Array.from({ length: this.pieceDocuments }, (_, document) => document);
    const cursor = this.stream(0, offset);
    const documents = bytes === BITMAP_BYTES ? setBits(cursor.bytes(bytes)) : readGaps(cursor, df, this.pieceDocuments);
    if (documents.length !== df || cursor.place !== offset + bytes)
      throw new MalformedSegment("a piece of another size");
    return documents;
  }

  #dictionary(number: number): DictionaryBlock {
    return readDictionary(this.source.block(number), this.documents);
  }
}

function setBits(bitmap: Uint8Array): Uint32Array {
  const found: number[] = [];
  bitmap.forEach((byte, place) => {
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) found.push(8 * place + bit);
  });
  return Uint32Array.from(found);
}

export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && compareBytes(bytes.subarray(0, prefix.length), prefix) === 0;
}

function cursorOver(block: Uint8Array): Cursor {
  if (block.length > MAX_BLOCK_BYTES) throw new MalformedSegment(`a block of ${block.length} bytes`);
  return new Cursor((place) => block[place]);
}
