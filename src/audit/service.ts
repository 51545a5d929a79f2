import type { Digest } from "../core/bytes.js";
import type { Envelope, FieldProblem } from "../core/event.js";
import type { ConsistencyProof } from "../core/proof.js";
import type { Verdict } from "../core/verdict.js";
import type { LogIdentity } from "./log-identity.js";
import type { EntryOrder } from "../query/order.js";
import type { Restriction } from "../query/filter.js";
import type { TimeWindow } from "../query/time.js";
import type { BrokenDown } from "./breakdown.js";
import type {
  CompletenessProof,
  CompletenessRequest,
  ConsistencyRequest,
  EntryProof,
  IndexRecords,
  IndexRecordsRequest,
  IndexRoot,
  MembershipRequest,
  ProofRequest,
  ProvablePage,
} from "./proofs.js";

/** The log of a request that names none. */
export const DEFAULT_LOG = "default";
/** The maximum number of events in one request. */
export const MAX_REQUEST_EVENTS = 1_000;
/** The default and maximum number of entries on a page. */
export const DEFAULT_PAGE_SIZE = 20;
export const MAX_PAGE_SIZE = 1_000;

/** Who is asking and for how long: the last parameter of every call. */
export interface Asking {
  /**
   * Limits the caller to entries that its credential allows. It is pinned with a search: callers with another bound
   * cannot use the search's id and cursors. Unlike a restriction it may allow nothing: an empty list matches nothing.
   */
  readonly bound?: Restriction | undefined;
  /** The owner of idempotency keys and bulk requests: equal keys of different owners are different keys. */
  readonly owner?: string | undefined;
  /** When it aborts, the call is stopped, down to the engine where possible, and rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** An event with its caller's signature and public key, both or neither. */
export interface SignedEvent {
  /** Unchecked: the service parses it and names every bad path. */
  readonly event: unknown;
  /** Base64 of 64 bytes: Ed25519 over the canonical bytes of the event. */
  readonly signature?: string;
  /** A key in any spelling that core/signature.ts accepts. */
  readonly publicKey?: string;
}

export interface LogRequest {
  readonly log: string;
  /** 1 to 1,000; logged all or nothing, unless `skipInvalid` is set. */
  readonly events: readonly SignedEvent[];
  /** Logs the valid events and lists the others in the receipt; BAD_USER_INPUT when none is valid. Default false. */
  readonly skipInvalid?: boolean;
  /** Signs each event that has no signature with the gateway's own key. */
  readonly sign: boolean;
  /** Where the events stand in the caller's request, for paths in errors: `event` or `events`. */
  readonly path: "event" | "events";
  /**
   * Makes retries safe: a request with the key of an earlier one to the same log returns the earlier receipt if its
   * events are the same, and is refused with CONFLICT otherwise. 1 to 128 characters; kept as long as the log.
   */
  readonly idempotencyKey?: string;
  /** The key was made for this request, so no earlier one is looked for. The store refuses a key that it has all the same. */
  readonly isNewKey?: boolean;
}

/** An envelope at a leaf index of a log, checked against its leaf hash before it was returned. */
export interface Entry {
  readonly log: string;
  readonly leafIndex: number;
  readonly hash: Digest;
  /** The exact text whose UTF-8 bytes were hashed. */
  readonly canonical: string;
  readonly envelope: Envelope;
  /** The size of the only tree that it can be proven in, where a backend proves an entry in one tree alone. */
  readonly provenIn?: number | undefined;
}

/** The entry at an index, or why it cannot be shown. */
export type EntryOutcome =
  | { readonly kind: "entry"; readonly entry: Entry }
  | { readonly kind: "missing" }
  | { readonly kind: "corrupt"; readonly leafIndex: number };

/** An entry of a tree, at an index that the tree has. */
export type TreeEntry = Exclude<EntryOutcome, { readonly kind: "missing" }>;

/** A tree's hash at one size, with the log's signature. */
export interface Root {
  readonly log: string;
  readonly treeSize: number;
  readonly hash: Digest;
  readonly checkpoint: string;
  /** receivedAt of the tree's last entry; for the empty tree, when the log was created or received its first entry. */
  readonly publishedAt: string;
}

/** The logged entries, in the order given, and a root that includes them all. Durable. */
export interface Logged {
  readonly entries: readonly Entry[];
  readonly root: Root;
}

/** An event that was not logged because the request skips invalid events. */
export interface RefusedEvent {
  /** Its position among the request's events, from 0. */
  readonly index: number;
  /** At least one; the first ten, with paths of at most 512 characters. */
  readonly problems: readonly FieldProblem[];
}

/** The result of `log` and `logBulk`. */
export interface Receipt extends Logged {
  /** By index; empty unless the request skips invalid events. */
  readonly refused: readonly RefusedEvent[];
}

/**
 * A request of `appendLater` whose events are logged. `refused` lists the events it skipped; undefined when the request
 * is looked up by its id, because the log keeps only a digest of a request.
 */
export interface BulkRequest {
  readonly id: string;
  readonly logged: Logged;
  readonly refused: readonly RefusedEvent[] | undefined;
}

export interface SearchRequest {
  readonly log: string;
  readonly query: string;
  readonly window?: TimeWindow;
  readonly restriction?: Restriction;
  readonly order?: EntryOrder;
  /** At least 1. By default a result has all matches. */
  readonly maxResults?: number;
}

/** Follows entries as they are logged. */
export interface TailRequest {
  readonly log: string;
  /** Shows only matching entries. Default: all. */
  readonly query?: string;
  /** The first entry to read, at most the log's size, which is the default. To resume, the last index seen plus 1. */
  readonly fromLeafIndex?: number;
}

/** A page of a pinned search: Relay's four arguments, or a Pangea offset with `first`. */
export interface PageRequest {
  readonly first?: number;
  readonly after?: string;
  readonly last?: number;
  readonly before?: string;
  readonly offset?: number;
}

/** One page: the leaves at positions firstPosition, firstPosition + 1, … of the whole result (from 0). */
export interface ResultPage extends ProvablePage {
  readonly result: PinnedResult;
  /** The entries at `leafIndexes` where they came with the page; else they are read with `entries`. */
  readonly entries?: readonly EntryOutcome[];
}

/** A search pinned to a tree size: every page of it is exact while the log grows. */
export interface PinnedResult extends BrokenDown {
  /** An authenticated token; any gateway with the same key can read it. */
  readonly id: string;
  readonly log: string;
  readonly treeSize: number;
  /** RFC 3339 UTC. */
  readonly expiresAt: string;
  /** The cursor of a position in this result. */
  cursor(position: number): string;
  /** Whether an entry belongs to this result by its own text. The index says where to look; this is asked before it is shown. */
  matches(entry: Entry): Promise<boolean>;
  /** The total number of matches, counted up to maxResults. */
  totalCount(): Promise<number>;
  /** Whether there are more matches than maxResults. */
  isTruncated(): Promise<boolean>;
}

/** A request for a whole result instead of a page. */
export interface DownloadRequest {
  /** The result's `PinnedResult.id`. */
  readonly id: string;
  /** Whether to return every match of the pinned search, beyond its maxResults. */
  readonly everyMatch: boolean;
}

/** A result that can be read from its first entry to its last. */
export interface Download {
  readonly log: string;
  readonly treeSize: number;
  /** When the result expires; milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /**
   * The entries in the result's order, a page at a time; the next page is read when it is asked for. A corrupt entry is
   * returned as such. Rejects on failure, and with the signal's reason once it aborts.
   */
  pages(signal: AbortSignal): AsyncIterable<readonly TreeEntry[]>;
}

/** The role that logs events. */
export interface LoggingService {
  append(request: LogRequest, asking?: Asking): Promise<Receipt>;
  /**
   * Like `append`, for events that can wait: single events overtake them. The request is logged under its idempotency
   * key, or under a new one, and `bulkRequest` finds it by the id that is returned. Rejects with UNAVAILABLE and the
   * outcome NONE when too many requests wait.
   */
  appendLater(request: LogRequest, asking?: Asking): Promise<BulkRequest>;
  /** Undefined unless the owner's request with this id is logged. */
  bulkRequest(id: string, asking?: Asking): Promise<BulkRequest | undefined>;
}

/** The role that returns entries by index or hash. */
export interface ReadingService {
  entries(log: string, leafIndexes: readonly number[], asking?: Asking): Promise<readonly EntryOutcome[]>;
  /** The entry with this leaf hash; the earliest if identical envelopes were logged. */
  entryByHash(log: string, hash: Digest, asking?: Asking): Promise<EntryOutcome>;
}

/** The role that searches. */
export interface SearchingService {
  /**
   * Pins the search to the newest tree size, unless a cursor in `page` already carries a pin. An aborted signal also
   * stops the counts of the returned result.
   */
  search(request: SearchRequest, page: PageRequest, asking?: Asking): Promise<ResultPage>;
  /** Another page of a search, for callers with the bound of the caller who searched. */
  results(id: string, page: PageRequest, asking?: Asking): Promise<ResultPage>;
}

/** The role that returns whole results. */
export interface DownloadingService {
  /** A whole result, to be read once from beginning to end; for callers with the bound of the caller who searched. */
  download(request: DownloadRequest, asking?: Asking): Promise<Download>;
}

/** The role that follows a log. */
export interface FollowingService {
  /**
   * Follows the log until the signal aborts: every entry from an index on, old and new, in index order, each once.
   * Reads on as the result is consumed, and rejects there when it cannot continue. A corrupt entry is returned as such.
   */
  tail(request: TailRequest, asking: FollowAsking): Promise<AsyncIterable<EntryOutcome>>;
}

export type FollowAsking = Asking & { readonly signal: AbortSignal };
/** The role that proves that the log holds what it shows, and only grows. */
export interface ProvingService {
  /** The newest root, or the root of an earlier size (0 to the newest). Rejects with NOT_FOUND beyond it. */
  root(log: string, treeSize?: number, asking?: Asking): Promise<Root>;
  /** In the order asked. Our own engine verifies each against the signed root before it is returned. */
  membershipProofs(request: ProofRequest, asking?: Asking): Promise<readonly EntryProof[]>;
  /** Whether each hash is the leaf at its index, under the signed root. Rejects with LOG_CORRUPT where nothing leads there. */
  membershipVerdicts(request: MembershipRequest, asking?: Asking): Promise<readonly Verdict[]>;
  /** Verified before it is returned. */
  consistencyProof(request: ConsistencyRequest, asking?: Asking): Promise<ConsistencyProof>;
  /** Whether the root of a size is a prefix of the newest signed root known here. One check per size and head. */
  consistency(log: string, treeSize: number, asking?: Asking): Promise<Verdict>;
  /** Whether a checkpoint is the log key's signature over this root. */
  checkpointVerdict(root: Root, asking?: Asking): Promise<Verdict>;
}

/** The role that proves that a search leaves nothing out. */
export interface CompletenessService {
  /** The root of the largest index log that there is of the log's tree of a size. */
  indexRoot(log: string, treeSize: number, asking?: Asking): Promise<IndexRoot>;
  /**
   * Verified before they are returned. Rejects with PROOF_NOT_PERMITTED for callers who may not see the whole log, and with
   * UNAVAILABLE where the index is another than it was, or not as large here.
   */
  indexRecords(request: IndexRecordsRequest, asking?: Asking): Promise<IndexRecords>;
  /** Verified before it is returned. Rejects as CompletenessRequest says. */
  completeness(request: CompletenessRequest, asking?: Asking): Promise<CompletenessProof>;
}

/**
 * Port: the audit service, backed by our own engine or a remote one. Rejects with AuditError only. `serviceOf` makes
 * one of a backend that lacks roles; calls of those reject with UNSUPPORTED.
 */
export interface AuditService
  extends
    LoggingService,
    ReadingService,
    SearchingService,
    DownloadingService,
    FollowingService,
    ProvingService,
    CompletenessService {
  /** Rejects with NOT_FOUND for an unknown log. */
  identity(log: string, asking?: Asking): Promise<LogIdentity>;
  close(): Promise<void>;
}
