import { addAll, addBytes, bitsBetween, noBits, set, type PieceBits } from "./bits.js";
import { Cursor } from "./cursor.js";
import { DictionaryScan, findPosting, type Posting } from "./dictionary.js";
import {
  BITMAP_BYTES,
  comparePrefix,
  FORMAT_VERSION,
  MalformedSegment,
  MAX_BLOCK_BYTES,
  MAX_LEVEL,
  MAX_SEGMENT_BLOCKS,
  pieceDocuments,
  piecesOf,
  segmentDocuments,
  Stream,
  STREAMS,
  type SegmentHeader,
} from "./format.js";

/** The blocks of one segment: from a store, or from a proof, which throws for a block that it does not hold. */
export interface BlockSource {
  /** Block 0 is the header, 1 to d the dictionary. Callers must not change the bytes. */
  block(number: number): Uint8Array;
  /** The dictionary block that holds a term if any does: the last one whose first term is not after it; else 1. */
  locate(term: Uint8Array): number;
}

/** Reads block 0. Throws MalformedSegment for anything but a header of format 1. */
export function readHeader(block: Uint8Array): SegmentHeader {
  if (block.length > MAX_BLOCK_BYTES) throw new MalformedSegment(`a header of ${block.length} bytes`);
  const cursor = new Cursor(block);
  if (cursor.varint() !== FORMAT_VERSION) throw new MalformedSegment("another version than 1");
  const level = cursor.varint(MAX_LEVEL);
  const number = cursor.varint();
  const terms = cursor.varint();
  const dictionaryBlocks = cursor.varint(Math.min(terms, MAX_SEGMENT_BLOCKS));
  const streams = Array.from({ length: STREAMS }, () => cursor.varint());
  if (cursor.place !== block.length) throw new MalformedSegment("bytes after the header");
  return { level, number, terms, dictionaryBlocks, streams };
}

/** Where a piece of a long posting is stored. */
export interface PiecePlace {
  readonly df: number;
  readonly bytes: number;
  readonly offset: number;
  /** Bytes of the positions, and where they begin. */
  readonly positions: number;
  readonly positionsOffset: number;
}

/** Of a piece: its number, documents and bytes. */
const HEAD = 3;

/**
 * Where the pieces of a long posting are stored, rising. As plain numbers, for a prefix has thousands of such postings, each in
 * hundreds of pieces.
 */
export class PiecePlaces {
  /** Beside the last one that was asked for: a search goes from piece to piece. */
  #near = 0;

  /** `offsets`: of the documents and of the positions of each piece, and behind the last where they end. */
  constructor(
    private readonly heads: Uint16Array,
    private readonly offsets: Float64Array,
  ) {}

  get size(): number {
    return this.heads.length / HEAD;
  }

  get(piece: number): PiecePlace | undefined {
    let at = this.#near;
    while (at > 0 && this.#number(at) > piece) at -= 1;
    while (at < this.size - 1 && this.#number(at) < piece) at += 1;
    this.#near = at;
    return this.#number(at) === piece ? this.#at(at) : undefined;
  }

  *[Symbol.iterator](): Generator<readonly [number, PiecePlace]> {
    for (let at = 0; at < this.size; at++) yield [this.#number(at), this.#at(at)];
  }

  #number(at: number): number {
    return this.heads[HEAD * at] ?? Infinity;
  }

  #at(at: number): PiecePlace {
    const { heads, offsets } = this;
    const positionsOffset = offsets[2 * at + 1] ?? 0;
    return {
      df: heads[HEAD * at + 1] ?? 0,
      bytes: heads[HEAD * at + 2] ?? 0,
      offset: offsets[2 * at] ?? 0,
      positions: (offsets[2 * at + 3] ?? 0) - positionsOffset,
      positionsOffset,
    };
  }
}

/** Of each block 0: a search reads the same segments as the one before it. */
const HEADERS = new WeakMap<Uint8Array, SegmentHeader>();

function knownHeader(block: Uint8Array): SegmentHeader {
  const header = HEADERS.get(block) ?? readHeader(block);
  HEADERS.set(block, header);
  return header;
}

/** One segment over its blocks. Every method throws MalformedSegment for bytes that no writer produces. */
export class SegmentReader {
  readonly header: SegmentHeader;
  readonly documents: number;
  readonly pieces: number;
  readonly pieceDocuments: number;
  /** The first block of each stream. */
  readonly #streamBlocks: readonly number[];

  constructor(readonly source: BlockSource) {
    this.header = knownHeader(source.block(0));
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
    return findPosting(this.source.block(this.source.locate(term)), term, this.documents);
  }

