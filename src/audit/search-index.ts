import type { LogFormat } from "../core/format.js";
import type { Answer, Question } from "../core/segment/answer.js";
import type { SegmentId } from "../core/segment/format.js";
import type { ProvenLeaves } from "../core/segment/proof-document.js";
import type { Provable } from "../core/segment/prove.js";
import type { LeafRange } from "../core/tree.js";
import type { Filter } from "../query/filter.js";
import type { EntryOrder } from "../query/order.js";
import type { BlockStore } from "./block-store.js";
import type { Facet, FacetRequest } from "./breakdown.js";
import type { Entry } from "./service.js";
import type { LogStore } from "./store.js";

/** A search as an index sees it: which leaves match, in which order. Pure data with the same result on every engine. */
export interface IndexQuery {
  readonly log: string;
  readonly filter: Filter;
  /** Only leaves in [start, end): the pinned tree size and the time window, both resolved to leaf indexes. */
  readonly range: LeafRange;
  readonly order: EntryOrder;
  /**
   * Identifies the log's history, given by a caller that has just read the store: another number if the store held
   * another log than before, as after a failover. An index that knows this history need not read the store itself. If
   * undefined, it must.
   */
  readonly history?: number | undefined;
}

/** The times of matching events, in milliseconds since 1970. */
export interface TimesFound {
  /** The earliest and the latest; undefined where no match has a time. */
  readonly span: { readonly first: number; readonly last: number } | undefined;
  /** The number of matches without a time. */
  readonly without: number;
}

/** A run of neighbouring matches in a query's order. */
export interface Slice {
  /**
   * Starts after this leaf's place in the order, whether or not it matches; it must be of the query's log. The cost
   * does not grow with the matches before it, except in a field order that the engine has to sort for each slice: use
   * large slices there.
   */
  readonly after?: number;
  /** How many matches to skip from there. Skipping costs as much as reading. Default 0. */
  readonly offset?: number;
  /** The maximum number of matches. */
  readonly limit: number;
}

/** An entry of the signed tree; one that was changed or lost is corrupt, one beyond the tree's end is missing. */
export type ReadEntry =
  | { readonly kind: "entry"; readonly entry: Pick<Entry, "canonical" | "hash"> }
  | { readonly kind: "corrupt" }
  | { readonly kind: "missing" };

/** Reads entries of a log, in the order asked. Rejects with the signal's reason once it aborts. */
export type ReadEntries = (leafIndexes: readonly number[], signal?: AbortSignal) => Promise<readonly ReadEntry[]>;

/** A log's index log at one size: the number of its bases, of 256 entries each, and the root of their records. */
export interface IndexHead {
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
}

/** A question about a log of a size, whose answer is to be proven complete. */
export interface ProofQuery {
  readonly log: string;
  readonly question: Question;
  /** The leaves in the question's time window. */
  readonly window: LeafRange;
  readonly treeSize: number;
  /** The root of the log at that size. */
  readonly rootHash: Uint8Array;
  readonly format: LogFormat;
  /** The hashes that lead from these leaves to the log's root of that size (`multiproofRanges`). */
  readonly siblings: (leaves: readonly number[]) => Promise<readonly Uint8Array[]>;
}

/** What `verifyAnswer` checks. */
export interface ProvenAnswer {
  readonly answer: Answer;
  readonly proof: Uint8Array;
  /** The index log that proves it. */
  readonly index: IndexHead;
}

/** A stored segment; `isSound` if it is undamaged and equals what the log's entries give. */
export interface CheckedSegment extends SegmentId {
  readonly isSound: boolean;
  /**
   * The first segment of level 0 or 1 of which a gateway signs, because of this one, another record than the entries make;
   * undefined where there is none, as where only a block is damaged.
   */
  readonly misrecorded?: SegmentId | undefined;
}

/**
 * Port: finds leaves by their words. Derived data: it follows the log, can be deleted, and rebuilds itself; what it does
 * not hold yet is read from the log. Whether an entry that was changed there matches cannot be told: a page names it, for its
 * reader to see that it is corrupt, and a count rejects with ENTRY_CORRUPT. In a field order, ties are broken by leaf index in the order's direction; an absent
 * field sorts as the empty text. Rejects with UNAVAILABLE when the store lacks leaves of a query's range.
 */
