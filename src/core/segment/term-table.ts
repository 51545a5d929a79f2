/** Numbers byte strings from 0 in the order of their first appearance. */
export class TermTable {
  #slots = new Int32Array(1 << 12).fill(-1);
  #bytes = new Uint8Array(1 << 16);
  /** Where each ends; the first begins at 0. */
  #ends = new Int32Array(1 << 10);
  #hashes = new Int32Array(1 << 10);
  #size = 0;
  #counts = new Int32Array();

  get size(): number {
    return this.#size;
  }

  /** The number of the first `length` bytes, which are copied when they are new. */
  numberOf(term: Uint8Array, length: number): number {
    let hash = 0x811c9dc5 | 0;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (term[i] ?? 0), 0x01000193);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const found = this.#slots[slot] ?? -1;
      if (found < 0) return this.#add(term, { length, hash, slot });
      if (this.#hashes[found] === hash && this.#equals(found, term, length)) return found;
      slot = (slot + 1) & mask;
    }
  }

  /** A view of a term's bytes. */
  bytes(number: number): Uint8Array {
    return this.#bytes.subarray(this.#start(number), this.#ends[number]);
  }

  /** Gives a term to a writer. */
  give(number: number, to: { term(term: Uint8Array, length: number): void }): void {
    const term = this.bytes(number);
    to.term(term, term.length);
  }

  /** A number per term, all 0, to be left so: an array for every segment would cost more than filling it. */
  counts(): Int32Array {
    if (this.#counts.length < this.#size) this.#counts = new Int32Array(2 * this.#size);
    return this.#counts;
  }

  /**
   * Sorts numbers by their bytes. Five bytes and the number fit one 64-bit integer, whose sort is native; what begins
   * alike is sorted by the next five.
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
      const left = (this.#ends[number] ?? 0) - at;
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
    const [lengthA, lengthB] = [(this.#ends[a] ?? 0) - startA, (this.#ends[b] ?? 0) - startB];
    const length = Math.min(lengthA, lengthB);
    for (let i = 0; i < length; i++) {
      const difference = (this.#bytes[startA + i] ?? 0) - (this.#bytes[startB + i] ?? 0);
      if (difference !== 0) return difference;
    }
    return lengthA - lengthB;
  }

  #start(number: number): number {
    return number === 0 ? 0 : (this.#ends[number - 1] ?? 0);
  }

  #equals(number: number, term: Uint8Array, length: number): boolean {
    const start = this.#start(number);
    if ((this.#ends[number] ?? 0) - start !== length) return false;
    for (let i = 0; i < length; i++) if (this.#bytes[start + i] !== term[i]) return false;
    return true;
  }

  #add(term: Uint8Array, at: { readonly length: number; readonly hash: number; readonly slot: number }): number {
    const number = this.#size++;
    if (number > MAX_TERMS) throw new RangeError(`a group has at most ${MAX_TERMS} different terms`);
    const start = this.#start(number);
    const end = start + at.length;
    if (end > this.#bytes.length) this.#bytes = grown(this.#bytes, new Uint8Array(2 * end));
    if (number >= this.#ends.length) {
      this.#ends = grown(this.#ends, new Int32Array(2 * number));
      this.#hashes = grown(this.#hashes, new Int32Array(2 * number));
    }
    for (let i = 0; i < at.length; i++) this.#bytes[start + i] = term[i] ?? 0;
    this.#ends[number] = end;
    this.#hashes[number] = at.hash;
    this.#slots[at.slot] = number;
    if (2 * this.#size > this.#slots.length) this.#widen();
    return number;
  }

  #widen(): void {
    const slots = new Int32Array(2 * this.#slots.length).fill(-1);
    for (let number = 0; number < this.#size; number++) {
      let slot = (this.#hashes[number] ?? 0) & (slots.length - 1);
      while ((slots[slot] ?? -1) >= 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = number;
    }
    this.#slots = slots;
  }
}

/** What 24 bits can number. */
const MAX_TERMS = 0xffffff;
const FIVE = 5;
/** What comparison sorts sooner. */
const FEW = 24;
/** Terms that differ in U+0000 at their end alone would be sorted by the next five without end. */
const DEEP = 60;
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

export function grown<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
