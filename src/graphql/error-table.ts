import type { AuditErrorCode } from "../audit/errors.js";

/** What HTTP and GraphQL themselves can find wrong, beside the audit service's own codes. */
export type DoorErrorCode =
  | "BAD_REQUEST"
  | "GRAPHQL_PARSE_FAILED"
  | "GRAPHQL_VALIDATION_FAILED"
  | "HEADERS_TOO_LARGE"
  | "INTERNAL_SERVER_ERROR"
  | "LINK_EXPIRED"
  | "METHOD_NOT_ALLOWED"
  | "NOT_ACCEPTABLE"
  | "OPERATION_RESOLUTION_FAILURE"
  | "PAYLOAD_TOO_LARGE"
  | "PERSISTED_QUERY_NOT_FOUND"
  | "REQUEST_TIMEOUT"
  | "SLOW_READER"
  | "UNSUPPORTED_MEDIA_TYPE";

export type ErrorCode = AuditErrorCode | DoorErrorCode;

/** Close codes of WebSockets: RFC 6455 section 7.4.1 with its registry, and the GraphQL over WebSocket protocol. */
const TRY_AGAIN_LATER = 1013;
const BAD_REQUEST = 4400;
const FORBIDDEN = 4403;
const INTERNAL_SERVER_ERROR = 4500;

/**
 * What goes with each code where a request is refused as a whole: its HTTP status, and the code that its WebSocket is
 * closed with. Once an operation is executed its status is 200, for a part of it may have been done. docs/errors.md says
 * what a client should do.
 */
export const ERRORS = {
  BAD_REQUEST: { status: 400, close: BAD_REQUEST },
  BAD_USER_INPUT: { status: 400, close: BAD_REQUEST },
  CONFLICT: { status: 409, close: BAD_REQUEST },
  ENTRY_CORRUPT: { status: 500, close: INTERNAL_SERVER_ERROR },
  FORBIDDEN: { status: 403, close: FORBIDDEN },
  GRAPHQL_PARSE_FAILED: { status: 400, close: BAD_REQUEST },
  GRAPHQL_VALIDATION_FAILED: { status: 400, close: BAD_REQUEST },
  HEADERS_TOO_LARGE: { status: 431, close: BAD_REQUEST },
  INTERNAL_SERVER_ERROR: { status: 500, close: INTERNAL_SERVER_ERROR },
  LINK_EXPIRED: { status: 410, close: BAD_REQUEST },
  LOG_CORRUPT: { status: 500, close: INTERNAL_SERVER_ERROR },
  METHOD_NOT_ALLOWED: { status: 405, close: BAD_REQUEST },
  NOT_ACCEPTABLE: { status: 406, close: BAD_REQUEST },
  NOT_FOUND: { status: 404, close: BAD_REQUEST },
  OPERATION_RESOLUTION_FAILURE: { status: 400, close: BAD_REQUEST },
  PAYLOAD_TOO_LARGE: { status: 413, close: BAD_REQUEST },
  PERSISTED_QUERY_NOT_FOUND: { status: 200, close: BAD_REQUEST },
  PROOF_NOT_PERMITTED: { status: 403, close: FORBIDDEN },
  PROOF_TOO_LARGE: { status: 422, close: BAD_REQUEST },
  RATE_LIMITED: { status: 429, close: TRY_AGAIN_LATER },
  REQUEST_TIMEOUT: { status: 408, close: TRY_AGAIN_LATER },
  ROOT_CONFLICT: { status: 500, close: INTERNAL_SERVER_ERROR },
  SLOW_READER: { status: 503, close: TRY_AGAIN_LATER },
  UNAUTHENTICATED: { status: 401, close: FORBIDDEN },
  UNAVAILABLE: { status: 503, close: TRY_AGAIN_LATER },
  UNSUPPORTED: { status: 501, close: BAD_REQUEST },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, close: BAD_REQUEST },
  UNTRUSTED_DOCUMENT: { status: 403, close: FORBIDDEN },
} as const satisfies Readonly<Record<ErrorCode, { readonly status: number; readonly close: number }>>;

/** The value of the header Retry-After in whole seconds (RFC 9110 section 10.2.3). */
export function retryAfter(retryAfterMs: number): string {
  return String(Math.ceil(retryAfterMs / 1_000));
}
