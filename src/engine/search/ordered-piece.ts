import { utf8 } from "../../core/bytes.js";
import { instantText } from "../../core/instant.js";
import { FIRST_MS } from "../../core/segment/event-time.js";
import type { KeyPiece, TimePiece } from "../../core/segment/read-columns.js";

/** A leaf's place in the order of a field: by key, then by leaf. */
export interface Place {
  readonly key: Uint8Array;
  readonly leaf: number;
}

/** The matches of one piece in their order; as a place, the next one. */
export interface OrderedPiece extends Place {
  /** Whether `key` is the key, and not only a bound that no key still to come is before. */
  readonly isExact: boolean;
  /** The next ranks without keys, more each time, with a leaf that has each. */
  nextRanks(most: number): readonly { readonly rank: number; readonly leaf: number }[];
  learn(rank: number, key: Uint8Array): void;
  /** Whether there is another one. */
  advance(): boolean;
}

/** What matches in a piece. */
export interface PieceMatches {
  /** The piece's first leaf. */
  readonly start: number;
  /** Its documents, rising; at least one. */
  readonly places: readonly number[];
  readonly descending: boolean;
}

/** Documents of a piece: what a rank is multiplied with to sort ranks and documents as one number. */
const DOCUMENT_BITS = 12;
const MOST_KEYS_AHEAD = 64;
const ABSENT = new Uint8Array();

/** By a column of ranks, whose keys are read from entries. */
export class RankedPiece implements OrderedPiece {
  readonly #keys = new Map<number, Uint8Array>([[0, ABSENT]]);
  #at = 0;
  #ahead = 1;
  /** No key that is still to come is before it. */
  #bound: Uint8Array;

  /** The first alone is found at once: most pieces give no more to a page. */
  readonly #first: number;
  #isSorted = false;
  /** Of each match, rank and document as one number; put in order when more than the first is asked for. */
  readonly #values: Uint32Array;

  constructor(
    private readonly matches: PieceMatches,
    { ranks, smallest, largest }: Pick<KeyPiece, "ranks" | "smallest" | "largest">,
  ) {
    const { places, descending } = matches;
    this.#values = Uint32Array.from(places, (place) => ((ranks[place] ?? 0) << DOCUMENT_BITS) | place);
    this.#bound = (descending ? largest : smallest) ?? ABSENT;
    if (smallest !== undefined) this.#keys.set(1, smallest);
    this.#first = this.#values.reduce((best, value) => (value < best === descending ? best : value));
  }

  get leaf(): number {
    return this.#leaf(this.#at);
  }

  /** Of the next match, or a bound of it. */
  get key(): Uint8Array {
    return this.#keys.get(this.#rank(this.#at)) ?? this.#bound;
  }

  get isExact(): boolean {
    return this.#keys.has(this.#rank(this.#at));
  }

  learn(rank: number, key: Uint8Array): void {
    this.#keys.set(rank, key);
  }

  /** Whether there is another one. */
  advance(): boolean {
    const before = this.#rank(this.#at);
    this.#bound = this.key;
    this.#at += 1;
    if (this.#rank(this.#at) !== before) this.#keys.delete(before);
    return this.#at < this.#values.length;
  }

  /** The next ranks without keys, more each time, with a leaf that has each. */
  nextRanks(most: number): readonly { readonly rank: number; readonly leaf: number }[] {
    const found: { readonly rank: number; readonly leaf: number }[] = [];
    const wanted = Math.min(most, this.#ahead);
    this.#ahead = Math.min(2 * this.#ahead, MOST_KEYS_AHEAD);
    let last = -1;
    for (let at = this.#at; at < this.#values.length && found.length < wanted; at++) {
      const rank = this.#rank(at);
      if (rank === last || this.#keys.has(rank)) continue;
      last = rank;
      found.push({ rank, leaf: this.#leaf(at) });
    }
    return found;
  }

  #rank(at: number): number {
    return this.#value(at) >>> DOCUMENT_BITS;
  }

  #leaf(at: number): number {
    return this.matches.start + (this.#value(at) & ((1 << DOCUMENT_BITS) - 1));
  }

  #value(at: number): number {
    if (at === 0) return this.#first;
    if (!this.#isSorted) this.#values.sort();
    if (!this.#isSorted && this.matches.descending) this.#values.reverse();
    this.#isSorted = true;
    return this.#values[at] ?? 0;
  }
}

/** By the event's own time, which the column holds; documents without one have the empty key. */
export class TimedPiece implements OrderedPiece {
  readonly isExact = true;
  readonly #start: number;
  /** In order, when more than the first is asked for. */
  #places: readonly number[];
  #isSorted = false;
  #at = 0;
  #first: number;
  #key: Uint8Array;

  constructor(
    private readonly matches: PieceMatches,
    private readonly column: TimePiece,
  ) {
    this.#start = matches.start;
    this.#places = matches.places;
    this.#first = matches.places.reduce((best, place) => (this.#compare(place, best) < 0 ? place : best));
    this.#key = this.#keyOf(this.#first);
  }

  get leaf(): number {
    return this.#start + this.#place;
  }

  get key(): Uint8Array {
    return this.#key;
  }

  nextRanks(): readonly never[] {
    return [];
  }

  learn(): void {
    // It has all keys.
  }

  advance(): boolean {
    if (!this.#isSorted) this.#places = [...this.#places].sort((a, b) => this.#compare(a, b));
    this.#isSorted = true;
    this.#at += 1;
    if (this.#at === this.#places.length) return false;
    this.#key = this.#keyOf(this.#place);
    return true;
  }

  get #place(): number {
    return this.#at === 0 ? this.#first : (this.#places[this.#at] ?? 0);
  }

  #compare(a: number, b: number): number {
    const { times, micros } = this.column;
    const order = (times[a] ?? 0) - (times[b] ?? 0) || (micros[a] ?? 0) - (micros[b] ?? 0) || a - b;
    return this.matches.descending ? -order : order;
  }

  #keyOf(place: number): Uint8Array {
    const time = this.column.times[place] ?? NO_TIME;
    if (time === NO_TIME) return ABSENT;
    return utf8(instantText({ epochMs: time + FIRST_MS, micros: this.column.micros[place] ?? 0 }) ?? "");
  }
}

/** What the column has for none. */
const NO_TIME = -1;
