import type { LeafRange } from "../core/tree.js";
import type { Filter } from "../query/ast.js";
import type { EntryOrder } from "../query/order.js";
import type { LogStore } from "./store.js";

/** A search as an index sees it: which leaves match, in which order. Pure data with the same result on every engine. */
export interface IndexQuery {
  readonly log: string;
  readonly filter: Filter;
  /** Only leaves in [start, end): the pinned tree size and the time window, both resolved to leaf indexes. */
  readonly range: LeafRange;
  readonly order: EntryOrder;
}

/** A run of neighbouring matches in a query's order. */
export interface Slice {
  /**
   * Starts behind this leaf's place in the order, whether or not it matches; it must be indexed and of the query's log.
   * The cost does not grow with the matches before it, except in a field order that the engine has to sort for each
   * slice: use large slices there.
   */
  readonly after?: number;
  /** How many matches to skip from there. Skipping costs as much as reading. Default 0. */
  readonly offset?: number;
  /** The maximum number of matches. */
  readonly limit: number;
}

/**
 * Port: finds leaves by their words. Derived data: it follows the log, can be deleted, and rebuilds itself. In a field
 * order, ties are broken by leaf index in the order's direction; an absent field sorts as the empty text.
 */
export interface SearchIndex {
  /** Resolves true once every leaf below `size` is indexed, false after `timeoutMs`. */
  reached(log: string, size: number, timeoutMs: number): Promise<boolean>;
  /** How many leaves of a log are indexed, counted from the first; does not wait. */
  indexedSize(log: string): Promise<number>;
  /**
   * Leaf indexes in the query's order. Rejects with the signal's reason as soon as it aborts: work that has not begun
   * is dropped, and work in progress is stopped where the engine can.
   */
  page(query: IndexQuery, slice: Slice, signal?: AbortSignal): Promise<readonly number[]>;
  /** The number of matches, counted up to `cap`. The signal works as in `page`. */
  count(query: IndexQuery, cap: number, signal?: AbortSignal): Promise<number>;
  /** The leaf indexes below `size` with this leaf hash (32 bytes), lowest first. The caller verifies the entries. */
  leavesByHash(log: string, leafHash: Uint8Array, size: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** The part of a query's range behind a leaf, in an order by leaf index. */
export function rangeBehind({ range, order }: IndexQuery, leafIndex: number): LeafRange {
  const { start, end } = range;
  return order.direction === "asc"
    ? { start: Math.max(start, leafIndex + 1), end: Math.max(end, start, leafIndex + 1) }
    : { start, end: Math.max(start, Math.min(end, leafIndex)) };
}

/** The connections of a store to its database. */
export interface StoreConnections {
  readonly used: number;
  readonly idle: number;
  /** How many there may be. */
  readonly max: number;
  /** Calls that wait for one. */
  readonly waiting: number;
}

/** A log store and the index that follows it. To close them, close the index first, then the log. */
export interface IndexedStore {
  readonly log: LogStore;
  readonly index: SearchIndex;
  /** Other processes may append to the same logs. */
  readonly isShared: boolean;
  /**
   * Whether writes are refused at present while reads work, as on a standby. Undefined where the engine cannot tell.
   */
  readonly isReadOnly?: (() => Promise<boolean>) | undefined;
  /** Undefined for an engine without connections. */
  readonly connections?: (() => StoreConnections) | undefined;
}
