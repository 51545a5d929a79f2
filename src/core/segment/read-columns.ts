import {
  KEY_COLUMNS,
  MalformedSegment,
  MAX_KEY_CHARACTERS,
  MICROS_BITS,
  PIECE_END_BYTES,
  Stream,
  TIME_BYTES,
} from "./format.js";
import type { Cursor, SegmentReader } from "./read.js";

/** The sort keys of one piece by their rank; 0 is an absent or empty value. Ranks of two pieces do not compare. */
export interface KeyPiece {
  readonly ranks: Float64Array;
  /** Undefined where every rank is 0. */
  readonly smallest: Uint8Array | undefined;
  readonly largest: Uint8Array | undefined;
}

/** The times of one piece: milliseconds since the year 0000, -1 where there is none, and microseconds beyond. */
export interface TimePiece {
  readonly times: Float64Array;
  readonly micros: Float64Array;
}

/** Reads a piece of a column of keys, by the column's place in KEY_COLUMNS. Throws MalformedSegment. */
export function readKeys(reader: SegmentReader, column: number, piece: number): KeyPiece {
  const { cursor, end } = pieceAt(reader, column, piece);
  const width = cursor.byte();
  const isEmpty = width === 0;
  const smallest = isEmpty ? undefined : cursor.bytes(cursor.varint(4 * MAX_KEY_CHARACTERS));
  const largest = isEmpty ? undefined : cursor.bytes(cursor.varint(4 * MAX_KEY_CHARACTERS));
  const ranks = unpacked(cursor, width, reader.pieceDocuments);
  checkEnd(cursor, end);
  return { ranks, smallest, largest };
}

/** Reads a piece of the column of times. Throws MalformedSegment. */
export function readTimes(reader: SegmentReader, piece: number): TimePiece {
  const { cursor, end } = pieceAt(reader, KEY_COLUMNS.length, piece);
  const documents = reader.pieceDocuments;
  const width = cursor.byte();
  const isEmpty = width === 0;
  const unit = isEmpty ? 1 : cursor.varint();
  const microsBits = isEmpty ? 0 : cursor.byte();
  if (microsBits !== 0 && microsBits !== MICROS_BITS) throw new MalformedSegment("microseconds of another width");
  const smallest = isEmpty ? 0 : cursor.fixed(TIME_BYTES);
  const times = unpacked(cursor, width, documents).map((value) => (value === 0 ? -1 : smallest + (value - 1) * unit));
  const micros = unpacked(cursor, microsBits, documents);
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

/** What times can take at most. */
const MAX_WIDTH = 49;

function unpacked(cursor: Cursor, width: number, count: number): Float64Array {
  if (width > MAX_WIDTH) throw new MalformedSegment("a column of another width");
  const values = new Float64Array(count);
  if (width === 0) return values;
  let byte = 0;
  let left = 0;
  for (let i = 0; i < count; i++) {
    let value = 0;
    for (let have = 0; have < width;) {
      if (left === 0) {
        byte = cursor.byte();
        left = 8;
      }
      const taken = Math.min(left, width - have);
      value += (byte & ((1 << taken) - 1)) * 2 ** have;
      byte >>= taken;
      left -= taken;
      have += taken;
    }
    values[i] = value;
  }
  return values;
}
