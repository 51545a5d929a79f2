import { addAll, bitsBetween, countsBefore, has, noBits, NO_BITS, set, type PieceBits } from "./bits.js";
import { Cursor } from "./cursor.js";
import { inlineDocuments, readPositions, type Posting } from "./dictionary.js";
import { PIECE_DOCUMENTS, PositionKind, PostingKind, Stream } from "./format.js";
import type { PiecePlace, PiecePlaces, SegmentReader } from "./read.js";

/** The positions of a term in each of some documents. */
export interface Positions {
  /** By place of a document: where its positions end; the first begin at 0. */
  readonly ends: Uint32Array;
  readonly values: readonly number[];
}

/** A term's documents and positions, piece by piece; a piece is read on demand, and the last one is kept. */
export class PostingView {
  #inline: Uint32Array | undefined;
  #places: PiecePlaces | undefined;
  #piece = -1;
  #bits: PieceBits = NO_BITS;

  constructor(
    private readonly reader: SegmentReader,
    readonly posting: Posting,
  ) {}

  bits(piece: number): PieceBits {
    if (this.#piece !== piece) {
      this.#bits = this.#read(piece);
      this.#piece = piece;
    }
    return this.#bits;
  }

  /** Adds the documents of a piece to a set, and keeps nothing of them. */
  addTo(bits: Uint32Array, piece: number): void {
    const place = this.#longPlace(piece);
    if (place !== undefined) this.reader.addPiece(bits, place);
    else if (this.posting.kind !== PostingKind.long) addAll(bits, this.bits(piece));
  }

  /** The documents of an inline posting, in the segment. */
  get documents(): Uint32Array {
    return (this.#inline ??= inlineDocuments(this.posting, this.reader.documents));
  }

  /**
   * The positions in each of these documents of a piece, which are in ascending order; none in a document without the
   * term.
   */
  positions(piece: number, documents: readonly number[]): Positions {
    const { position, positionKind } = this.posting;
    const bits = this.bits(piece);
    const countBefore = countsBefore(bits);
    const cursor = positionKind === PositionKind.stream ? this.#positionsFrom(piece) : undefined;
    const ends = new Uint32Array(documents.length);
    const values: number[] = [];
    let passed = 0;
    for (let place = 0; place < documents.length; place++) {
      const document = documents[place] ?? 0;
      if (has(bits, document)) {
        if (cursor !== undefined) {
          const before = countBefore(document);
          cursor.skipLists(before - passed);
          readPositions(cursor, values);
          passed = before + 1;
        } else if (positionKind === PositionKind.constant) values.push(position);
      }
      ends[place] = values.length;
    }
    return { ends, values };
  }

  #read(piece: number): PieceBits {
    if (this.posting.kind === PostingKind.all) return bitsBetween(0, this.reader.pieceDocuments);
    if (this.posting.kind === PostingKind.long) {
      const place = this.#longPlace(piece);
      return place === undefined ? NO_BITS : this.reader.pieceBits(place);
    }
    const start = piece * PIECE_DOCUMENTS;
    let at = lowerBound(this.documents, start);
    let document = this.documents[at] ?? Infinity;
    if (document >= start + PIECE_DOCUMENTS) return NO_BITS;
    const bits = noBits();
    for (; document < start + PIECE_DOCUMENTS; document = this.documents[++at] ?? Infinity) set(bits, document - start);
    return bits;
  }

  /** A cursor over the positions in the first document of a piece. */
  #positionsFrom(piece: number): Cursor {
    const { block, kind, gapsEnd } = this.posting;
    if (kind === PostingKind.inline) {
      const cursor = new Cursor(block, gapsEnd);
      cursor.skipLists(lowerBound(this.documents, piece * PIECE_DOCUMENTS));
      return cursor;
    }
    return this.reader.stream(Stream.positions, this.#longPlace(piece)?.positionsOffset ?? Infinity);
  }

  #longPlace(piece: number): PiecePlace | undefined {
    if (this.posting.kind !== PostingKind.long) return undefined;
    return (this.#places ??= this.reader.places(this.posting)).get(piece);
  }
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
