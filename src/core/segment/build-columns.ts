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
  const distinct = distinctKeys(group, numbers);
  const writer = new ByteWriter();
  const width = bitsFor(distinct.length);
  writer.byte(width);
  if (width === 0) return writer.copy();
  const ranks = group.keys.counts();
  for (let place = 0; place < distinct.length; place++) ranks[distinct[place] ?? 0] = place + 1;
  for (const number of [distinct[0], distinct[distinct.length - 1]]) {
    const key = group.keys.bytes(number ?? 0);
    writer.varint(key.length);
    writer.bytes(key);
  }
  const values = new Uint16Array(numbers.length);
  for (let place = 0; place < numbers.length; place++) values[place] = ranks[(numbers[place] ?? 0) - 1] ?? 0;
  writer.bytes(packed(values, width));
  for (const number of distinct) ranks[number] = 0;
  return writer.copy();
}

/** The numbers of the keys that occur, in the order of the keys. */
function distinctKeys(group: Group, numbers: Int32Array): Int32Array {
  const counts = group.keys.counts();
  const distinct = new Int32Array(numbers.length);
  let size = 0;
  for (const number of numbers) {
    if (number === 0 || counts[number - 1] !== 0) continue;
    counts[number - 1] = 1;
    distinct[size++] = number - 1;
  }
  const found = distinct.subarray(0, size);
  for (const number of found) counts[number] = 0;
  group.keys.sort(found);
  return found;
}

function timePiece(group: Group, range: DocumentRange): Uint8Array {
  const times = group.times.subarray(range.start, range.end);
  const micros = group.micros.subarray(range.start, range.end);
  const writer = new ByteWriter();
  let [smallest, largest] = [Infinity, -1];
  for (const time of times) {
    if (time >= 0 && time < smallest) smallest = time;
    if (time > largest) largest = time;
  }
  if (largest < 0) {
    writer.byte(0);
    return writer.copy();
  }
  let unit = MS_PER_SECOND;
  for (const time of times) if (time >= 0 && (time - smallest) % MS_PER_SECOND !== 0) unit = 1;
  const values = new Float64Array(times.length);
  for (let place = 0; place < times.length; place++) {
    const time = times[place] ?? -1;
    values[place] = time < 0 ? 0 : 1 + (time - smallest) / unit;
  }
  const width = bitsFor(1 + (largest - smallest) / unit);
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

/** Integers of up to 49 bits, one after the other, the least significant bit first. */
function packed(values: Uint16Array | Float64Array, width: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((values.length * width) / 8));
  let at = 0;
  /** Bits that are not written yet, fewer than eight before each value. */
  let bits = 0;
  let count = 0;
  for (let place = 0; place < values.length; place++) {
    let rest = values[place] ?? 0;
    for (let left = width; left > 0;) {
      const taken = Math.min(left, CHUNK_BITS);
      const chunk = rest % CHUNK;
      rest = (rest - chunk) / CHUNK;
      bits |= chunk << count;
      for (count += taken; count >= 8; count -= 8) {
        bytes[at++] = bits;
        bits >>>= 8;
      }
      left -= taken;
    }
  }
  if (count > 0) bytes[at] = bits;
  return bytes;
}

const CHUNK_BITS = 16;
const CHUNK = 2 ** CHUNK_BITS;
