import type { Cursor } from "./cursor.js";
import {
  KEY_COLUMNS,
  MalformedSegment,
  MAX_KEY_CHARACTERS,
  MICROS_BITS,
  PIECE_END_BYTES,
  Stream,
  TIME_BYTES,
} from "./format.js";
import type { SegmentReader } from "./read.js";

/** The times of one piece: milliseconds since the year 0000, -1 if there is none, and the microseconds beyond. */
export interface TimePiece {
  readonly times: Float64Array;
  readonly micros: Float64Array;
}

/** The sort keys of one piece by rank; rank 0 is an absent or empty value. Ranks of two pieces are not comparable. */
export class KeyPiece {
  /** Undefined if every rank is 0. */
  readonly smallest: Uint8Array | undefined;
  readonly largest: Uint8Array | undefined;
  readonly #width: number;
  #packed: Packed | undefined;

  constructor(
    private readonly cursor: Cursor,
    private readonly is: { readonly end: number; readonly documents: number },
  ) {
    this.#width = cursor.byte();
    this.smallest = this.#width === 0 ? undefined : cursor.bytes(cursor.varint(MAX_KEY_BYTES));
    this.largest = this.#width === 0 ? undefined : cursor.bytes(cursor.varint(MAX_KEY_BYTES));
  }

  rankOf(document: number): number {
    return this.#ranks.at(document);
  }

  /** By document. */
  get ranks(): Float64Array {
    return this.#ranks.all();
  }

  get #ranks(): Packed {
    if (this.#packed === undefined) {
      this.#packed = new Packed(this.cursor, this.#width, this.is.documents);
      checkEnd(this.cursor, this.is.end);
    }
    return this.#packed;
  }
}

/** Reads a piece of a column of keys, by the column's place in KEY_COLUMNS. Throws MalformedSegment. */
export function readKeys(reader: SegmentReader, column: number, piece: number): KeyPiece {
  const { cursor, end } = pieceAt(reader, column, piece);
  return new KeyPiece(cursor, { end, documents: reader.pieceDocuments });
}

const MAX_KEY_BYTES = 4 * MAX_KEY_CHARACTERS;
const MS_PER_SECOND = 1_000;

/** Reads a piece of the column of times. Throws MalformedSegment. */
export function readTimes(reader: SegmentReader, piece: number): TimePiece {
  const { cursor, end } = pieceAt(reader, KEY_COLUMNS.length, piece);
  const documents = reader.pieceDocuments;
  const width = cursor.byte();
  const isEmpty = width === 0;
  const unit = isEmpty ? 1 : cursor.varint();
  if (unit !== 1 && unit !== MS_PER_SECOND) throw new MalformedSegment("times in another unit");
  const microsBits = isEmpty ? 0 : cursor.byte();
  if (microsBits !== 0 && microsBits !== MICROS_BITS) throw new MalformedSegment("microseconds of another width");
  const smallest = isEmpty ? 0 : cursor.fixed(TIME_BYTES);
  const times = new Packed(cursor, width, documents).all();
  for (let i = 0; i < documents; i++) times[i] = times[i] === 0 ? -1 : smallest + ((times[i] ?? 0) - 1) * unit;
  const micros = new Packed(cursor, microsBits, documents).all();
  checkEnd(cursor, end);
  return { times, micros };
}

function pieceAt(
  reader: SegmentReader,
  column: number,
  piece: number,
): { readonly cursor: Cursor; readonly end: number } {
  const stream = Stream.columns + column;
  const table = PIECE_END_BYTES * reader.pieces;
  const endOf = (place: number): number =>
    place < 0 ? table : table + reader.stream(stream, place * PIECE_END_BYTES).fixed(PIECE_END_BYTES);
  return { cursor: reader.stream(stream, endOf(piece - 1)), end: endOf(piece) };
}

function checkEnd(cursor: Cursor, end: number): void {
  if (cursor.place !== end) throw new MalformedSegment("a column's piece of another length");
}

/** The maximum bits of one time. */
const MAX_WIDTH = 49;
/** What a window of four bytes holds wherever in a byte it begins. */
const WINDOW_WIDTH = 24;
const WINDOW = 2 ** WINDOW_WIDTH;

/** Integers of one width, one after the other, the least significant bit first. */
class Packed {
  readonly #bytes: Uint8Array;

  constructor(
    cursor: Cursor,
    private readonly width: number,
    private readonly count: number,
  ) {
    if (width > MAX_WIDTH) throw new MalformedSegment("a column of another width");
    this.#bytes = cursor.bytes(Math.ceil((count * width) / 8));
  }

  at(place: number): number {
    const { width } = this;
    const bit = place * width;
    if (width <= WINDOW_WIDTH) return this.#window(bit, width);
    const high = this.#window(bit + WINDOW_WIDTH, Math.min(WINDOW_WIDTH, width - WINDOW_WIDTH));
    const rest = width <= 2 * WINDOW_WIDTH ? 0 : this.#window(bit + 2 * WINDOW_WIDTH, width - 2 * WINDOW_WIDTH);
    return this.#window(bit, WINDOW_WIDTH) + high * WINDOW + rest * WINDOW * WINDOW;
  }

  all(): Float64Array {
    const values = new Float64Array(this.count);
    if (this.width > 0) for (let place = 0; place < this.count; place++) values[place] = this.at(place);
    return values;
  }

  /** Up to 24 bits, starting at a bit. */
  #window(bit: number, width: number): number {
    const bytes = this.#bytes;
    const at = bit >>> 3;
    const four =
      (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    return (four >>> (bit & 7)) & ((1 << width) - 1);
  }
}
