import { PIECE_DOCUMENTS, PositionKind, PostingKind, MalformedSegment, Stream } from "./format.js";
import { PIECE_WORDS, readPositions, type PieceBits, type Posting, type SegmentReader } from "./read.js";

type Places = ReturnType<SegmentReader["places"]>;

/** The positions of a term in the documents of a piece. */
export type Positions = (document: number) => readonly number[];

/** A term's documents and positions piece by piece; a piece is read when it is asked for, and the last one is kept. */
export class PostingView {
  readonly #constant: readonly number[];
  #places: Places | undefined;
  #piece = -1;
  #documents: Uint32Array = new Uint32Array();

  constructor(
    private readonly reader: SegmentReader,
    readonly posting: Posting,
  ) {
    this.#constant = [posting.position];
  }

  /** Sets the bits of a piece's documents. */
  addTo(bits: PieceBits, piece: number): void {
    if (this.posting.kind === PostingKind.all) setAll(bits, this.reader.pieceDocuments);
    else for (const document of this.#documentsOf(piece)) set(bits, document);
  }

  positions(piece: number): Positions {
    const { posting } = this;
    if (posting.positionKind === PositionKind.none) return () => [];
    if (posting.positionKind === PositionKind.constant) return () => this.#constant;
    const documents = this.#documentsOf(piece);
    const positions = posting.inlinePositions ?? this.#positionsOf(piece, documents.length);
    const first = posting.documents === undefined ? 0 : lowerBound(posting.documents, piece * PIECE_DOCUMENTS);
    const byDocument = new Map([...documents].map((document, place) => [document, positions[first + place] ?? []]));
    return (document) => byDocument.get(document) ?? [];
  }

  #documentsOf(piece: number): Uint32Array {
    if (this.#piece === piece) return this.#documents;
    const inline = this.posting.documents;
    this.#documents = inline === undefined ? this.#longPiece(piece) : within(inline, piece * PIECE_DOCUMENTS);
    this.#piece = piece;
    return this.#documents;
  }

  #longPiece(piece: number): Uint32Array {
    const place = this.#longPlaces.get(piece);
    return place === undefined ? new Uint32Array() : this.reader.pieceOf(place);
  }

  #positionsOf(piece: number, df: number): readonly (readonly number[])[] {
    const place = this.#longPlaces.get(piece);
    if (place === undefined) return [];
    return readPositions(this.reader.stream(Stream.positions, place.positionsOffset), df);
  }

  get #longPlaces(): Places {
    if (this.posting.kind !== PostingKind.long) throw new MalformedSegment("positions of a posting of another kind");
    return (this.#places ??= this.reader.places(this.posting));
  }
}

function within(documents: Uint32Array, start: number): Uint32Array {
  const first = lowerBound(documents, start);
  const end = lowerBound(documents, start + PIECE_DOCUMENTS);
  return documents.subarray(first, end).map((document) => document - start);
}

function lowerBound(documents: Uint32Array, least: number): number {
  let [low, high] = [0, documents.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((documents[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function noBits(): PieceBits {
  return new Uint32Array(PIECE_WORDS);
}

export function set(bits: PieceBits, document: number): void {
  bits[document >>> 5] = (bits[document >>> 5] ?? 0) | (1 << (document & 31));
}

function setAll(bits: PieceBits, documents: number): void {
  bits.fill(0xffffffff, 0, documents / 32);
}

/** The places of the set bits, rising. */
export function setPlaces(bits: PieceBits): readonly number[] {
  const found: number[] = [];
  bits.forEach((word, place) => {
    for (let rest = word; rest !== 0; rest &= rest - 1) found.push(32 * place + 31 - Math.clz32(rest & -rest));
  });
  return found;
}

export function countBits(bits: PieceBits): number {
  let count = 0;
  for (const word of bits) {
    let rest = word - ((word >>> 1) & 0x55555555);
    rest = (rest & 0x33333333) + ((rest >>> 2) & 0x33333333);
    count += Math.imul((rest + (rest >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}

export function isEmpty(bits: PieceBits): boolean {
  return bits.every((word) => word === 0);
}
