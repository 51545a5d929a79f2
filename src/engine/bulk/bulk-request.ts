import type { BulkEnd, BulkPlace, ClaimedBulk } from "../../audit/bulk-queue.js";
import { AuditError } from "../../audit/errors.js";
import type { BulkFailure, RefusedEvent } from "../../audit/service.js";
import { digestOf, equalBytes } from "../../core/bytes.js";
import { isPlainObject } from "../../core/problem.js";
import type { LogKey } from "../../keys/log-key.js";
import type { KeyedRequest, RequestKey } from "../log/request-key.js";
import { isSealedBulk } from "../log/seals.js";
import type { CheckedRequest } from "../tree/leaf.js";

/** How a bulk request ended; without a failure its events are logged. */
export interface EndedBulk {
  readonly failure: BulkFailure | undefined;
  readonly refused: readonly RefusedEvent[];
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

const SEALED_OUTCOME = /^([A-Za-z0-9_-]{43}) (.*)$/s;
const ID = /^BulkRequest:([0-9a-f]{64}):(.+)$/s;

/** The id by which a bulk request is polled. */
export function bulkId({ log, name }: BulkPlace): string {
  return Buffer.from(`BulkRequest:${name}:${log}`).toString("base64url");
}

/** Undefined for what `bulkId` never made. */
export function parseBulkId(id: string): BulkPlace | undefined {
  const [, name, log] = ID.exec(Buffer.from(id, "base64url").toString()) ?? [];
  if (name === undefined || log === undefined) return undefined;
  return bulkId({ log, name }) === id ? { log, name } : undefined;
}

/** A request as it waits in the queue: the events that will be logged, and those that were refused when it was accepted. */
export interface QueuedRequest extends KeyedRequest {
  readonly refused: readonly RefusedEvent[];
}

export function queuedRequest(request: KeyedRequest, { accepted, refused }: CheckedRequest): QueuedRequest {
  return { ...request, events: accepted.map(({ sent }) => sent), refused };
}

export function bulkBody(request: QueuedRequest): string {
  return JSON.stringify(request);
}

/** A row costs more than its text, so that many small requests fill a disk too. */
const ROW_BYTES = 1_024;

/** What a request counts for among those that wait. */
export function bulkBytes(body: string): number {
  return Buffer.byteLength(body) + ROW_BYTES;
}

/** Throws a TypeError on a text that `bulkBody` did not make. */
export function parseBulkBody(body: string): QueuedRequest {
  const value: unknown = JSON.parse(body);
  if (isLogRequest(value)) return { ...value, refused: refusedIn(value) };
  throw new TypeError("a queued bulk request is not what was put into the queue");
}

/** The events themselves are checked again when they are logged. */
function isLogRequest(value: unknown): value is KeyedRequest {
  return (
    isPlainObject(value) &&
    typeof value["log"] === "string" &&
    typeof value["sign"] === "boolean" &&
    typeof value["idempotencyKey"] === "string" &&
    Array.isArray(value["events"])
  );
}

/**
 * A queued request, ready to be logged. Throws ENTRY_CORRUPT when it is not what was accepted: events must not be logged in
 * the name of an author who never sent them. One that a version without seals queued cannot be told from a forged one.
 */
export function openQueued(bulk: ClaimedBulk, key: LogKey): QueuedRequest {
  const request = isSealedBulk(key, bulk) ? parsedBody(bulk.body) : undefined;
  if (request?.log === bulk.log && (request.keyOwner ?? "") === bulk.owner) return request;
  throw changedBulk();
}

/** Throws ENTRY_CORRUPT unless a queued request's events are those that were accepted under its name. */
export function requireAccepted({ name, requestDigest }: ClaimedBulk, asked: RequestKey): void {
  if (digestOf(asked.key) !== name || !equalBytes(asked.requestDigest, requestDigest)) throw changedBulk();
}

export function changedBulk(): AuditError {
  return new AuditError("ENTRY_CORRUPT", "The stored bulk request is not the one that was accepted: it was changed.");
}

function parsedBody(body: string): QueuedRequest | undefined {
  try {
    return parseBulkBody(body);
  } catch {
    return undefined;
  }
}

/** How an execution ended, a failure unless its events are logged, under a seal of the log's key. */
export function bulkEnd(key: LogKey, place: BulkPlace, ended: EndedBulk): BulkEnd {
  const { failure, refused, expiresAtMs } = ended;
  const text = JSON.stringify({ ...failure, ...(refused.length > 0 && { refused }) });
  const seal = Buffer.from(key.seal("bulk end", [place.name, text, expiresAtMs])).toString("base64url");
  return { outcome: `${seal} ${text}`, expiresAtMs };
}

/** What `bulkEnd` wrote. Throws ENTRY_CORRUPT when it was changed. */
export function openBulkEnd(key: LogKey, { name }: BulkPlace, { outcome, expiresAtMs }: BulkEnd): EndedBulk {
  const [, seal = "", text = ""] = SEALED_OUTCOME.exec(outcome) ?? [];
  if (!key.isSealed("bulk end", [name, text, expiresAtMs], Buffer.from(seal, "base64url"))) throw changedBulk();
  return { ...parseOutcome(text), expiresAtMs };
}

function parseOutcome(text: string): Omit<EndedBulk, "expiresAtMs"> {
  const value: unknown = JSON.parse(text);
  if (!isPlainObject(value)) throw new TypeError("the outcome of a bulk request is not what was stored");
  const { code, message } = value;
  const failure = typeof code === "string" && typeof message === "string" ? { code, message } : undefined;
  return { failure, refused: refusedIn(value) };
}

/** None in what was queued before requests could skip events. */
function refusedIn(value: object): readonly RefusedEvent[] {
  const { refused = [] }: { readonly refused?: readonly RefusedEvent[] } = value;
  return refused;
}

/** What its owner is told of an execution that can never succeed. */
export function bulkFailure(error: unknown): BulkFailure {
  if (error instanceof AuditError) return { code: error.code, message: error.message };
  return { code: "INTERNAL_SERVER_ERROR", message: "unexpected error" };
}
