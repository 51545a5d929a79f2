import { utf8 } from "../../core/bytes.js";
import { columnOf, compareBytes } from "../../core/segment/format.js";
import { setPlaces } from "../../core/segment/bits.js";
import { readKeys } from "../../core/segment/read-columns.js";
import { sortKey, type SortedField } from "../../query/order.js";
import { Heap } from "../../core/segment/heap.js";
import { READ_ENTRIES, readRows, readRowsAt, type LogRow } from "./log-rows.js";
import { matchesOf, type Found, type PieceFound, type SearchedLog, type Sought } from "./matches.js";

/** A leaf's place in the order of a field: by key, then by leaf. */
interface Place {
  readonly key: Uint8Array;
  readonly leaf: number;
}

/** Which matches are asked for: behind a leaf, whether or not it matches; so many. */
interface Wanted {
  readonly field: SortedField;
  readonly descending: boolean;
  readonly after: number | undefined;
  readonly count: number;
}

/** Documents of a piece: what a rank is multiplied with to sort ranks and documents as one number. */
const DOCUMENT_BITS = 12;
const MOST_KEYS_AHEAD = 64;

/**
 * The first matches in the order of a field. A piece orders its own by ranks; pieces are compared by keys, which are read
 * from the entries, one for each rank that comes to the front.
 */
export async function leavesByField(sought: Sought, wanted: Wanted, searched: SearchedLog): Promise<readonly number[]> {
  const order = new FieldOrder(wanted.field, wanted.descending ? -1 : 1, searched);
  const after = wanted.after === undefined ? undefined : await order.placeOf(wanted.after);
  const isBehind = (place: Place): boolean => after === undefined || order.compare(place, after) > 0;
  const loose = new Loose(order, wanted.count, isBehind);
  const pieces: OrderedPiece[] = [];
  for await (const found of matchesOf(sought, searched, false)) {
    if (found.kind === "rows") loose.add(found);
    else pieces.push(...(await order.piecesOf(found)));
  }
  const merge = new Merge(pieces, order);
  const sorted = loose.sorted();
  const leaves: number[] = [];
  let next = 0;
  while (leaves.length < wanted.count) {
    const head = await merge.front();
    const row = sorted[next];
    if (head === undefined && row === undefined) break;
    if (row !== undefined && (head === undefined || order.compare(row, head) < 0)) {
      leaves.push(row.leaf);
      next += 1;
      continue;
    }
    if (head === undefined) break;
    if (isBehind(head)) leaves.push(head.leaf);
    merge.advance();
    searched.signal?.throwIfAborted();
  }
  return leaves;
}

/** Matches that are in no segment: no more of them are kept than can be wanted. */
class Loose {
  #places: Place[] = [];

  constructor(
    private readonly order: FieldOrder,
    private readonly most: number,
    private readonly isBehind: (place: Place) => boolean,
  ) {}

  add({ rows }: Found & { readonly kind: "rows" }): void {
    for (const row of rows) {
      const place = { key: this.order.keyOf(row), leaf: row.leafIndex };
      if (this.isBehind(place)) this.#places.push(place);
    }
    if (this.#places.length > 2 * this.most + READ_ENTRIES) this.#places = this.sorted().slice(0, this.most);
  }

  sorted(): Place[] {
    return this.#places.sort((a, b) => this.order.compare(a, b));
  }
}

class FieldOrder {
  readonly #column: number;

  constructor(
    private readonly field: SortedField,
    private readonly sign: 1 | -1,
    private readonly searched: SearchedLog,
  ) {
    this.#column = columnOf(field) ?? 0;
  }

  keyOf({ event }: LogRow): Uint8Array {
    return event === undefined ? new Uint8Array() : utf8(sortKey(event, this.field));
  }

  async placeOf(leaf: number): Promise<Place> {
    const [row] = await readRows(this.searched, { start: leaf, end: leaf + 1 });
    return { key: row === undefined ? new Uint8Array() : this.keyOf(row), leaf };
  }

  compare(a: Place, b: Place): number {
    return this.sign * (compareBytes(a.key, b.key) || a.leaf - b.leaf);
  }

  compareKeys(a: Place, b: Place): number {
    return this.sign * compareBytes(a.key, b.key);
  }

