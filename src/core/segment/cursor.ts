import { MalformedSegment } from "./format.js";

/** Reads bytes from a position on, page after page. Every read is checked and throws MalformedSegment. */
export class Cursor {
  #page: Uint8Array;
  #at: number;
  /** Bytes of the pages before this one. */
  #before: number;

  /** `at`: where in the page to begin. `before`: bytes of the pages before it. `following` gives the next page. */
  constructor(
    page: Uint8Array,
    at = 0,
    private readonly pages?: { readonly before: number; readonly following: () => Uint8Array | undefined },
  ) {
    this.#page = page;
    this.#at = at;
    this.#before = pages?.before ?? 0;
  }

  get place(): number {
    return this.#before + this.#at;
  }

  byte(): number {
    const byte = this.#page[this.#at];
    if (byte !== undefined) {
      this.#at += 1;
      return byte;
    }
    this.#turn();
    return this.byte();
  }

  varint(most = Number.MAX_SAFE_INTEGER): number {
    const first = this.#page[this.#at];
    if (first !== undefined && first < 0x80 && first <= most) {
      this.#at += 1;
      return first;
    }
    return this.#longVarint(most);
  }

  #longVarint(most: number): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      // The negation also refuses NaN, the result of a varint with more bytes than any number has.
      if (!(value <= most)) throw new MalformedSegment(`a number over ${most}`);
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

  /** A view where the bytes lie in one page, else a copy. */
  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end <= this.#page.length) {
      const view = this.#page.subarray(this.#at, end);
      this.#at = end;
      return view;
    }
    const parts: Uint8Array[] = [];
    let found = 0;
    while (found < length) {
      if (this.#at === this.#page.length) this.#turn();
      const part = this.#page.subarray(this.#at, this.#at + length - found);
      this.#at += part.length;
      found += part.length;
      parts.push(part);
    }
    return joined(parts, length);
  }

  /** At least one byte and at most this many, without a copy: the bytes up to the end of a page. */
  some(most: number): Uint8Array {
    if (this.#at >= this.#page.length) this.#turn();
    const view = this.#page.subarray(this.#at, this.#at + most);
    this.#at += view.length;
    return view.length === 0 ? this.some(most) : view;
  }

  skip(bytes: number): void {
    if (this.#at + bytes <= this.#page.length) this.#at += bytes;
    else this.bytes(bytes);
  }

  /** Skips this many varints. */
  skipVarints(count: number): void {
    for (let left = count; left > 0;) {
      const page = this.#page;
      let at = this.#at;
      for (; left > 0 && at < page.length; at++) if ((page[at] ?? 0) < 0x80) left -= 1;
      this.#at = at;
      if (left > 0) this.#turn();
    }
  }

  /** Skips this many lists of varints: the lowest bit of each says whether another one of its list follows. */
  skipLists(count: number): void {
    let [isFirst, isLast] = [true, true];
    for (let left = count; left > 0;) {
      const page = this.#page;
      let at = this.#at;
      for (; left > 0 && at < page.length; at++) {
        const byte = page[at] ?? 0;
        if (isFirst) isLast = (byte & 1) === 0;
        isFirst = byte < 0x80;
        if (isFirst && isLast) left -= 1;
      }
      this.#at = at;
      if (left > 0) this.#turn();
    }
  }

  #turn(): void {
    const next = this.pages?.following();
    if (next === undefined || this.#at > this.#page.length) throw new MalformedSegment("bytes end too early");
    this.#before += this.#page.length;
    this.#page = next;
    this.#at = 0;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
