import { utf8 } from "../bytes.js";

const QUOTE = 0x22;
const PERCENT = 0x25;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LITERALS = ["true", "false", "null"].map(utf8);

/** Digits that a double always holds exactly, so that canonical JSON writes them as they stand. */
const MAX_DIGITS = 15;
const MAX_DEPTH = 64;

/**
 * Walks canonical JSON byte by byte and accepts only what it can vouch for: ASCII keys in strictly ascending order,
 * integers of at most 15 digits. Only a parser knows what a text's escapes mean; `plain` says that there are none. Each
 * method returns the position after what it accepted, or -1, which only means that the slow path must look.
 */
export class CanonicalScan {
  #plain = true;

  constructor(readonly bytes: Uint8Array) {}

  /** From here on `plain` tells of texts to come. */
  begin(): void {
    this.#plain = true;
  }

  /** Whether every text since `begin` was ASCII without backslashes and percent signs. */
  get plain(): boolean {
    return this.#plain;
  }

  /** A text, from its opening quote. */
  text(at: number): number {
    const { bytes } = this;
    if (bytes[at] !== QUOTE) return -1;
    for (let end = at + 1; end < bytes.length; end++) {
      const byte = bytes[end] ?? 0;
      if (byte === QUOTE) return end + 1;
      if (byte < 0x20) return -1;
      if (byte >= 0x7f || byte === PERCENT || byte === BACKSLASH) this.#plain = false;
      if (byte === BACKSLASH) end += 1;
    }
    return -1;
  }

  /** Any value. */
  value(at: number, depth = 0): number {
    const byte = this.bytes[at] ?? 0;
    if (byte === QUOTE) return this.text(at);
    if (byte === 0x7b || byte === 0x5b) return depth < MAX_DEPTH ? this.#container(at, depth + 1) : -1;
    if (byte === MINUS || (byte >= ZERO && byte <= NINE)) return this.#integer(at);
    const literal = LITERALS.find((candidate) => this.has(candidate, at));
    return literal === undefined ? -1 : at + literal.length;
  }

  /** Whether these bytes stand here. */
  has(wanted: Uint8Array, at: number): boolean {
    for (let i = 0; i < wanted.length; i++) if (this.bytes[at + i] !== wanted[i]) return false;
    return true;
  }

  /** An object or a list; each ends with its opening bracket + 2. */
  #container(start: number, depth: number): number {
    const { bytes } = this;
    const isObject = bytes[start] === 0x7b;
    const close = (bytes[start] ?? 0) + 2;
    let at = start + 1;
    if (bytes[at] === close) return at + 1;
    let previous = -1;
    for (;;) {
      if (isObject) {
        const end = this.text(at);
        if (end < 0 || (previous >= 0 && !this.#rises(previous, at)) || bytes[end] !== COLON) return -1;
        previous = at;
        at = end + 1;
      }
      at = this.value(at, depth);
      if (at < 0) return -1;
      if (bytes[at] === close) return at + 1;
      if (bytes[at] !== COMMA) return -1;
      at += 1;
    }
  }

  /** Whether the key at `b` comes after the key at `a`. With escapes or beyond ASCII their bytes may order otherwise. */
  #rises(a: number, b: number): boolean {
    for (let i = 1; ; i++) {
      const left = this.bytes[a + i] ?? 0;
      const right = this.bytes[b + i] ?? 0;
      if (left >= 0x7f || right >= 0x7f || left === BACKSLASH || right === BACKSLASH) return false;
      if (left === QUOTE) return right !== QUOTE;
      if (right === QUOTE) return false;
      if (left !== right) return left < right;
    }
  }

  #integer(start: number): number {
    const { bytes } = this;
    const first = bytes[start] === MINUS ? start + 1 : start;
    let at = first;
    while (isDigit(bytes[at])) at += 1;
    const digits = at - first;
    if (digits === 0 || digits > MAX_DIGITS) return -1;
    if (bytes[first] === ZERO && (digits > 1 || first > start)) return -1;
    const next = bytes[at];
    return next === COMMA || next === 0x7d || next === 0x5d ? at : -1;
  }
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}
