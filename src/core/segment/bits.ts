import { BITMAP_BYTES, PIECE_DOCUMENTS } from "./format.js";

/** A set of documents of one piece, 32 per number. Never changed after it is returned, so it can be shared. */
export type PieceBits = Uint32Array;
const WORDS = PIECE_DOCUMENTS / 32;

export const NO_BITS: PieceBits = new Uint32Array(WORDS);
const ALL_BITS: PieceBits = new Uint32Array(WORDS).fill(0xffffffff);

/** Sets made at once: to have memory of its own for each takes four times as long. */
const SETS_AT_ONCE = 32;
let memory = new ArrayBuffer(0);
let taken = 0;

/** An empty set, for the caller to fill. */
export function noBits(): Uint32Array {
  if (taken === memory.byteLength) {
    memory = new ArrayBuffer(SETS_AT_ONCE * BITMAP_BYTES);
    taken = 0;
  }
  const bits = new Uint32Array(memory, taken, WORDS);
  taken += BITMAP_BYTES;
  return bits;
}

/** The documents from `start` to `end`, exclusive. */
export function bitsBetween(start: number, end: number): PieceBits {
  if (start === 0 && end === PIECE_DOCUMENTS) return ALL_BITS;
  const bits = noBits();
  for (let word = start >>> 5; 32 * word < end; word++) {
    const from = 32 * word < start ? -1 << (start & 31) : -1;
    bits[word] = 32 * word + 32 > end ? from & ~(-1 << (end & 31)) : from;
  }
  return bits;
}

export function set(bits: Uint32Array, document: number): void {
  bits[document >>> 5] = (bits[document >>> 5] ?? 0) | (1 << (document & 31));
}

export function has(bits: PieceBits, document: number): boolean {
  return ((bits[document >>> 5] ?? 0) & (1 << (document & 31))) !== 0;
}

export function isEmpty(bits: PieceBits): boolean {
  if (bits === NO_BITS) return true;
  if (bits === ALL_BITS) return false;
  for (let i = 0; i < WORDS; i++) if (bits[i] !== 0) return false;
  return true;
}

export function both(a: PieceBits, b: PieceBits): PieceBits {
  if (a === NO_BITS || b === ALL_BITS) return a;
  if (b === NO_BITS || a === ALL_BITS) return b;
  const bits = noBits();
  for (let i = 0; i < WORDS; i++) bits[i] = (a[i] ?? 0) & (b[i] ?? 0);
  return bits;
}

export function either(a: PieceBits, b: PieceBits): PieceBits {
  if (b === NO_BITS) return a;
  if (a === NO_BITS) return b;
  const bits = noBits();
  for (let i = 0; i < WORDS; i++) bits[i] = (a[i] ?? 0) | (b[i] ?? 0);
  return bits;
}

export function without(a: PieceBits, b: PieceBits): PieceBits {
  if (b === NO_BITS) return a;
  const bits = noBits();
  for (let i = 0; i < WORDS; i++) bits[i] = (a[i] ?? 0) & ~(b[i] ?? 0);
  return bits;
}

/** Adds the documents of another set. */
export function addAll(bits: Uint32Array, more: PieceBits): void {
  for (let i = 0; i < WORDS; i++) bits[i] = (bits[i] ?? 0) | (more[i] ?? 0);
}

/** The set in a bitmap whose bytes begin with their least significant bit. */
export function bitsOfBytes(bytes: Uint8Array): PieceBits {
  const bits = noBits();
  addBytes(bits, bytes);
  return bits;
}

/** Adds the documents of such a bitmap, and returns how many it has. */
export function addBytes(bits: Uint32Array, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, BITMAP_BYTES);
  let count = 0;
  for (let i = 0; i < WORDS; i++) {
    const word = view.getUint32(4 * i, true);
    bits[i] = (bits[i] ?? 0) | word;
    count += ones(word);
  }
  return count;
}

/** The places of the set bits, rising. */
export function setPlaces(bits: PieceBits): readonly number[] {
  const found: number[] = [];
  for (let i = 0; i < WORDS; i++)
    for (let rest = bits[i] ?? 0; rest !== 0; rest &= rest - 1) found.push(32 * i + 31 - Math.clz32(rest & -rest));
  return found;
}

export function countBits(bits: PieceBits): number {
  let count = 0;
  for (let i = 0; i < WORDS; i++) count += ones(bits[i] ?? 0);
  return count;
}

/** Counts the documents before each given document; those are in ascending order. */
export function countsBefore(bits: PieceBits): (document: number) => number {
  let passed = 0;
  let count = 0;
  return (document) => {
    for (; passed < document >>> 5; passed++) count += ones(bits[passed] ?? 0);
    return count + ones((bits[passed] ?? 0) & ((1 << (document & 31)) - 1));
  };
}

function ones(word: number): number {
  let rest = word - ((word >>> 1) & 0x55555555);
  rest = (rest & 0x33333333) + ((rest >>> 2) & 0x33333333);
  return Math.imul((rest + (rest >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
