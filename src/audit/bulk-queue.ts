/** Where a bulk request stands: its log, and its name in that log's queue (at most 64 ASCII characters). */
export interface BulkPlace {
  readonly log: string;
  readonly name: string;
}

/** A bulk request on its way into the queue. */
export interface NewBulk extends BulkPlace {
  /** The credential that it belongs to: nobody else finds it. */
  readonly owner: string;
  /** 32 bytes: what was asked for, to tell the same request from another one of that name. */
  readonly requestDigest: Uint8Array;
  /** What is to be logged, as text that only its writer reads. */
  readonly body: string;
  /** What it counts for among all that waits. */
  readonly bytes: number;
  /** Milliseconds since the epoch; the oldest is executed first. */
  readonly acceptedAtMs: number;
  /** 32 bytes over all of it but the body, made with the log's key; undefined where a version without seals wrote it. */
  readonly seal: Uint8Array | undefined;
}

/** How a request ended. Kept until it expires; then the queue forgets the request. */
export interface BulkEnd {
  /** Text that only its writer reads. */
  readonly outcome: string;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/**
 * The end that a row's two columns hold. Half of one is an end too, and one that nobody sealed: it is refused, never taken
 * for none. It does not expire before somebody has looked at it.
 */
export function storedEnd(outcome: string | null, expiresAtMs: number | null): BulkEnd | undefined {
  if (outcome === null && expiresAtMs === null) return undefined;
  return { outcome: outcome ?? "", expiresAtMs: expiresAtMs ?? Number.MAX_SAFE_INTEGER };
}

/** A bulk request as its owner finds it; without an end while it waits or is being executed. */
export interface StoredBulk extends Omit<NewBulk, "body"> {
  readonly end: BulkEnd | undefined;
}

/** A bulk request with all that is kept of it, but for who holds it. Its body is empty once it has ended. */
export interface KeptBulk extends NewBulk {
  readonly end: BulkEnd | undefined;
}

/** `full`: so much of its log waits already that nothing was queued. */
export type EnqueueOutcome = { readonly kind: "queued"; readonly stored: StoredBulk } | { readonly kind: "full" };

/** A request that a gateway took to execute it, as it is stored: what of it is genuine, its seal says. */
export type ClaimedBulk = NewBulk;

export interface BulkClaim {
  /** Those of other logs are left to the gateways that keep them. */
  readonly logs: readonly string[];
  readonly nowMs: number;
  /** Until then nobody else is given what is claimed; if its gateway dies, others take it afterwards. */
  readonly heldUntilMs: number;
  /** How many at most. */
  readonly limit: number;
}

/**
 * Port: bulk requests that were accepted and wait to be logged. Kept beside the logs, shared by all gateways of a store.
 * A claim saves double work and nothing more: an execution twice has to log once (see BulkRunner).
 * Methods reject with AuditError UNAVAILABLE when the engine cannot be reached.
 */
export interface BulkQueue {
  /**
   * Durable when it resolves with `queued`. Where a request of that place is there already, it stays, and is answered.
   * Full when others of its log wait and, with this one, would be more than `maxWaitingBytes`; of requests that come at
   * the same moment through several gateways each may be the last that had room.
   */
  enqueue(bulk: NewBulk, maxWaitingBytes: number): Promise<EnqueueOutcome>;
  /** The oldest requests of these logs without an end that nobody holds. */
  claim(claim: BulkClaim): Promise<readonly ClaimedBulk[]>;
  /** Ends a request, once: the first end stays. Its body is dropped. */
  finish(place: BulkPlace, end: BulkEnd): Promise<void>;
  find(place: BulkPlace, owner: string): Promise<StoredBulk | undefined>;
  /** All of a log's requests in the order of their names, whoever owns them, those behind a name that need not be there. */
  listBehind(place: BulkPlace, limit: number): Promise<readonly KeptBulk[]>;
  /** What the requests of a log that have no end count for. */
  waitingBytes(log: string): Promise<number>;
  removeExpired(nowMs: number): Promise<void>;
}
