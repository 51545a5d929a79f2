import type { StoredFormat } from "./log-declaration.js";
import type { TileId, LeafRange } from "../core/tree.js";

/** A log's newest tree as it is stored. Written in the same transaction as the entries it covers. */
export interface LogHead {
  readonly log: string;
  readonly format: StoredFormat;
  readonly size: number;
  /** 32 bytes; at size 0, the empty tree's root. */
  readonly rootHash: Uint8Array;
  /** The signed C2SP checkpoint of (log, size, rootHash). */
  readonly checkpoint: string;
  /** The newest entry's receivedAt; for an empty log, its creation time. RFC 3339 UTC, six fractional digits, `Z`. */
  readonly lastReceivedAt: string;
}

/** An entry to be stored; its leaf index follows from its place in the batch. */
export interface NewEntry {
  /** The canonical JSON text whose UTF-8 bytes were hashed; stored and returned byte for byte. */
  readonly canonical: string;
  /** 32 bytes. */
  readonly leafHash: Uint8Array;
  readonly receivedAt: string;
}

/** An entry as its row says. Nothing in it is verified: the columns serve checks of the store itself. */
export interface StoredEntry {
  readonly leafIndex: number;
  readonly canonical: string;
  readonly leafHash: Uint8Array;
  readonly receivedAt: string;
}

/** A text as an engine has it at hand, which spares turning it over twice: a string, or its UTF-8, which may share a buffer. */
export type StoredText = string | Uint8Array;

/**
 * A full hash tile: 256 nodes of one level and the 255 above them (layout in core/tree.ts). Written once, never
 * changed.
 */
export interface StoredTile {
  readonly id: TileId;
  readonly bytes: Uint8Array;
}

/** The result of a request with an idempotency key: kept with its entries, as long as the log. */
export interface RequestReceipt {
  /** 32 bytes; unique in its log. */
  readonly key: Uint8Array;
  /** 32 bytes: identifies the request's content, to tell a repetition from another request with the same key. */
  readonly requestDigest: Uint8Array;
  readonly firstIndex: number;
  readonly count: number;
  /** The log's size after the batch: the request was answered with that tree's root. */
  readonly treeSize: number;
  /** 32 bytes over all of it, made with the log's key; undefined if written by a version without seals. */
  readonly seal: Uint8Array | undefined;
}

export interface AppendBatch {
  readonly log: string;
  /** The size that the log must have: the batch's first entry gets this leaf index. */
  readonly expectedSize: number;
  /**
   * 32 bytes. If given, the log must also have this root: after a restore from backup it may have reached the size in
   * another way.
   */
  readonly expectedRoot?: Uint8Array;
  /** At least one. */
  readonly entries: readonly NewEntry[];
  /** The tiles that this batch completed. */
  readonly tiles: readonly StoredTile[];
  readonly rootHash: Uint8Array;
  readonly checkpoint: string;
  /** Receipts of the batch's requests that have an idempotency key. */
  readonly receipts?: readonly RequestReceipt[];
}

/**
 * `conflict`: the log's size or root was not the expected one. `repeated`: it was, but a receipt's key is already in
 * the log. In both cases nothing was written.
 */
export type AppendOutcome =
  { readonly kind: "appended" } | { readonly kind: "conflict" } | { readonly kind: "repeated" };

/**
 * What a store can say about the data it returns. `durable`: as durable as an append that returned `appended`.
 * `replica`: this server shows what another one wrote, and cannot tell what that one has acknowledged.
 */
export type Durability = "durable" | "replica";

/**
 * The result of `confirm`: the durability, and the log's head in the server that reported it, which after a failover is
 * another server than the one that was read.
 */
export interface Confirmed {
  readonly durability: Durability;
  readonly head: LogHead | undefined;
}