  /**
   * Takes the entries of a dictionary block whose terms begin with these bytes, in ascending order, each with its term if
   * requested; returns whether the next block has none.
   */
  eachPrefixed(number: number, prefix: Uint8Array, take: (posting: Posting, term: () => Uint8Array) => void): boolean {
    const scan = new DictionaryScan(this.source.block(number), this.documents);
    const term = (): Uint8Array => scan.term.slice(0, scan.length);
    for (let posting = scan.seek(prefix); posting !== undefined; posting = scan.next()) {
      const order = comparePrefix(scan.term, scan.length, prefix);
      if (order > 0) return true;
      if (order === 0) take(posting, term);
    }
    const { fence } = scan;
    const isBehind = fence === undefined || comparePrefix(fence, fence.length, prefix) > 0;
    return isBehind || number >= this.header.dictionaryBlocks;
  }

  /** A cursor over a stream. */
  stream(stream: number, offset: number): Cursor {
    const length = this.header.streams[stream] ?? 0;
    if (offset >= length) return new Cursor(NOTHING);
    let page = Math.floor(offset / MAX_BLOCK_BYTES);
    const before = page * MAX_BLOCK_BYTES;
    const following = (): Uint8Array | undefined => {
      page += 1;
      return page * MAX_BLOCK_BYTES < length ? this.#page(stream, page) : undefined;
    };
    return new Cursor(this.#page(stream, page), offset - before, { before, following });
  }

  /** The pieces of a long posting. */
  places(posting: Posting): PiecePlaces {
    const cursor = this.stream(Stream.postings, posting.offset);
    const count = cursor.varint(this.pieces);
    const heads = new Uint16Array(HEAD * count);
    const offsets = new Float64Array(2 * count + 2);
    for (let at = 0; at < count; at++) {
      heads[HEAD * at] = cursor.varint(this.pieces); // the gap
      heads[HEAD * at + 1] = 1 + cursor.varint(this.pieceDocuments - 1);
      heads[HEAD * at + 2] = cursor.varint(BITMAP_BYTES);
      offsets[2 * at + 3] = cursor.varint();
    }
    offsets[0] = cursor.place;
    offsets[1] = posting.positionsOffset;
    let number = -1;
    for (let at = 0; at < count; at++) {
      number += (heads[HEAD * at] ?? 0) + 1;
      if (number >= this.pieces) throw new MalformedSegment("a piece beyond the segment");
      heads[HEAD * at] = number;
      offsets[2 * at + 2] = (offsets[2 * at] ?? 0) + (heads[HEAD * at + 2] ?? 0);
      offsets[2 * at + 3] = (offsets[2 * at + 3] ?? 0) + (offsets[2 * at + 1] ?? 0);
    }
    return new PiecePlaces(heads, offsets);
  }

  /** The documents of one piece of a long posting. */
  pieceBits(place: PiecePlace): PieceBits {
    if (place.bytes === 0) return bitsBetween(0, this.pieceDocuments);
    const bits = noBits();
    this.addPiece(bits, place);
    return bits;
  }

  /** Adds the documents of one piece of a long posting to a set: those of a prefix are of thousands of postings. */
  addPiece(bits: Uint32Array, { df, bytes, offset }: PiecePlace): void {
    if (bytes === 0) {
      addAll(bits, bitsBetween(0, this.pieceDocuments));
      return;
    }
    const cursor = this.stream(Stream.postings, offset);
    const count = bytes === BITMAP_BYTES ? addBytes(bits, cursor.bytes(bytes)) : this.#addGaps(bits, cursor, df);
    if (cursor.place !== offset + bytes || count !== df) throw new MalformedSegment("a piece of another size");
  }

  #addGaps(bits: Uint32Array, cursor: Cursor, df: number): number {
    let document = 0;
    for (let i = 0; i < df; i++) {
      const gap = cursor.varint(this.pieceDocuments);
      if (i > 0 && gap === 0) throw new MalformedSegment("documents out of order");
      document += gap;
      if (document >= this.pieceDocuments) throw new MalformedSegment("a document beyond the piece");
      set(bits, document);
    }
    return df;
  }

  #page(stream: number, page: number): Uint8Array {
    const bytes = this.source.block((this.#streamBlocks[stream] ?? 0) + page);
    const length = Math.min(MAX_BLOCK_BYTES, (this.header.streams[stream] ?? 0) - page * MAX_BLOCK_BYTES);
    if (bytes.length !== length) throw new MalformedSegment("a block of another length");
    return bytes;
  }
}

const NOTHING = new Uint8Array();
