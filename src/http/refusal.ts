import { randomUUID } from "node:crypto";
import type { GraphQLFormattedError } from "graphql";
import type { Logger } from "pino";
import { presentedKey } from "../access/authenticate.js";
import { AuditError } from "../audit/errors.js";
import { ERRORS, retryAfter, type ErrorCode } from "../graphql/error-table.js";
import { auditFailure, shortened } from "../graphql/errors.js";
import { activeTraceId } from "../operations/tracing.js";
import { traceIdOf, Unauthenticated, type Sender } from "./admission.js";
import { HttpError, jsonAnswer, type Answer } from "./answer.js";
import type { Records } from "./graphql/operation.js";

/** Why a request is refused, in words for its sender. */
export type Refusal = HttpError | AuditError;

/**
 * What the client is told of a failure: what was written for it, or an id under which the gateway's log has where the
 * failure was thrown. What it said stays out of both, for that may hold a payload.
 */
export function refusalOf(error: unknown, logger: Logger): Refusal {
  if (error instanceof HttpError || error instanceof AuditError) return error;
  const id = randomUUID();
  const at = error instanceof Error ? error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) : undefined;
  logger.error({ id, kind: error instanceof Error ? error.name : typeof error, at }, "http request failed");
  return new HttpError(
    "INTERNAL_SERVER_ERROR",
    `unexpected error: tell the operator the id ${id}, under which the gateway's log has it`,
  );
}

/** A refusal in the shape of a GraphQL error, so that a client reads failures in one way over every transport. */
export function shownRefusal(refusal: Refusal): GraphQLFormattedError {
  const { message, code } = refusal;
  const shown = refusal instanceof AuditError ? auditFailure({}, refusal) : { message, extensions: { code } };
  return { ...shown, message: shortened(shown.message) };
}

/** The response to a request of which nothing was done. */
export function refusalAnswer(refusal: Refusal): Answer {
  return jsonAnswer(ERRORS[refusal.code].status, { errors: [shownRefusal(refusal)] }, headersOf(refusal));
}

/** The headers that HTTP requires with a refusal. */
export function headersOf(refusal: Refusal): Readonly<Record<string, string>> {
  if (refusal instanceof HttpError) return refusal.headers;
  if (refusal instanceof Unauthenticated) return { "www-authenticate": refusal.challenge };
  return refusal.retryAfterMs === undefined ? {} : { "retry-after": retryAfter(refusal.retryAfterMs) };
}

/** The entrances of the gateway, as its log and metrics name them: a path may hold the token of a link, or anything. */
const ENTRANCES = ["graphql", "websocket", "downloads", "metrics", "page", "pangea", "connection"] as const;

export type Entrance = (typeof ENTRANCES)[number];

/** A request that was refused before an operation, or a download, began. */
export interface RefusedRequest {
  readonly entrance: Entrance;
  readonly refusal: Refusal | { readonly code: ErrorCode };
  readonly status: number;
  readonly sender: Sender;
}

/** Refused requests in the metrics and in the log, without anything that was sent. */
export class Refusals {
  constructor(private readonly records: Records) {
    for (const entrance of ENTRANCES) records.metrics.knowRefusal({ entrance, code: "UNAUTHENTICATED" });
  }

  add({ entrance, refusal, status, sender }: RefusedRequest): void {
    const { code } = refusal;
    const { requestId, address, headers } = sender;
    this.records.metrics.refusal({ entrance, code });
    const whose = { ...credentialIn(refusal, sender), traceId: activeTraceId() ?? traceIdOf(headers) };
    this.records.logger.info({ entrance, code, status, requestId, address, ...whose }, "refused");
  }
}

/**
 * The credential's owner. For a credential that was not accepted: the id of the key that was presented, which proves
 * nothing.
 */
function credentialIn(refusal: RefusedRequest["refusal"], { headers, credential }: Sender) {
  if (!(refusal instanceof Unauthenticated)) return { credential };
  return { credential: refusal.of ?? presentedKey(headers), reason: refusal.reason };
}
