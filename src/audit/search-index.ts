import type { BulkQueue } from "./bulk-queue.js";
import type { LeafRange } from "../core/tree.js";
import type { Filter } from "../query/ast.js";
import type { EntryOrder } from "../query/order.js";
import type { LogStore } from "./store.js";

/** A search as an index sees it: which leaves match, in which order. Pure data, the same answer on every engine. */
export interface IndexQuery {
  readonly log: string;
  readonly filter: Filter;
  /** Only leaves in [start, end): the pinned tree size and the time window, both resolved to leaf indexes. */
  readonly range: LeafRange;
  readonly order: EntryOrder;
}

/** Some of a query's ordered matches, next to each other. */
export interface Slice {
  /**
   * Begins behind the place that this leaf has in the order, whether or not it matches; it is indexed, of the query's log.
   * What a slice costs does not grow with the matches before it, except in the order of a field that the engine has to sort
   * by: each slice sorts anew then, so a caller that reads on takes large ones.
   */
  readonly after?: number;
  /** How many matches to leave out from there. Costs what reading them costs. Default 0. */
  readonly offset?: number;
  /** At most so many. */
  readonly limit: number;
}

/**
 * Port: finds leaves by their words. Derived data: it follows the log, can be deleted, and rebuilds itself.
 * Ties of a field order are broken by leaf index, in the order's direction; an absent field sorts as the empty text.
 */
export interface SearchIndex {
  /** Resolves true once every leaf below `size` is indexed, false when `timeoutMs` passed first. */
  reached(log: string, size: number, timeoutMs: number): Promise<boolean>;
  /** How many leaves of a log are indexed, from the first on, as far as can be told without waiting. */
  indexedSize(log: string): Promise<number>;
  /**
   * Leaf indexes, in the query's order. Rejects with the signal's reason as soon as that aborts; what was not begun is then
   * not done, and what an engine can stop is stopped.
   */
  page(query: IndexQuery, slice: Slice, signal?: AbortSignal): Promise<readonly number[]>;
  /** The number of matches, counted no further than `cap`. The signal as in `page`. */
  count(query: IndexQuery, cap: number, signal?: AbortSignal): Promise<number>;
  /** The leaf indexes below `size` whose leaf hash is (32 bytes); lowest first. The caller checks what it reads there. */
  leavesByHash(log: string, leafHash: Uint8Array, size: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** The part of a query's range that lies behind a leaf in an order by leaf index. */
export function rangeBehind({ range, order }: IndexQuery, leafIndex: number): LeafRange {
  const { start, end } = range;
  return order.direction === "asc"
    ? { start: Math.max(start, leafIndex + 1), end: Math.max(end, start, leafIndex + 1) }
    : { start, end: Math.max(start, Math.min(end, leafIndex)) };
}

/** A log store and the index that follows it. Whoever opened them closes the index first, then the log. */
export interface IndexedStore {
  readonly log: LogStore;
  readonly index: SearchIndex;
  /** Ends with the log store. */
  readonly bulkQueue: BulkQueue;
  /** Other processes may append to the same logs. */
  readonly isShared: boolean;
  /** Whether nothing can be written at present although reads go on, as on a standby. Undefined where that is never known. */
  readonly isReadOnly?: (() => Promise<boolean>) | undefined;
}
