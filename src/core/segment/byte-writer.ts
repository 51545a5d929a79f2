/** A growing byte buffer that is reused, because an array per term costs more than filling it. */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** A view: valid until the next write. */
  get view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Discards what was written after this length. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  /** Makes room for this many more bytes. */
  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    grown.set(this.view);
    this.#bytes = grown;
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** An unsigned LEB128 of an integer from 0 to 2^53 - 1. */
  varint(value: number): void {
    if (this.#length + MAX_VARINT_BYTES > this.#bytes.length) this.#reserve(MAX_VARINT_BYTES);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = rest <= MAX_INT32 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Writes an integer as this many little-endian bytes. */
  fixed(value: number, bytes: number): void {
    let rest = value;
    for (let i = 0; i < bytes; i++) {
      this.byte(rest % 0x100);
      rest = Math.floor(rest / 0x100);
    }
  }

  /** Writes the bytes of `from` from `start` up to `end`; a few in a loop, which costs less than a view of them. */
  bytes(from: Uint8Array, start = 0, end = from.length): void {
    const count = end - start;
    this.#reserve(count);
    if (count > FEW_BYTES) this.#bytes.set(from.subarray(start, end), this.#length);
    else for (let i = 0; i < count; i++) this.#bytes[this.#length + i] = from[start + i] ?? 0;
    this.#length += count;
  }

  /** Writes the content of another writer. */
  append(other: ByteWriter): void {
    this.bytes(other.#bytes, 0, other.#length);
  }

  /** A copy of what was written. */
  copy(): Uint8Array {
    return this.view.slice();
  }
}

/** The number of bytes that `varint` writes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}

const MAX_VARINT_BYTES = 8;
const MAX_INT32 = 0x7fffffff;
const FEW_BYTES = 100;