/** What one server shows of its logs. */
export interface LogReads {
  head(log: string): Promise<LogHead | undefined>;
  /**
   * Entries in the order asked, duplicates included; undefined where the log has no such index. Rejects with the
   * signal's reason as soon as it aborts.
   */
  entries(
    log: string,
    leafIndexes: readonly number[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredEntry | undefined)[]>;
  /**
   * The canonical texts of entries, as they are stored; otherwise like `entries`. Nothing is verified: before one is shown,
   * EntryReader hashes it and compares with the leaf of the signed tree.
   */
  canonicals(
    log: string,
    leafIndexes: readonly number[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredText | undefined)[]>;
  /** The packed leaf hashes of a range, 32 bytes each. Shorter than asked when the log is. */
  leafHashes(log: string, range: LeafRange): Promise<Uint8Array>;
  /** Tiles in one batched read, in the order asked; undefined where a tile is not full yet. */
  tiles(log: string, ids: readonly TileId[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** Whether the server follows another one, which takes the writes, and may lag behind it. */
  isStandby(): Promise<boolean>;
}

/**
 * Port: keeps logs. One instance per data set; every method may be called concurrently.
 * What a read returns is visible but not necessarily durable: see `confirm`.
 * A rejected `append` has an unknown outcome (it may be durable, now or later): read the head before the next write.
 * The exception is an AuditError with the outcome NONE: then nothing of the batch is stored or will be.
 * Methods reject with AuditError UNAVAILABLE when the engine cannot be reached, never with NOT_FOUND: absence is a
 * value.
 */
export interface LogStore extends LogReads {
  /**
   * Runs reads on one server, as of one moment. Other reads may each be answered by another server, after a failover or
   * behind a pooler: one that lags, or whose log is another. So what does not fit together says that the log is damaged
   * only when it was read in one snapshot. `look` runs again from its start when the server cancels it.
   */
  snapshot<Result>(look: (reads: LogReads) => Promise<Result>): Promise<Result>;
  /**
   * Creates the log unless it exists; returns the stored head (an existing log keeps its format). Rejects with
   * LOG_CORRUPT when entries, tiles or receipts of the log are stored without a head: it must not restart as an empty
   * log.
   */
  createLog(initial: LogHead): Promise<LogHead>;
  heads(): Promise<readonly LogHead[]>;
  /**
   * The logs that have no head but of which anything else is stored; by id, or by another identifier of the engine where
   * only the head had the id. No code here deletes a head, so it was deleted from outside.
   */
  headless(): Promise<readonly string[]>;
  /**
   * Where other gateways write to a log: waits until they let this one, and returns the log as it is then, for a caller that
   * knows its first `size` entries. Nobody else appends before the next `append` here, or before a short time is over. Undefined
   * where nobody else seems to write, or where it is not to be had: `append` finds out. What it shows is as durable as any
   * read. Rejects with the outcome NONE. Stores of one gateway have none.
   */
  turn?(log: string, size: number): Promise<LogReads | undefined>;
  /** Atomic compare-and-append; durable when it resolves with `appended`. */
  append(batch: AppendBatch): Promise<AppendOutcome>;
  /**
   * Makes the log durable up to the returned head, so that it can be acknowledged. A tree that was read before this
   * call is durable if the head extends it, which holds unless a failover happened in between. Rejects with
   * UNAVAILABLE, within bounded time, when that is impossible now: a synchronous replica is unreachable, the disk is
   * full.
   */
  confirm(log: string): Promise<Confirmed>;
  /** Receipts by key, in the order asked; undefined where the log has none. */
  receipts(log: string, keys: readonly Uint8Array[]): Promise<readonly (RequestReceipt | undefined)[]>;
  /**
   * Receipts whose keys sort after a key, which need not exist, in bytewise order: reads all receipts of a log page by
   * page.
   */
  receiptsBehind(log: string, key: Uint8Array, limit: number): Promise<readonly RequestReceipt[]>;
  /** Stores the receipts of entries that were copied before; existing keys keep theirs. Durable when it resolves. */
  keepReceipts(log: string, receipts: readonly RequestReceipt[]): Promise<void>;
  /**
   * The first leaf index whose receivedAt is at or after the given one, at most `size`. receivedAt never decreases
   * along the log. This is what the rows say: callers verify the entries around it (bound-times.ts).
   */
  firstAtOrAfter(log: string, receivedAt: string, size: number): Promise<number>;
  close(): Promise<void>;
}
