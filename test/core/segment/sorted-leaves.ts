import { setPlaces } from "../../../src/core/segment/bits.js";
import { compareBytes } from "../../../src/core/segment/format.js";
import { Heap } from "../../../src/core/segment/heap.js";
import { readKeys, readTimes } from "../../../src/core/segment/read-columns.js";
import {
  matchingPieces,
  type MatchingPiece,
  type SegmentQuery,
  type Segments,
} from "../../../src/core/segment/search.js";

/**
 * The leaves that match, by a column of keys; ties by leaf, in the same direction. Ranks order a piece, and `keyOf`,
 * which returns a leaf's sort key, only those that come first in it. Throws as `matchingLeaves`.
 */
export function leavesByKey(
  segments: Segments,
  query: SegmentQuery,
  by: { readonly column: number; readonly keyOf: (leaf: number) => Uint8Array },
): Generator<number> {
  return ordered(matchingPieces(segments, query), byKey(by, query.descending));
}

/**
 * The leaves that match, by the event's own time; those without one come first. Ties by leaf, in the same direction.
 * Throws as `matchingLeaves`.
 */
export function leavesByTime(segments: Segments, query: SegmentQuery): Generator<number> {
  return ordered(matchingPieces(segments, query), byTime(query.descending));
}

/** How the documents of a piece compare with each other, and with those of other pieces. */
interface PieceOrder<Key> {
  compare(a: number, b: number): number;
  keyOf(document: number): Key;
}

/** A sort order over pieces. */
interface Order<Key> {
  /** No document of the piece comes before this one; undefined where only the piece itself can tell. */
  bound(piece: MatchingPiece): Key | undefined;
  open(piece: MatchingPiece): PieceOrder<Key>;
  compare(a: Key, b: Key): number;
  readonly descending: boolean;
}

/** A piece's next leaf with its key; or a bound and its first leaf, which tells it from other pieces, as long as it is not open. */
interface Head<Key> {
  readonly piece: MatchingPiece;
  key: Key;
  leaf: number;
  isOpen: boolean;
  /** What follows; found when the first leaf is taken, because most pieces give none. */
  rest: { readonly documents: Heap<number>; readonly order: PieceOrder<Key> } | undefined;
}

/** The leaves in an order; ties by leaf, in the same direction. A piece is opened only when its bound comes up. */
function* ordered<Key>(pieces: Iterable<MatchingPiece>, order: Order<Key>): Generator<number> {
  const sign = order.descending ? -1 : 1;
  const heads: Head<Key>[] = [];
  for (const piece of pieces) {
    const bound = order.bound(piece);
    const head =
      bound === undefined
        ? opened(piece, order)
        : { piece, key: bound, leaf: piece.start, isOpen: false, rest: undefined };
    if (head !== undefined) heads.push(head);
  }
  const heap = new Heap(heads, (a, b) => sign * (order.compare(a.key, b.key) || a.leaf - b.leaf) < 0);
  for (let head = heap.top; head !== undefined; head = heap.top) {
    if (!head.isOpen) replaceOrPop(heap, opened(head.piece, order));
    else {
      yield head.leaf;
      replaceOrPop(heap, advanced(head, order));
    }
  }
}

function replaceOrPop<T>(heap: Heap<T>, head: T | undefined): void {
  if (head === undefined) heap.pop();
  else heap.replace(head);
}

function opened<Key>(piece: MatchingPiece, order: Order<Key>): Head<Key> | undefined {
  const inPiece = order.open(piece);
  const isBefore = beforeIn(inPiece, order);
  let best: number | undefined;
  for (const document of setPlaces(piece.bits)) if (best === undefined || isBefore(document, best)) best = document;
  if (best === undefined) return undefined;
  return { piece, key: inPiece.keyOf(best), leaf: piece.start + best, isOpen: true, rest: undefined };
}

function advanced<Key>(head: Head<Key>, order: Order<Key>): Head<Key> | undefined {
  head.rest ??= restOf(head, order);
  const next = head.rest.documents.pop();
  if (next === undefined) return undefined;
  const place = head.leaf - head.piece.start;
  if (head.rest.order.compare(place, next) !== 0) head.key = head.rest.order.keyOf(next);
  head.leaf = head.piece.start + next;
  return head;
}

function restOf<Key>({ piece, leaf }: Head<Key>, order: Order<Key>): NonNullable<Head<Key>["rest"]> {
  const inPiece = order.open(piece);
  const documents = setPlaces(piece.bits).filter((document) => piece.start + document !== leaf);
  return { order: inPiece, documents: new Heap(documents, beforeIn(inPiece, order)) };
}

function beforeIn<Key>(inPiece: PieceOrder<Key>, { descending }: Order<Key>): (a: number, b: number) => boolean {
  return descending ? (a, b) => (inPiece.compare(b, a) || b - a) < 0 : (a, b) => (inPiece.compare(a, b) || a - b) < 0;
}

/** By a column of keys. `keyOf` returns a leaf's sort key. */
function byKey(
  by: { readonly column: number; readonly keyOf: (leaf: number) => Uint8Array },
  descending: boolean,
): Order<Uint8Array> {
  return {
    descending,
    compare: compareBytes,
    // Absent values come first, and only the ranks tell whether there are any.
    bound: ({ reader, piece }) => (descending ? (readKeys(reader, by.column, piece).largest ?? ABSENT) : undefined),
    open: ({ reader, piece, start }) => {
      const keys = readKeys(reader, by.column, piece);
      return {
        compare: (a, b) => keys.rankOf(a) - keys.rankOf(b),
        keyOf: (document) => {
          const rank = keys.rankOf(document);
          const known = rank === 0 ? ABSENT : rank === 1 ? keys.smallest : undefined;
          return known ?? by.keyOf(start + document);
        },
      };
    },
  };
}

const ABSENT = new Uint8Array();

/** What the column has for none. */
const NO_TIME = -1;

interface Time {
  readonly ms: number;
  readonly micros: number;
}

/** By the event's own time; documents without one come first. */
function byTime(descending: boolean): Order<Time> {
  const compare = (a: Time, b: Time): number => a.ms - b.ms || a.micros - b.micros;
  return {
    descending,
    compare,
    bound: () => undefined,
    open: ({ reader, piece }) => {
      const { times, micros } = readTimes(reader, piece);
      return {
        compare: (a, b) => (times[a] ?? 0) - (times[b] ?? 0) || (micros[a] ?? 0) - (micros[b] ?? 0),
        keyOf: (document) => ({ ms: times[document] ?? NO_TIME, micros: micros[document] ?? 0 }),
      };
    },
  };
}
