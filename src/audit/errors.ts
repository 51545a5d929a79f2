import type { FieldProblem } from "../core/event.js";

/** The closed list of error codes, the same at every door of the gateway. */
export type AuditErrorCode =
  | "BAD_USER_INPUT" // the request is wrong; nothing was done; `problems` names every bad path
  | "UNAUTHENTICATED" // no valid credential, or no longer valid
  | "FORBIDDEN" // the credential does not allow it
  | "RATE_LIMITED" // the credential has logged too much; try again after `retryAfterMs`
  | "UNTRUSTED_DOCUMENT" // the gateway executes only the documents of its manifest
  | "NOT_FOUND" // no such log, entry, root or result
  | "CONFLICT" // the request contradicts an earlier one
  | "ENTRY_CORRUPT" // a stored entry no longer hashes to its leaf, or a receipt was changed
  | "LOG_CORRUPT" // stored hashes do not lead to the signed root
  | "ROOT_CONFLICT" // two signed roots of one size differ, or the store no longer leads to one
  | "PROOF_NOT_PERMITTED" // the proof would show more of the log than the credential allows
  | "PROOF_TOO_LARGE" // the proof would be larger than a verifier reads
  | "UNSUPPORTED" // the audit service behind this gateway cannot do it
  | "UNAVAILABLE"; // cannot be done now; try again after `retryAfterMs`

/**
 * What became of a write that failed. `NONE`: this attempt stored nothing, and nothing of it will be stored later.
 * `UNKNOWN`: it may be stored, or may be later.
 */
export type WriteOutcome = "NONE" | "UNKNOWN";

export interface AuditErrorDetail {
  readonly problems?: readonly FieldProblem[];
  readonly retryAfterMs?: number | undefined;
  readonly outcome?: WriteOutcome | undefined;
  /** For UNAVAILABLE only: a condition that ends without anyone's action, in a few words that any client may read. */
  readonly passing?: string | undefined;
  readonly cause?: unknown;
}

/** An expected failure with a code from the closed list; its message is written for the client. */
export class AuditError extends Error {
  override readonly name = "AuditError";
  readonly problems: readonly FieldProblem[];
  readonly retryAfterMs: number | undefined;
  /** For writes only. */
  readonly outcome: WriteOutcome | undefined;
  readonly passing: string | undefined;

  constructor(
    readonly code: AuditErrorCode,
    message: string,
    detail: AuditErrorDetail = {},
  ) {
    super(message, { cause: detail.cause });
    this.problems = detail.problems ?? [];
    this.retryAfterMs = detail.retryAfterMs;
    this.outcome = detail.outcome;
    this.passing = detail.passing;
  }
}

/** Adds to a failed write's error what became of the write. */
export function withOutcome(error: AuditError, outcome: WriteOutcome): AuditError {
  const { code, message, problems, retryAfterMs, passing, cause } = error;
  return new AuditError(code, message, { problems, retryAfterMs, passing, cause, outcome });
}

/** The error for a hit that does not match the search: the index was changed, or belongs to another log. */
export function strayHit(log: string, leafIndex: number): AuditError {
  const message = `The search index names entry ${leafIndex} of the log ${log}, which the search does not match`;
  return new AuditError("UNAVAILABLE", `${message}: the index was changed and must be rebuilt.`);
}

/** Whether a thrown value is an error of Node or the system with this code, of any realm. */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}

/**
 * Whether a log must not be written any more because what is stored or signed contradicts itself. Retrying does not
 * help.
 */
export function endsLog(error: unknown): error is AuditError {
  return error instanceof AuditError && (error.code === "LOG_CORRUPT" || error.code === "ROOT_CONFLICT");
}

/**
 * The maximum number of problems in a message: enough to show the kind of mistake. All problems of a large request
 * would make the response larger than the request.
 */
const MAX_PROBLEMS = 100;

/** BAD_USER_INPUT that names every bad path, up to 100, each with what was expected and what came. */
export function badInput(problems: readonly FieldProblem[]): AuditError {
  const told = problems.slice(0, MAX_PROBLEMS);
  const more = problems.length - told.length;
  const rest = more === 0 ? "" : `; and ${more} more like these`;
  return new AuditError("BAD_USER_INPUT", problemText(told) + rest, { problems: told });
}

/** The message of an error with problems: one clause per path. */
export function problemText(problems: readonly FieldProblem[]): string {
  return problems.map(({ path, expected, got }) => `${path}: expected ${expected}, got ${got}`).join("; ");
}
