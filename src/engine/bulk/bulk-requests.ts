import { randomUUID } from "node:crypto";
import type { BulkPlace, BulkQueue, ClaimedBulk, StoredBulk } from "../../audit/bulk-queue.js";
import { AuditError, outcomeKnown } from "../../audit/errors.js";
import type { BulkRequest, Logged } from "../../audit/service.js";
import type { LogStore } from "../../audit/store.js";
import { digestBytes, digestOf, equalBytes, parseDigest } from "../../core/bytes.js";
import { eventRules, MAX_EVENT_BYTES } from "../../core/event-rules.js";
import { timeText } from "../../core/instant.js";
import type { LogKey } from "../../keys/log-key.js";
import { checkRequest, type EventSigner } from "../log/checked-request.js";
import { keyUsedOtherwise } from "../log/keyed-appends.js";
import { isKeyed, requestKeyOf, type OwnedRequest, type RequestKey } from "../log/request-key.js";
import { isSealedBulk, sealedBulk } from "../log/seals.js";
import type { CheckedRequest } from "../tree/leaf.js";
import type { TreeSource } from "../tree/signed-tree.js";
import {
  bulkBody,
  bulkBytes,
  bulkId,
  changedBulk,
  openBulkEnd,
  openQueued,
  parseBulkId,
  queuedRequest,
  requireAccepted,
} from "./bulk-request.js";

/** A queued request, ready to be logged. */
export interface CheckedBulk {
  readonly checked: CheckedRequest;
  readonly requestKey: RequestKey;
}

/**
 * Opens a queued request and checks it again, under the widest limits: what was accepted is logged, whatever the limit of the
 * log has become since. Throws ENTRY_CORRUPT when it is not what was accepted.
 */
export function checkQueued(
  bulk: ClaimedBulk,
  { key, format }: Pick<TreeSource, "format" | "key">,
  signer: EventSigner,
): CheckedBulk {
  const request = openQueued(bulk, key);
  const rules = eventRules(format.name, MAX_EVENT_BYTES);
  const { accepted } = checkRequest({ ...request, skipInvalid: false }, { format, rules }, signer);
  const checked = { accepted, refused: request.refused };
  const requestKey = requestKeyOf(request, checked, format);
  requireAccepted(bulk, requestKey);
  return { checked, requestKey };
}

export interface BulkRequestsOptions {
  readonly queue: BulkQueue;
  readonly store: Pick<LogStore, "receipts">;
  /** The key of a log, whether or not it is kept here. */
  readonly key: (log: string) => LogKey;
  /** How much of a log's requests may wait. */
  readonly maxWaitingBytes: number;
  /** The receipt of what was logged under a key; undefined when nothing was, or the log is not kept here. */
  readonly receipt: (log: string, key: Uint8Array) => Promise<Logged | undefined>;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/** How long a caller who was turned away should wait: a few executions. */
const RETRY_AFTER_MS = 1_000;

/**
 * Bulk requests from the outside: accepted once they are durably queued, and found by their owner. A request is named
 * by its idempotency key, one of ours if it has none, and its receipt is what the log holds under that key.
 */
export class BulkRequests {
  constructor(private readonly options: BulkRequestsOptions) {}

  /** Rejects CONFLICT when the key was used for other events, queued or logged, and UNAVAILABLE when too much waits. */
  async accept(
    request: OwnedRequest,
    checked: CheckedRequest,
    { format, key: logKey }: Pick<TreeSource, "format" | "key">,
  ): Promise<BulkRequest> {
    const keyed = { ...request, idempotencyKey: request.idempotencyKey ?? `bulk:${randomUUID()}` };
    const requestKey = requestKeyOf(keyed, checked, format);
    const { key, requestDigest } = requestKey;
    if (isKeyed(request)) await outcomeKnown(this.#requireSame(request.log, requestKey), "NONE");
    const place = { log: request.log, name: digestOf(key) };
    const { queue, nowMs, maxWaitingBytes } = this.options;
    const body = bulkBody(queuedRequest(keyed, checked));
    const bulk = { ...place, owner: request.keyOwner ?? "", requestDigest, body, bytes: bulkBytes(body) };
    const outcome = await queue.enqueue(sealedBulk(logKey, { ...bulk, acceptedAtMs: nowMs() }), maxWaitingBytes);
    if (outcome.kind === "full") throw tooMuchWaits(request.log);
    const { stored } = outcome;
    if (!isSealedBulk(logKey, stored)) throw changedBulk();
    if (!equalBytes(stored.requestDigest, requestDigest)) throw keyUsedOtherwise();
    const shown = await this.#shown(place, stored);
    return shown.kind === "pending" ? { ...shown, refused: checked.refused } : shown;
  }

  /** Undefined for an id that is not one of the owner's, or has expired. */
  async find(id: string, owner: string): Promise<BulkRequest | undefined> {
    const place = parseBulkId(id);
    if (place === undefined) return undefined;
    const stored = await this.options.queue.find(place, owner);
    if (stored === undefined) return undefined;
    const key = this.options.key(place.log);
    if (!isSealedBulk(key, stored)) throw changedBulk();
    const expiresAtMs = stored.end === undefined ? Infinity : openBulkEnd(key, place, stored.end).expiresAtMs;
    return expiresAtMs <= this.options.nowMs() ? undefined : this.#shown(place, stored);
  }

  /** What was logged under the key, without the queue or by a request whose end is forgotten. */
  async #requireSame(log: string, { key, requestDigest }: RequestKey): Promise<void> {
    const [receipt] = await this.options.store.receipts(log, [key]);
    if (receipt !== undefined && !equalBytes(receipt.requestDigest, requestDigest)) throw keyUsedOtherwise();
  }

  async #shown(place: BulkPlace, { end }: StoredBulk): Promise<BulkRequest> {
    const id = bulkId(place);
    if (end === undefined) return { kind: "pending", id };
    const { failure: error, refused, expiresAtMs } = openBulkEnd(this.options.key(place.log), place, end);
    const expiresAt = timeText(expiresAtMs * 1_000);
    if (error !== undefined) return { kind: "failed", id, error, expiresAt };
    return { kind: "done", id, receipt: { ...(await this.#logged(place)), refused }, expiresAt };
  }

  async #logged({ log, name }: BulkPlace): Promise<Logged> {
    const key = parseDigest(name);
    const receipt = key && (await this.options.receipt(log, digestBytes(key)));
    if (receipt !== undefined) return receipt;
    throw new AuditError("NOT_FOUND", `The log ${log} no longer has the entries of this bulk request.`);
  }
}

function tooMuchWaits(log: string): AuditError {
  const message = `Too many bulk requests wait to be logged in ${log}: nothing of this one was queued. Try again later.`;
  return new AuditError("UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS, outcome: "NONE" });
}
