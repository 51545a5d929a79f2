import { utf8 } from "../../core/bytes.js";
import { columnOf, compareBytes } from "../../core/segment/format.js";
import { setPlaces } from "../../core/segment/posting-view.js";
import { readKeys } from "../../core/segment/read-columns.js";
import { sortKey, type SortedField } from "../../query/order.js";
import { Heap } from "./heap.js";
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
  const heads = new Heap<Head>((a, b) => order.compareHeads(a, b));
  for await (const found of matchesOf(sought, searched, false)) {
    if (found.kind === "rows") loose.add(found);
    else await order.begin(found, heads);
  }
  const sorted = loose.sorted();
  const leaves: number[] = [];
  let next = 0;
  while (leaves.length < wanted.count) {
    const head = await order.front(heads);
    const row = sorted[next];
    if (head === undefined && row === undefined) break;
    if (row !== undefined && (head === undefined || order.compare(row, head) < 0)) {
      leaves.push(row.leaf);
      next += 1;
      continue;
    }
    if (head === undefined) break;
    if (isBehind(head)) leaves.push(head.leaf);
    order.advance(heads, head);
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

/** The next match of a piece. Its key is a bound until `isExact`: no key of the piece comes before it. */
interface Head extends Place {
  readonly piece: OrderedPiece;
  readonly isExact: boolean;
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

  /** A bound comes before what may be behind it. */
  compareHeads(a: Head, b: Head): number {
    const byKey = this.sign * compareBytes(a.key, b.key);
    if (byKey !== 0) return byKey;
    if (a.isExact !== b.isExact) return a.isExact ? 1 : -1;
    return this.sign * (a.leaf - b.leaf);
  }

  async begin(found: PieceFound, heads: Heap<Head>): Promise<void> {
    const places = setPlaces(found.bits);
    if (places.length === 0) return;
    const keys = await found.session.read((reader) => readKeys(reader, this.#column, found.piece));
    const piece = new OrderedPiece(found.start, orderOf(places, keys.ranks, this.sign));
    const edge = (this.sign > 0 ? keys.smallest : keys.largest) ?? new Uint8Array();
    this.#push(heads, piece, edge);
  }

  /** The first match of all pieces, with its key. */
  async front(heads: Heap<Head>): Promise<Head | undefined> {
    for (;;) {
      const first = heads.first;
      if (first?.isExact !== false) return first;
      const inexact: Head[] = [];
      while (inexact.length < READ_ENTRIES && heads.first?.isExact === false) {
        const head = heads.pop();
        if (head !== undefined) inexact.push(head);
      }
      await this.#fetchKeys(inexact);
      for (const { piece, key } of inexact) this.#push(heads, piece, key);
    }
  }

  advance(heads: Heap<Head>, head: Head): void {
    heads.pop();
    if (head.piece.advance()) this.#push(heads, head.piece, head.key);
  }

  #push(heads: Heap<Head>, piece: OrderedPiece, bound: Uint8Array): void {
    const key = piece.key;
    heads.push({ piece, leaf: piece.leaf, key: key ?? bound, isExact: key !== undefined });
  }

  /** Reads the keys that pieces need next, from one entry for each. */
  async #fetchKeys(heads: readonly Head[]): Promise<void> {
    const share = Math.max(1, Math.floor(READ_ENTRIES / heads.length));
    const wanted = heads.flatMap(({ piece }) => piece.nextRanks(share).map((at) => ({ piece, ...at })));
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

function orderOf(places: readonly number[], ranks: ArrayLike<number>, sign: 1 | -1): Uint32Array {
  const order = Uint32Array.from(places, (place) => ((ranks[place] ?? 0) << DOCUMENT_BITS) | place).sort();
  return sign > 0 ? order : order.reverse();
}

/** The matches of one piece, in their order by rank and document. */
class OrderedPiece {
  readonly #keys = new Map<number, Uint8Array>([[0, new Uint8Array()]]);
  #at = 0;
  #ahead = 1;

  /** `order`: rank and document as one number each. */
  constructor(
    private readonly start: number,
    private readonly order: Uint32Array,
  ) {}

  get leaf(): number {
    return this.start + ((this.order[this.#at] ?? 0) & ((1 << DOCUMENT_BITS) - 1));
  }

  /** The key of the next match; undefined until it was learnt. */
  get key(): Uint8Array | undefined {
    return this.#keys.get(this.#rank(this.#at));
  }

  learn(rank: number, key: Uint8Array): void {
    this.#keys.set(rank, key);
  }

  /** Whether there is another one. */
  advance(): boolean {
    const before = this.#rank(this.#at);
    this.#at += 1;
    if (this.#rank(this.#at) !== before) this.#keys.delete(before);
    return this.#at < this.order.length;
  }

  /** The next ranks without keys, more each time, with a leaf that has each. */
  nextRanks(most: number): readonly { readonly rank: number; readonly leaf: number }[] {
    const found: { readonly rank: number; readonly leaf: number }[] = [];
    const wanted = Math.min(most, this.#ahead);
    this.#ahead = Math.min(2 * this.#ahead, MOST_KEYS_AHEAD);
    let last = -1;
    for (let at = this.#at; at < this.order.length && found.length < wanted; at++) {
      const rank = this.#rank(at);
      if (rank === last || this.#keys.has(rank)) continue;
      last = rank;
      found.push({ rank, leaf: this.start + ((this.order[at] ?? 0) & ((1 << DOCUMENT_BITS) - 1)) });
    }
    return found;
  }

  #rank(at: number): number {
    return (this.order[at] ?? 0) >>> DOCUMENT_BITS;
  }
}
