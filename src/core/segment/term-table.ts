/** Thrown for input that would need more memory than a process should use. */
export class GroupTooLarge extends RangeError {
  constructor(message: string) {
    super(message);
    this.name = "GroupTooLarge";
  }
}

/** Numbers byte strings from 0 in the order of their first appearance. */
export class TermTable {
  #slots = new Int32Array(1 << 12).fill(-1);
  #bytes = new Uint8Array(1 << 16);
  /** By number, two of each: where its bytes begin, and its hash; then where the last ends. */
  #places = new Int32Array(1 << 11);
  #size = 0;
  #counts = new Int32Array();
  /** Numbers do not depend on it; without it, a writer could choose words that all collide. */
  readonly #seed = Math.floor(2 ** 32 * Math.random()) | 0;

  get size(): number {
    return this.#size;
  }

  /** The number of the first `length` bytes, which are copied when they are new. Throws GroupTooLarge. */
  numberOf(term: Uint8Array, length: number): number {
    let hash = this.#seed;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (term[i] ?? 0), 0x01000193);
    hash ^= hash >>> 15;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const found = slots[slot] ?? -1;
      if (found < 0) return this.#add(term, { length, hash, slot });
      if (this.#places[2 * found + 1] === hash && this.#equals(found, term, length)) return found;
      slot = (slot + 1) & mask;
    }
  }

  /** A view of a term's bytes. */
  bytes(number: number): Uint8Array {
    return this.#bytes.subarray(this.#start(number), this.#end(number));
  }

  /** Gives a term to a writer. */
  give(number: number, to: { term(term: Uint8Array, length: number): void }): void {
    const term = this.bytes(number);
    to.term(term, term.length);
  }

  /**
   * One number per term, all 0, to be reset by its user: an array for every segment would cost more than filling it.
   */
  counts(): Int32Array {
    if (this.#counts.length < this.#size) this.#counts = new Int32Array(2 * this.#size);
    return this.#counts;
  }

  /**
   * Sorts numbers by their bytes. Five bytes and the number fit one 64-bit integer, whose sort is native; terms that
   * begin alike are sorted by their next five bytes.
   */
  sort(numbers: Int32Array, from = 0): void {
    if (numbers.length > FEW && from < DEEP) this.#sortByFive(numbers, from);
    else numbers.sort((a, b) => this.#compare(a, b));
  }

  #sortByFive(numbers: Int32Array, from: number): void {
    const keys = new BigUint64Array(numbers.length);
    const halves = new Uint32Array(keys.buffer);
    const [low, high] = LITTLE_ENDIAN ? [0, 1] : [1, 0];
    const bytes = this.#bytes;
    for (let place = 0; place < numbers.length; place++) {
      const number = numbers[place] ?? 0;
      const at = this.#start(number) + from;
      const left = this.#end(number) - at;
      const head =
        ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
      halves[2 * place + high] = left >= 4 ? head : left <= 0 ? 0 : head & (-1 << (8 * (4 - left)));
      halves[2 * place + low] = ((left > 4 ? (bytes[at + 4] ?? 0) : 0) << 24) | number;
    }
    keys.sort();
    for (let place = 0; place < numbers.length; place++) numbers[place] = (halves[2 * place + low] ?? 0) & MAX_TERMS;
    let start = 0;
    for (let next = 1; next <= numbers.length; next++) {
      const isAlike =
        next < numbers.length &&
        halves[2 * next + high] === halves[2 * start + high] &&
        ((halves[2 * next + low] ?? 0) ^ (halves[2 * start + low] ?? 0)) >>> 24 === 0;
      if (isAlike) continue;
      if (next - start > 1) this.sort(numbers.subarray(start, next), from + FIVE);
      start = next;
    }
  }

  #compare(a: number, b: number): number {
    const [startA, startB] = [this.#start(a), this.#start(b)];
    const [lengthA, lengthB] = [this.#end(a) - startA, this.#end(b) - startB];
    const length = Math.min(lengthA, lengthB);
    for (let i = 0; i < length; i++) {
      const difference = (this.#bytes[startA + i] ?? 0) - (this.#bytes[startB + i] ?? 0);
      if (difference !== 0) return difference;
    }
    return lengthA - lengthB;
  }

  #start(number: number): number {
    return this.#places[2 * number] ?? 0;
  }

  #end(number: number): number {
    return this.#places[2 * number + 2] ?? 0;
  }

  #equals(number: number, term: Uint8Array, length: number): boolean {
    const bytes = this.#bytes;
    const start = this.#start(number);
    if (this.#end(number) - start !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== term[i]) return false;
    return true;
  }

  #add(term: Uint8Array, at: { readonly length: number; readonly hash: number; readonly slot: number }): number {
    const number = this.#size++;
    if (number > MAX_TERMS) throw new GroupTooLarge(`more than ${MAX_TERMS} different terms`);
    const start = this.#start(number);
    const end = start + at.length;
    if (end > MAX_TERM_BYTES) throw new GroupTooLarge(`more than ${MAX_TERM_BYTES} bytes of different terms`);
    if (end > this.#bytes.length) this.#bytes = grown(this.#bytes, new Uint8Array(2 * end));
    if (2 * number + 2 >= this.#places.length) this.#places = grown(this.#places, new Int32Array(8 * number));
    const bytes = this.#bytes;
    for (let i = 0; i < at.length; i++) bytes[start + i] = term[i] ?? 0;
    this.#places[2 * number + 1] = at.hash;
    this.#places[2 * number + 2] = end;
    this.#slots[at.slot] = number;
    if (2 * this.#size > this.#slots.length) this.#widen();
    return number;
  }

  #widen(): void {
    const slots = new Int32Array(4 * this.#slots.length).fill(-1);
    for (let number = 0; number < this.#size; number++) {
      let slot = (this.#places[2 * number + 1] ?? 0) & (slots.length - 1);
      while ((slots[slot] ?? -1) >= 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = number;
    }
    this.#slots = slots;
  }
}

/** The largest number that 24 bits hold. */
const MAX_TERMS = 0xffffff;
const MAX_TERM_BYTES = 2 ** 28;
const FIVE = 5;
/** Up to this many, sorting by comparison is faster. */
const FEW = 24;
/** Terms that differ in U+0000 at their end alone would be sorted by the next five without end. */
const DEEP = 60;
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

export function grown<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
