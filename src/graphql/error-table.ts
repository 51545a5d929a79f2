import type { AuditErrorCode } from "../audit/errors.js";

/** What HTTP and GraphQL themselves can find wrong, beside the audit service's own codes. */
type DoorErrorCode =
  | "BAD_REQUEST"
  | "GRAPHQL_PARSE_FAILED"
  | "GRAPHQL_VALIDATION_FAILED"
  | "INTERNAL_SERVER_ERROR"
  | "LINK_EXPIRED"
  | "METHOD_NOT_ALLOWED"
  | "NOT_ACCEPTABLE"
  | "OPERATION_RESOLUTION_FAILURE"
  | "PAYLOAD_TOO_LARGE"
  | "PERSISTED_QUERY_NOT_FOUND"
  | "SLOW_READER"
  | "UNSUPPORTED_MEDIA_TYPE";

export type ErrorCode = AuditErrorCode | DoorErrorCode;

/**
 * The HTTP status that goes with each code where a request is refused as a whole. Once an operation is executed its
 * status is 200, for a part of it may have been done. docs/errors.md says what a client should do.
 */
export const HTTP_STATUS = {
  BAD_REQUEST: 400,
  BAD_USER_INPUT: 400,
  CONFLICT: 409,
  ENTRY_CORRUPT: 500,
  FORBIDDEN: 403,
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
  INTERNAL_SERVER_ERROR: 500,
  LINK_EXPIRED: 410,
  LOG_CORRUPT: 500,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  NOT_FOUND: 404,
  OPERATION_RESOLUTION_FAILURE: 400,
  PAYLOAD_TOO_LARGE: 413,
  PERSISTED_QUERY_NOT_FOUND: 200,
  RATE_LIMITED: 429,
  ROOT_CONFLICT: 500,
  SLOW_READER: 503,
  UNAUTHENTICATED: 401,
  UNAVAILABLE: 503,
  UNSUPPORTED: 501,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UNTRUSTED_DOCUMENT: 403,
} as const satisfies Readonly<Record<ErrorCode, number>>;

/** The codes that have a status. */
export type CodeOfStatus<S extends number> = {
  [Code in ErrorCode]: (typeof HTTP_STATUS)[Code] extends S ? Code : never;
}[ErrorCode];

/** Seconds for the header Retry-After (RFC 9110 section 10.2.3), which knows no fractions. */
export function retryAfter(retryAfterMs: number): string {
  return String(Math.ceil(retryAfterMs / 1_000));
}
