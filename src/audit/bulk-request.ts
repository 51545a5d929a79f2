import { isPlainObject } from "../core/problem.js";
import type { BulkPlace } from "./bulk-queue.js";
import { AuditError } from "./errors.js";
import type { BulkFailure, LogRequest } from "./service.js";

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

/** A request as it waits in the queue. */
export function bulkBody(request: LogRequest): string {
  return JSON.stringify(request);
}

/** A row costs more than its text, so that many small requests fill a disk too. */
const ROW_BYTES = 1_024;

/** What a request counts for among those that wait. */
export function bulkBytes(body: string): number {
  return Buffer.byteLength(body) + ROW_BYTES;
}

/** Throws a TypeError on a text that `bulkBody` did not make. */
export function parseBulkBody(body: string): LogRequest {
  const value: unknown = JSON.parse(body);
  if (isLogRequest(value)) return value;
  throw new TypeError("a queued bulk request is not what was put into the queue");
}

/** The events themselves are checked again when they are logged. */
function isLogRequest(value: unknown): value is LogRequest {
  return (
    isPlainObject(value) &&
    typeof value["log"] === "string" &&
    typeof value["sign"] === "boolean" &&
    typeof value["idempotencyKey"] === "string" &&
    Array.isArray(value["events"])
  );
}

/** How an execution ended: undefined when the events are logged. */
export function outcomeText(failure?: BulkFailure): string {
  return JSON.stringify(failure ?? {});
}

export function parseOutcome(text: string): BulkFailure | undefined {
  const value: unknown = JSON.parse(text);
  if (!isPlainObject(value)) throw new TypeError("the outcome of a bulk request is not what was stored");
  const { code, message } = value;
  return typeof code === "string" && typeof message === "string" ? { code, message } : undefined;
}

/** What its owner is told of an execution that can never succeed. */
export function bulkFailure(error: unknown): BulkFailure {
  if (error instanceof AuditError) return { code: error.code, message: error.message };
  return { code: "INTERNAL_SERVER_ERROR", message: "unexpected error" };
}
