import type { Digest } from "../core/bytes.js";
import type { Envelope } from "../core/event.js";
import type { FieldProblem } from "../core/event.js";
import type { LogFormat } from "../core/format.js";
import type { ConsistencyProof, MembershipProof } from "../core/proof.js";
import type { Verdict } from "../core/verdict.js";
import type { EntryOrder } from "../query/order.js";
import type { Restriction } from "../query/restriction.js";
import type { TimeWindow } from "../query/time.js";

/** The log that a request means when it names none. */
export const DEFAULT_LOG = "default";

/** The most events of one request. */
export const MAX_REQUEST_EVENTS = 1_000;
/** The entries of a page that asks for no size, and the most that one can have. */
export const DEFAULT_PAGE_SIZE = 20;
export const MAX_PAGE_SIZE = 1_000;

/** Who asks, and for how long: the last parameter of every call. */
export interface Asking {
  /**
   * What the asker's credential limits it to, beside everything else. It is pinned with a search: an asker who is limited
   * otherwise is refused its id and cursors. Unlike a restriction it may allow nothing: an empty list matches nothing.
   */
  readonly bound?: Restriction | undefined;
  /** Whose idempotency keys and bulk requests: the same key of another owner is another key. */
  readonly owner?: string | undefined;
  /** Once it aborts, what was asked is stopped, down to the engine where that can, and rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What a verifier needs of a log beside the bytes. */
export interface LogIdentity {
  readonly format: LogFormat;
  /** The log's name in its checkpoints. */
  readonly origin: string;
  /** The key of the log's checkpoints as a C2SP verifier key, `origin+keyid+base64`. */
  readonly verifierKey: string;
}

/** An event with the signature its caller made over it, both or neither. */
export interface SignedEvent {
  /** Not yet checked: the service parses it and names every bad path. */
  readonly event: unknown;
  /** Base64 of 64 bytes: Ed25519 over the canonical bytes of the event. */
  readonly signature?: string;
  /** A key in one of the spellings of core/signature.ts. */
  readonly publicKey?: string;
}

export interface LogRequest {
  readonly log: string;
  /** 1 to 1,000; all or nothing, unless `skipInvalid`. */
  readonly events: readonly SignedEvent[];
  /** Log the valid events and name the others in the receipt; where none is valid, BAD_USER_INPUT. Default false. */
  readonly skipInvalid?: boolean;
  /** Sign each event that carries no signature with the gateway's own key. */
  readonly sign: boolean;
  /** Where the events stand in the caller's request, for error paths: `event` or `events`. */
  readonly path: "event" | "events";
  /**
   * Makes repeating safe: a request with the key of an earlier one to the same log, and the same events, is answered
   * with the earlier one's receipt; with other events, CONFLICT. 1 to 128 characters; kept as long as the log.
   */
  readonly idempotencyKey?: string;
}

/** An envelope at a leaf index in a log, checked against its leaf hash before it was handed out. */
export interface Entry {
  readonly log: string;
  readonly leafIndex: number;
  readonly hash: Digest;
  /** The exact text whose UTF-8 bytes were hashed. */
  readonly canonical: string;
  readonly envelope: Envelope;
}

/** An entry by index: it, or why there is none to show. */
export type EntryOutcome =
  | { readonly kind: "entry"; readonly entry: Entry }
  | { readonly kind: "missing" }
  | { readonly kind: "corrupt"; readonly leafIndex: number };

/** An entry of a tree, by an index that the tree has. */
export type TreeEntry = Exclude<EntryOutcome, { readonly kind: "missing" }>;

/** The tree's hash at a size, with the log's signature over it. */
export interface Root {
  readonly log: string;
  readonly treeSize: number;
  readonly hash: Digest;
  readonly checkpoint: string;
  /** receivedAt of the tree's last entry; of the empty tree, when the log was made or its first entry received. */
  readonly publishedAt: string;
}

/** What was logged: the entries in the order given, and a root that holds them all. Durable. */
export interface Logged {
  readonly entries: readonly Entry[];
  readonly root: Root;
}

/** An event of a request that skips invalid ones, and was not logged. */
export interface RefusedEvent {
  /** Its place among the request's events, from 0. */
  readonly index: number;
  /** At least one; the first ten, with paths of at most 512 characters. */
  readonly problems: readonly FieldProblem[];
}

/** What `log` and `logBulk` return. */
export interface Receipt extends Logged {
  /** In the order of their indexes; empty unless the request skips invalid events. */
  readonly refused: readonly RefusedEvent[];
}

/** Why an accepted bulk request could not be logged. */
export interface BulkFailure {
  readonly code: string;
  readonly message: string;
}

/**
 * A bulk request that was accepted. The events that it skips are told when it is accepted and when it is done; in between
 * `refused` is absent. Its end is kept until `expiresAt` (RFC 3339 UTC), then nothing is known of it.
 */
export type BulkRequest =
  | { readonly kind: "pending"; readonly id: string; readonly refused?: readonly RefusedEvent[] }
  | { readonly kind: "done"; readonly id: string; readonly receipt: Receipt; readonly expiresAt: string }
  | { readonly kind: "failed"; readonly id: string; readonly error: BulkFailure; readonly expiresAt: string };

export interface SearchRequest {
  readonly log: string;
  readonly query: string;
  readonly window?: TimeWindow;
  readonly restriction?: Restriction;
  readonly order?: EntryOrder;
  /** At least 1. A result ends where its matches do, if not given. */
  readonly maxResults?: number;
}

/** Entries as they are logged. */
export interface TailRequest {
  readonly log: string;
  /** Shows what it matches; everything if not given. */
  readonly query?: string;
  /** The first entry to look at, at most the log's size, which it is if not given: to resume, the last one seen plus 1. */
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
export interface ResultPage {
  readonly result: PinnedResult;
  readonly leafIndexes: readonly number[];
  readonly firstPosition: number;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** A search frozen at a tree size: every page of it is exact while the log grows. */
export interface PinnedResult {
  /** Authenticated token; any gateway with the same key can read it. */
  readonly id: string;
  readonly log: string;
  readonly treeSize: number;
  /** RFC 3339 UTC. */
  readonly expiresAt: string;
  /** The cursor of a position of this result. */
  cursor(position: number): string;
  /**
   * Whether an entry belongs to this result by its own text: it lies in the result's window, and the search matches it. A
   * page says where to look; what is read there is asked about here before it is shown.
   */
  matches(entry: Entry): boolean;
  /** Total matches, counted no further than maxResults. */
  totalCount(): Promise<number>;
  /** Whether maxResults ends the result before its matches end. */
  isTruncated(): Promise<boolean>;
}

/** Asks for all of a result, not for a page of it. */
export interface DownloadRequest {
  /** Of the result, as `PinnedResult.id`. */
  readonly id: string;
  /** Every match of the pinned search, however many; else no more than its maxResults. */
  readonly everyMatch: boolean;
}

/** A result that can be read from its first entry to its last. */
export interface Download {
  readonly log: string;
  readonly treeSize: number;
  /** When the result can be used no more; milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /**
   * The entries in the result's order, some at a time; the next are read when they are asked for. A corrupt entry is
   * shown as such. Rejects when it cannot go on, and with the signal's reason once that aborts.
   */
  pages(signal: AbortSignal): AsyncIterable<readonly TreeEntry[]>;
}

/** Membership proofs asked for in one go: all against one tree size, read in one batch. */
export interface ProofRequest {
  readonly log: string;
  readonly treeSize: number;
  readonly leafIndexes: readonly number[];
}

/** 1 <= fromSize <= toSize <= the newest size. */
export interface ConsistencyRequest {
  readonly log: string;
  readonly fromSize: number;
  readonly toSize: number;
}

/** Takes events. */
export interface LoggingService {
  append(request: LogRequest, asking?: Asking): Promise<Receipt>;
  /** Checks the request as `append` does, and resolves when it is durably queued: it will be logged, once. */
  appendLater(request: LogRequest, asking?: Asking): Promise<BulkRequest>;
  /** Undefined unless the request is the owner's. */
  bulkRequest(id: string, asking?: Asking): Promise<BulkRequest | undefined>;
}

/** Shows entries by their place or hash. */
export interface ReadingService {
  entries(log: string, leafIndexes: readonly number[], asking?: Asking): Promise<readonly EntryOutcome[]>;
  /** The entry whose leaf hash this is; the earliest if identical envelopes were logged. */
  entryByHash(log: string, hash: Digest, asking?: Asking): Promise<EntryOutcome>;
}

/** Finds entries. */
export interface SearchingService {
  /**
   * Pins the search at the newest tree size, unless a cursor in `page` already carries a pin. Once the signal aborts, what
   * its result still counts is stopped as well.
   */
  search(request: SearchRequest, page: PageRequest, asking?: Asking): Promise<ResultPage>;
  /** Another page of a search, for an asker with the bound of the one who searched. */
  results(id: string, page: PageRequest, asking?: Asking): Promise<ResultPage>;
}

/** Shows whole results. */
export interface DownloadingService {
  /** All of a result, to be read once, from its beginning to its end; for an asker with the bound of the one who searched. */
  download(request: DownloadRequest, asking?: Asking): Promise<Download>;
}

/** Shows entries as they are logged. */
export interface FollowingService {
  /**
   * Follows the log until the signal aborts: every entry from an index on, old and new, in index order, none twice. It
   * reads on as the answer is read, and rejects there when it cannot go on. A corrupt entry is shown as such.
   */
  tail(request: TailRequest, asking: FollowAsking): Promise<AsyncIterable<EntryOutcome>>;
}

export type FollowAsking = Asking & { readonly signal: AbortSignal };

/** Proves that the log holds what it shows, and only ever grows. */
export interface ProvingService {
  /** The newest root, or the root of an earlier size (0 to the newest). Rejects NOT_FOUND beyond. */
  root(log: string, treeSize?: number, asking?: Asking): Promise<Root>;
  /** In the order asked. Each proof was verified against the signed root before it is returned. */
  membershipProofs(request: ProofRequest, asking?: Asking): Promise<readonly MembershipProof[]>;
  /** Verified before it is returned. */
  consistencyProof(request: ConsistencyRequest, asking?: Asking): Promise<ConsistencyProof>;
  /** Whether the root of a size is a prefix of the newest signed root this gateway knows. One check per size and head. */
  consistency(log: string, treeSize: number, asking?: Asking): Promise<Verdict>;
  /** Whether a checkpoint is a signed statement of this root by the log's key. */
  checkpointVerdict(root: Root, asking?: Asking): Promise<Verdict>;
}

/**
 * Port: the audit service, whether our own engine or a remote one stands behind it. Rejects with AuditError only. A backend
 * that lacks a role is made one by `serviceOf`, and rejects what it lacks with UNSUPPORTED.
 */
export interface AuditService
  extends LoggingService, ReadingService, SearchingService, DownloadingService, FollowingService, ProvingService {
  /** Rejects NOT_FOUND for an unknown log. */
  identity(log: string, asking?: Asking): Promise<LogIdentity>;
  close(): Promise<void>;
}
