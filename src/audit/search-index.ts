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

/**
 * Port: finds leaves by their words. Derived data: it follows the log, can be deleted, and rebuilds itself.
 * Ties of a field order are broken by leaf index, in the order's direction; an absent field sorts as the empty text.
 */
export interface SearchIndex {
  /** Resolves true once every leaf below `size` is indexed, false when `timeoutMs` passed first. */
  reached(log: string, size: number, timeoutMs: number): Promise<boolean>;
  /** How many leaves of a log are indexed, from the first on, as far as can be told without waiting. */
  indexedSize(log: string): Promise<number>;
  /** The leaf indexes at positions [offset, offset + limit) of the ordered matches. */
  page(query: IndexQuery, offset: number, limit: number): Promise<readonly number[]>;
  /** The number of matches, counted no further than `cap`. */
  count(query: IndexQuery, cap: number): Promise<number>;
  /** The leaf indexes below `size` whose leaf hash is (32 bytes); lowest first. The caller checks what it reads there. */
  leavesByHash(log: string, leafHash: Uint8Array, size: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** A log store and the index that follows it. Whoever opened them closes the index first, then the log. */
export interface IndexedStore {
  readonly log: LogStore;
  readonly index: SearchIndex;
  /** Ends with the log store. */
  readonly bulkQueue: BulkQueue;
  /** Other processes may append to the same logs. */
  readonly isShared: boolean;
}
