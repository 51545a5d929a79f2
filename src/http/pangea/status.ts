import { AuditError, type AuditErrorCode } from "../../audit/errors.js";
import type { FieldProblem } from "../../core/json.js";
import { ERRORS, type ErrorCode } from "../../graphql/error-table.js";
import { shortened } from "../../graphql/errors.js";
import type { Refusal } from "../refusal.js";

/**
 * The status string of each code; SDKs choose their exception by it (protocol section 1.3). The HTTP status is that of
 * ERRORS, the same as at every door. Codes that only GraphQL and streams have are never sent.
 */
const STATUSES: Readonly<Partial<Record<ErrorCode, string>>> & Readonly<Record<AuditErrorCode, string>> = {
  BAD_REQUEST: "ValidationError",
  BAD_USER_INPUT: "ValidationError",
  CONFLICT: "ValidationError",
  ENTRY_CORRUPT: "InternalError",
  FORBIDDEN: "Unauthorized",
  INTERNAL_SERVER_ERROR: "InternalError",
  LOG_CORRUPT: "InternalError",
  METHOD_NOT_ALLOWED: "NotFound",
  NOT_FOUND: "NotFound",
  PAYLOAD_TOO_LARGE: "ValidationError",
  PROOF_NOT_PERMITTED: "Unauthorized",
  PROOF_TOO_LARGE: "ValidationError",
  RATE_LIMITED: "TooManyRequests",
  ROOT_CONFLICT: "InternalError",
  UNAUTHENTICATED: "Unauthorized",
  UNAVAILABLE: "ServiceNotAvailable",
  UNSUPPORTED: "ServiceNotEnabled",
  UNSUPPORTED_MEDIA_TYPE: "ValidationError",
  UNTRUSTED_DOCUMENT: "Unauthorized",
};

/** For failures that the protocol names and no other door has. */
const OTHER_STATUS = "Failed";

/** One entry of `result.errors` (protocol section 1.4). */
export interface WireProblem {
  readonly code: string;
  readonly detail: string;
  /** A JSON pointer into the request. */
  readonly source: string;
}

/** A failure that has a status string of its own in the protocol; its HTTP status is 400. */
export class StatusError extends AuditError {
  constructor(
    code: AuditErrorCode,
    readonly status: "MissingConfigID" | "TreeNotFound" | "BadOffset",
    message: string,
  ) {
    super(code, message);
  }
}

/** A request that violates the protocol's rules: every bad path, up to 100. */
export class InvalidRequest extends AuditError {
  readonly wireProblems: readonly WireProblem[];

  constructor(
    problems: readonly WireProblem[],
    summary = `There were ${problems.length} validation error(s) in the request.`,
  ) {
    super("BAD_USER_INPUT", summary);
    this.wireProblems = problems.slice(0, MAX_PROBLEMS);
  }
}

/** The maximum number of problems: enough to show the kind of mistake. */
const MAX_PROBLEMS = 100;

/** A refusal in the protocol's words. */
export interface WireFailure {
  readonly http: number;
  readonly status: string;
  readonly summary: string;
  readonly result: { readonly errors: readonly WireProblem[] } | null;
}

export function wireFailure(refusal: Refusal): WireFailure {
  const status = refusal instanceof StatusError ? refusal.status : (STATUSES[refusal.code] ?? OTHER_STATUS);
  const http = refusal instanceof StatusError ? ERRORS.BAD_USER_INPUT.status : ERRORS[refusal.code].status;
  const { message } = refusal;
  const summary = status === "Unauthorized" ? `Not authorized to access this resource: ${message}` : message;
  const result = status === "ValidationError" ? { errors: problemsOf(refusal) } : null;
  return { http, status, summary: shortened(summary), result };
}

function problemsOf(refusal: Refusal): readonly WireProblem[] {
  if (refusal instanceof InvalidRequest) return refusal.wireProblems;
  if (!(refusal instanceof AuditError)) return [];
  if (refusal.code === "CONFLICT") return [{ code: "BadState", detail: refusal.message, source: "" }];
  return refusal.problems.map(wireProblem);
}

/** A problem of the audit service, at its place in the request as it was sent. */
export function wireProblem({ path, expected, got }: FieldProblem): WireProblem {
  const code = got === "nothing" ? "FieldRequired" : "BadFormat";
  return { code, detail: `expected ${expected}, got ${got}`, source: pointerOf(path) };
}

const PART = /[^.[\]"]+/g;
/** The service's name of a place, and the protocol's. */
const RENAMED = new Map([
  ["publicKey", "public_key"],
  ["maxResults", "max_results"],
  ["restriction", "search_restriction"],
  ["first", "limit"],
]);

function pointerOf(path: string): string {
  const parts = (path.match(PART) ?? []).map((part) => RENAMED.get(part) ?? part);
  return pointer(placed(parts));
}

/** The service has signature and key as members of the event, and the event itself as the item of the list. */
function placed([root, second, third, ...rest]: readonly string[]): readonly (string | undefined)[] {
  const isBeside = (part: string | undefined): boolean => part === "signature" || part === "public_key";
  if (root === "window") return [second];
  if (root === "event" && isBeside(second)) return [second];
  if (root === "events" && third !== undefined && third !== "event" && !isBeside(third))
    return [root, second, "event", third, ...rest];
  return [root, second, third, ...rest];
}

/** RFC 6901. */
export function pointer(parts: readonly (string | undefined)[]): string {
  const escaped = parts
    .filter((part) => part !== undefined)
    .map((part) => part.replace(/~/g, "~0").replace(/\//g, "~1"));
  return escaped.map((part) => `/${part}`).join("");
}
