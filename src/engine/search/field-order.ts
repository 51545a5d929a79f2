import { utf8 } from "../../core/bytes.js";
import { setPlaces } from "../../core/segment/bits.js";
import { columnOf, compareBytes } from "../../core/segment/format.js";
import { Heap } from "../../core/segment/heap.js";
import { readKeys, readTimes } from "../../core/segment/read-columns.js";
import { sortKey, type SortedField } from "../../query/order.js";
import { READ_ENTRIES, readRows, readRowsAt, type LogRow } from "./log-rows.js";
import { matchesOf, type Found, type PieceFound, type SearchedLog, type Sought } from "./matches.js";
import { RankedPiece, TimedPiece, type OrderedPiece, type Place } from "./ordered-piece.js";

/** Which matches are asked for: behind a leaf, whether or not it matches; so many. */
interface Wanted {
  readonly field: SortedField;
  readonly descending: boolean;
  readonly after: number | undefined;
  readonly count: number;
}

/**
 * The first matches in the order of a field. A piece orders its own by ranks; pieces are compared by keys, which are read
 * from the entries, one for each rank that comes to the front. Of the event's time a piece has the keys itself.
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

  /** The matches of a piece, if there are any. */
  async piecesOf({ bits, start, piece, session }: PieceFound): Promise<readonly OrderedPiece[]> {
    const places = setPlaces(bits);
    if (places.length === 0) return [];
    const matches = { start, places, descending: this.sign < 0 };
    return session.read((reader) => [
      this.field === "timestamp"
        ? new TimedPiece(matches, readTimes(reader, piece))
        : new RankedPiece(matches, readKeys(reader, this.#column, piece)),
    ]);
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

  /**
   * The heap orders the list in place. A key that is only a bound comes no later than the real one: of equal ones the first leaf is
   * the first match with either.
   */
  #ordered(): Heap<OrderedPiece> {
    return new Heap(this.#pieces, (a, b) => this.order.compare(a, b) < 0);
  }
}