  /** The matches of a piece, if there are any. */
  async piecesOf(found: PieceFound): Promise<readonly OrderedPiece[]> {
    const places = setPlaces(found.bits);
    if (places.length === 0) return [];
    return found.session.read((reader) => {
      const keys = readKeys(reader, this.#column, found.piece);
      const { ranks, smallest, largest } = keys;
      const values = new Uint32Array(places.length);
      places.forEach((place, i) => (values[i] = ((ranks[place] ?? 0) << DOCUMENT_BITS) | place));
      const edge = (this.sign > 0 ? smallest : largest) ?? ABSENT;
      return [new OrderedPiece({ ...{ start: found.start, values, edge, smallest }, descending: this.sign < 0 })];
    });
  }

  /** Reads the keys that pieces need next, from one entry for each. */
  async fetchKeys(pieces: readonly OrderedPiece[]): Promise<void> {
    const share = Math.max(1, Math.floor(READ_ENTRIES / pieces.length));
    const wanted = pieces.flatMap((piece) => piece.nextRanks(share).map((at) => ({ piece, ...at })));
    const rows = await readRowsAt(
      this.searched,
      wanted.map(({ leaf }) => leaf),
    );
    wanted.forEach(({ piece, rank }, place) => {
      const row = rows[place];
      if (row !== undefined) piece.learn(rank, this.keyOf(row));
    });
  }
}

/** All pieces as one order: the first match of each is compared with those of the others. */
class Merge {
  readonly #pieces: OrderedPiece[];
  #heap: Heap<OrderedPiece>;

  constructor(
    pieces: readonly OrderedPiece[],
    private readonly order: FieldOrder,
  ) {
    this.#pieces = [...pieces];
    this.#heap = this.#ordered();
  }

  /** The first match of all, with its key; those that could be before it are looked up. */
  async front(): Promise<OrderedPiece | undefined> {
    for (;;) {
      const { top } = this.#heap;
      if (top?.isExact !== false) return top;
      await this.order.fetchKeys(this.#pieces.filter(({ isExact }) => !isExact).slice(0, READ_ENTRIES));
      this.#heap = this.#ordered();
    }
  }

  advance(): void {
    const { top } = this.#heap;
    if (top?.advance() === true) this.#heap.replace(top);
    else this.#heap.pop();
  }

  /** The heap orders the list in place. A key that is only a bound comes before what may be behind it. */
  #ordered(): Heap<OrderedPiece> {
    return new Heap(this.#pieces, (a, b) => {
      const byKey = this.order.compareKeys(a, b);
      if (byKey !== 0) return byKey < 0;
      return a.isExact === b.isExact ? this.order.compare(a, b) < 0 : !a.isExact;
    });
  }
}

const ABSENT = new Uint8Array();

interface RankedPiece {
  /** The piece's first leaf. */
  readonly start: number;
  /** Of each match, rank and document as one number; put in order when more than the first is asked for. */
  readonly values: Uint32Array;
  readonly descending: boolean;
  readonly smallest: Uint8Array | undefined;
  /** No key comes before it. */
  readonly edge: Uint8Array;
}

/** The matches of one piece, in their order by rank and document; as a place, the next one. */
class OrderedPiece implements Place {
  readonly #keys = new Map<number, Uint8Array>([[0, ABSENT]]);
  #at = 0;
  #ahead = 1;
  /** No key that is still to come is before it. */
  #bound: Uint8Array;

  /** The first alone is found at once: most pieces give no more to a page. */
  readonly #first: number;
  #isSorted = false;

  constructor(private readonly ranked: RankedPiece) {
    const { values, descending, smallest, edge } = ranked;
    this.#bound = edge;
    if (smallest !== undefined) this.#keys.set(1, smallest);
    this.#first = values.reduce((best, value) => (value < best === descending ? best : value));
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
    return this.#at < this.ranked.values.length;
  }

  /** The next ranks without keys, more each time, with a leaf that has each. */
  nextRanks(most: number): readonly { readonly rank: number; readonly leaf: number }[] {
    const found: { readonly rank: number; readonly leaf: number }[] = [];
    const wanted = Math.min(most, this.#ahead);
    this.#ahead = Math.min(2 * this.#ahead, MOST_KEYS_AHEAD);
    let last = -1;
    for (let at = this.#at; at < this.ranked.values.length && found.length < wanted; at++) {
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
    return this.ranked.start + (this.#value(at) & ((1 << DOCUMENT_BITS) - 1));
  }

  #value(at: number): number {
    if (at === 0) return this.#first;
    const { values, descending } = this.ranked;
    if (!this.#isSorted) values.sort();
    if (!this.#isSorted && descending) values.reverse();
    this.#isSorted = true;
    return values[at] ?? 0;
  }
}
