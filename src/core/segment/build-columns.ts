import { ByteWriter } from "./byte-writer.js";
import { KEY_COLUMNS, MICROS_BITS, PIECE_END_BYTES, Stream, TIME_BYTES } from "./format.js";
import type { DocumentRange, Group } from "./group.js";
import type { SegmentWriter } from "./segment-writer.js";

const MS_PER_SECOND = 1_000;

/**
 * Writes the columns of a segment of one piece (format 1, Column). A column is a table of where each of its pieces ends,
 * u32 little-endian from the end of the table, then the pieces. A piece of keys: its width in bits, one byte; unless that
 * is 0, its smallest and largest key, each after its length; then a rank of `width` bits per document, LSB first: 0 for
 * none, else the 1-based place of its key among the piece's.
 *
 * A piece of times: the width, one byte; unless that is 0, milliseconds per unit, a varint of 1 or 1,000; the bits of
 * microseconds, one byte of 0 or 10; the smallest time, milliseconds since the year 0000, 7 bytes little-endian; then per
 * document 0 for none, else 1 + units since the smallest; then the microseconds per document.
 */
export function writeColumns(group: Group, range: DocumentRange, writer: SegmentWriter): void {
  KEY_COLUMNS.forEach((_, column) => {
    put(writer, column, keyPiece(group, column, range));
  });
  put(writer, KEY_COLUMNS.length, timePiece(group, range));
}

function put(writer: SegmentWriter, column: number, piece: Uint8Array): void {
  const stream = writer.streams[Stream.columns + column];
  stream?.fixed(piece.length, PIECE_END_BYTES);
  stream?.bytes(piece);
}

function keyPiece(group: Group, column: number, range: DocumentRange): Uint8Array {
  const numbers = group.keyNumbers[column]?.subarray(range.start, range.end) ?? new Int32Array();
  const distinct = Int32Array.from(new Set(numbers.filter((number) => number > 0)), (number) => number - 1);
  group.keys.sort(distinct);
  const writer = new ByteWriter();
  const width = bitsFor(distinct.length);
  writer.byte(width);
  if (width === 0) return writer.copy();
  const ranks = new Map([...distinct].map((number, place) => [number + 1, place + 1]));
  for (const number of [distinct[0], distinct.at(-1)]) {
    const key = group.keys.bytes(number ?? 0);
    writer.varint(key.length);
    writer.bytes(key);
  }
  writer.bytes(
    packed(
      Array.from(numbers, (number) => ranks.get(number) ?? 0),
      width,
    ),
  );
  return writer.copy();
}

function timePiece(group: Group, range: DocumentRange): Uint8Array {
  const times = group.times.subarray(range.start, range.end);
  const micros = Array.from(group.micros.subarray(range.start, range.end));
  const known = times.filter((time) => time >= 0);
  const writer = new ByteWriter();
  if (known.length === 0) {
    writer.byte(0);
    return writer.copy();
  }
  const smallest = known.reduce((least, time) => Math.min(least, time));
  const unit = known.every((time) => (time - smallest) % MS_PER_SECOND === 0) ? MS_PER_SECOND : 1;
  const values = Array.from(times, (time) => (time < 0 ? 0 : 1 + (time - smallest) / unit));
  const width = bitsFor(values.reduce((most, value) => Math.max(most, value)));
  const microsBits = micros.some((value) => value > 0) ? MICROS_BITS : 0;
  writer.byte(width);
  writer.varint(unit);
  writer.byte(microsBits);
  writer.fixed(smallest, TIME_BYTES);
  writer.bytes(packed(values, width));
  writer.bytes(packed(micros, microsBits));
  return writer.copy();
}

/** Bits that hold every integer up to `most`. */
export function bitsFor(most: number): number {
  return most === 0 ? 0 : Math.floor(Math.log2(most)) + 1;
}

/** Integers of up to 48 bits, one after the other, the least significant bit first. */
function packed(values: readonly number[], width: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((values.length * width) / 8));
  let bit = 0;
  for (const value of values) {
    let rest = value;
    for (let left = width; left > 0;) {
      const offset = bit % 8;
      const taken = Math.min(8 - offset, left);
      const at = (bit - offset) / 8;
      bytes[at] = (bytes[at] ?? 0) | ((rest % 2 ** taken) << offset);
      rest = Math.floor(rest / 2 ** taken);
      bit += taken;
      left -= taken;
    }
  }
  return bytes;
}