export interface SearchIndex {
  /**
   * Follows a log from now on and reads its entries with `entries`, which compares them with the signed tree: only what
   * was logged may be indexed. The entries of a log that is not followed are read from the store, unchecked.
   */
  follow(log: string, entries: ReadEntries): void;
  /** Begins to read what a search of a log of this size needs of its newest entries. `history` as in IndexQuery. */
  prepare(log: string, size: number, history: number): void;
  /** How many leaves of a log are in stored segments, counted from the first: the others are read from the log. */
  indexedSize(log: string): Promise<number>;
  /**
   * Leaf indexes in the query's order. Rejects with the signal's reason as soon as it aborts: work that has not started
   * is dropped, and work in progress is stopped where the engine can.
   */
  page(query: IndexQuery, slice: Slice, signal?: AbortSignal): Promise<readonly number[]>;
  /** The number of matches, counted up to `cap`. The signal works as in `page`. */
  count(query: IndexQuery, cap: number, signal?: AbortSignal): Promise<number>;
  /** The number of matches from each of these leaves, in ascending order, up to the next one. Rejects like `count`. */
  countLeaves(query: IndexQuery, limits: readonly number[], signal?: AbortSignal): Promise<readonly number[]>;
  /** The same from each of these times up to the next one, by the events' own times in milliseconds since 1970. */
  countTimes(query: IndexQuery, limits: readonly number[], signal?: AbortSignal): Promise<readonly number[]>;
  /** The earliest and the latest time of matching events, by the events' own times. Rejects like `count`. */
  timesOf(query: IndexQuery, signal?: AbortSignal): Promise<TimesFound>;
  /** The most frequent values of a field among the matches. Rejects like `count`. */
  topValues(query: IndexQuery, wanted: FacetRequest, signal?: AbortSignal): Promise<Facet>;
  /**
   * Whether a filter matches an entry by the entry's own text, which decides: the index only says where to look. The
   * signal works as in `page`.
   */
  isMatch(filter: Filter, entry: Entry, signal?: AbortSignal): Promise<boolean>;
  /** The leaf indexes below `size` with this leaf hash (32 bytes), lowest first. The caller verifies the entries. */
  leavesByHash(log: string, leafHash: Uint8Array, size: number): Promise<readonly number[]>;
  /** The largest index log built so far for a log of `size` entries. */
  indexHead(log: string, size: number): Promise<IndexHead>;
  /**
   * Records of the bases in `range` of the index log of `size` bases, with the hashes that lead to its root. Rejects with
   * UNAVAILABLE while it is not as large.
   */
  indexRecords(log: string, size: number, range: LeafRange): Promise<ProvenLeaves>;
  /**
   * Answers a question, with a proof that nothing is missing, verified before it is returned. Rejects with ENTRY_CORRUPT where an entry that the index does not
   * hold yet was changed, with PROOF_TOO_LARGE, and with UNAVAILABLE while too much of the log is not indexed.
   */
  prove(query: ProofQuery, signal?: AbortSignal): Promise<ProvenAnswer>;
  /** Rebuilds from the log every stored segment with leaves from `from` on, and compares segment by segment. */
  check(log: string, from: number): AsyncIterable<CheckedSegment>;
  /**
   * The index log of a log of `size` entries as a gateway over this store signs it, whatever the entries make. Changes
   * nothing. Undefined where a stored segment is damaged.
   */
  storedIndex(log: string, size: number): Promise<StoredIndex | undefined>;
  close(): Promise<void>;
}

/** An index log whose records can be shown. */
export type StoredIndex = Provable & Pick<IndexHead, "rootHash">;

/** The part of a query's range after a leaf, in an order by leaf index. */
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
  /** The maximum number of connections. */
  readonly max: number;
  /** The number of calls that wait for a connection. */
  readonly waiting: number;
}

/** A store as its engine opens it. */
export interface OpenedStore {
  readonly log: LogStore;
  /** Where the log's search index is kept. */
  readonly blocks: BlockStore;
  /** Other processes may append to the same logs. */
  readonly isShared: boolean;
  /**
   * Whether writes are refused at present while reads work, as on a standby. Undefined where the engine cannot tell.
   */
  readonly isReadOnly?: (() => Promise<boolean>) | undefined;
  /** Undefined for an engine without connections. */
  readonly connections?: (() => StoreConnections) | undefined;
}

/** A log store and the index that follows it. To close them, close the index first, then the log. */
export interface IndexedStore extends Omit<OpenedStore, "blocks"> {
  readonly index: SearchIndex;
}
