import type { FormatName } from "../core/format.js";
import type { TileId } from "../core/tile.js";
import type { LeafRange } from "../core/tree.js";

/** What a store durably knows of a log's newest tree. Written in the same transaction as the entries it covers. */
export interface LogHead {
  readonly log: string;
  readonly format: FormatName;
  readonly size: number;
  /** 32 bytes; the empty tree's root at size 0. */
  readonly rootHash: Uint8Array;
  /** The signed C2SP checkpoint of (log, size, rootHash). */
  readonly checkpoint: string;
  /** The newest entry's receivedAt; of an empty log, the time of its creation. RFC 3339 UTC, six fractional digits, `Z`. */
  readonly lastReceivedAt: string;
}

/** An entry on its way into the store; its leaf index is its place in the batch. */
export interface NewEntry {
  /** The canonical JSON text whose UTF-8 bytes were hashed; stored and returned to the letter. */
  readonly canonical: string;
  /** 32 bytes. */
  readonly leafHash: Uint8Array;
  readonly receivedAt: string;
}

/**
 * An entry as its row says. Nothing of it is checked: whoever shows it hashes `canonical` and compares with the leaf that
 * the signed tree has at its index (EntryReader). The rest is for checks of the store itself.
 */
export interface StoredEntry {
  readonly leafIndex: number;
  readonly canonical: string;
  readonly leafHash: Uint8Array;
  readonly receivedAt: string;
}

/** A full hash tile: 256 nodes of one level and the 255 above them (layout in core/tile.ts). Written once, never again. */
export interface StoredTile {
  readonly id: TileId;
  readonly bytes: Uint8Array;
}

/** What became of a request that came with an idempotency key: kept with its entries, for as long as the log. */
export interface RequestReceipt {
  /** 32 bytes; unique in its log. */
  readonly key: Uint8Array;
  /** 32 bytes: what was asked for, to tell the same request from another one under the same key. */
  readonly requestDigest: Uint8Array;
  readonly firstIndex: number;
  readonly count: number;
  /** The size that the batch took the log to: the request was answered with the root of that tree. */
  readonly treeSize: number;
  /** 32 bytes over all of it, made with the log's key; undefined where a version without seals wrote it. */
  readonly seal: Uint8Array | undefined;
}

export interface AppendBatch {
  readonly log: string;
  /** The size the log must have for this batch to be appended: its first entry gets this leaf index. */
  readonly expectedSize: number;
  /** 32 bytes. If given, the log must have this root too: restored from a backup, it may have grown to the size in another way. */
  readonly expectedRoot?: Uint8Array;
  /** At least one. */
  readonly entries: readonly NewEntry[];
  /** The tiles that became full with this batch. */
  readonly tiles: readonly StoredTile[];
  readonly rootHash: Uint8Array;
  readonly checkpoint: string;
  /** Of those requests in the batch that came with an idempotency key. */
  readonly receipts?: readonly RequestReceipt[];
}

/**
 * `conflict`: the log's size or root was not the expected one; `repeated`: it was, but a receipt's key is in the log already.
 * After both, nothing was written.
 */
export type AppendOutcome =
  { readonly kind: "appended" } | { readonly kind: "conflict" } | { readonly kind: "repeated" };

/**
 * What a store knows of all that it shows. `durable`: it is as durable as what `append` returned `appended` for. `replica`:
 * this server shows what another one wrote, and cannot tell what that has acknowledged.
 */
export type Durability = "durable" | "replica";

/** What `confirm` learnt, and the log's head in the server that said so: after a failover that is another one than was read. */
export interface Confirmed {
  readonly durability: Durability;
  readonly head: LogHead | undefined;
}

/**
 * Port: keeps logs. One instance per data set; every method may be called concurrently.
 * What a method that reads returns is visible, and not therefore durable: see `confirm`.
 * A rejected `append` has an unknown outcome (it may or may not be durable, now or later): read the head before the next
 * write. Unless it rejects with an AuditError of the outcome NONE: then nothing of the batch is stored or will be.
 * Methods reject with AuditError UNAVAILABLE when the engine cannot be reached, NOT_FOUND never: absence is a value.
 */
export interface LogStore {
  /**
   * Creates the log unless it exists; answers the head that is now stored (an existing log keeps its format). Rejects
   * LOG_CORRUPT where entries, tiles or receipts of it are stored without a head: it must not begin again as an empty one.
   */
  createLog(initial: LogHead): Promise<LogHead>;
  heads(): Promise<readonly LogHead[]>;
  /**
   * The logs that have no head and of which anything else is stored, bulk requests included; by their ids, or by what else
   * the engine knows of them where the id was in the head alone. Nothing here deletes a head: somebody else did.
   */
  headless(): Promise<readonly string[]>;
  head(log: string): Promise<LogHead | undefined>;
  /** Atomic compare-and-append; durable when it resolves with `appended`. */
  append(batch: AppendBatch): Promise<AppendOutcome>;
  /**
   * Makes the log durable as far as the head that is returned, so that it can be acknowledged. A tree that was read before this
   * call is durable if that head leads to it: unless a failover fell between, it does. Rejects UNAVAILABLE, in bounded time,
   * when that cannot be done now: a synchronous replica that is away, a full disk.
   */
  confirm(log: string): Promise<Confirmed>;
  /**
   * In the order asked, duplicates included; undefined where the log has no such index. Rejects with the signal's reason as
   * soon as that aborts, as a search does.
   */
  entries(
    log: string,
    leafIndexes: readonly number[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredEntry | undefined)[]>;
  /** By their keys, in the order asked; undefined where the log has none. */
  receipts(log: string, keys: readonly Uint8Array[]): Promise<readonly (RequestReceipt | undefined)[]>;
  /** In the order of their keys, bytewise, those behind a key that need not be there: page after page, all of a log. */
  receiptsBehind(log: string, key: Uint8Array, limit: number): Promise<readonly RequestReceipt[]>;
  /** Keeps receipts of entries that were copied before them; a key that is there keeps its own. Durable when it resolves. */
  keepReceipts(log: string, receipts: readonly RequestReceipt[]): Promise<void>;
  /** Leaf hashes of a range, 32 bytes each, packed. Shorter than asked when the log is. */
  leafHashes(log: string, range: LeafRange): Promise<Uint8Array>;
  /** One batched read, in the order asked; undefined where a tile is not full yet. */
  tiles(log: string, ids: readonly TileId[]): Promise<readonly (Uint8Array | undefined)[]>;
  /**
   * The first leaf index whose receivedAt is >= the given one, at most `size`. receivedAt never decreases along the log. It is
   * what the rows say: whoever relies on it checks the entries beside it (bound-times.ts).
   */
  firstAtOrAfter(log: string, receivedAt: string, size: number): Promise<number>;
  /** Whether it follows another store, which is written in its place, and may be behind that for a while. */
  isStandby(): Promise<boolean>;
  close(): Promise<void>;
}
