import pg from "pg";
import { AuditError, type WriteOutcome } from "../../audit/errors.js";

const RETRY_AFTER_MS = 1_000;

/** Serialization failure and deadlock: the server rolled the transaction back, so running it again is always right. */
const ROLLED_BACK = ["40001", "40P01"];

/** What poolers say when they refuse something. */
export const PROTOCOL_VIOLATION = "08P01";

/**
 * SQLSTATE prefixes of what passes by itself: connections (08), a transaction that the server gave up or that may not write
 * (25), a prepared statement that another session has (26000, 42P05), rollbacks after the last retry (40), resources such as a
 * full disk (53), locks (55P03), shutdown, start and timeouts (57), I/O (58). PostgreSQL manual, appendix A.
 */
const PASSING = ["08", "25", "26000", "40", "42P05", "53", "55P03", "57", "58"];

/** Of what an operator has to mend: logins (28), no such database (3D), no right, which a read-only file system says too (42501). */
const MENDABLE = ["28", "3D", "42501"];

/** What poolers say, under a SQLSTATE that does not, of what is not there for good. */
const POOLER_REFUSALS = /unsupported startup parameter|no such (database|user)|not allowed to connect/;

/** The driver's words, and the codes of Node's TLS, for what stays as it is until an operator changes it. */
const TRUST = /^(SASL: |The server does not support SSL)/;
const TRUST_CODES = /^(CERT_|DEPTH_ZERO|ERR_SSL|ERR_TLS|SELF_SIGNED|UNABLE_TO_)/;

/** None of a database's hosts can be used; says of each why. */
export class NoHostError extends Error {
  override readonly name = "NoHostError";
  readonly failures: readonly unknown[];

  constructor(hosts: readonly (readonly [host: string, failure: unknown])[]) {
    super(`no host can be used: ${hosts.map(([host, failure]) => `${host}: ${reasonOf(failure)}`).join("; ")}`);
    this.failures = hosts.map(([, failure]) => failure);
  }
}

export function wasRolledBack(failure: unknown): boolean {
  return ROLLED_BACK.includes(sqlState(failure) ?? "");
}

/** Whether a statement failed because its session, or the server, may only read. */
export function isReadOnlySession(failure: unknown): boolean {
  return sqlState(failure) === "25006";
}

/** Whether a statement failed because a row of that key, of a unique constraint, is there already. */
export function violates(failure: unknown, constraint: string): boolean {
  return failure instanceof pg.DatabaseError && failure.code === "23505" && failure.constraint === constraint;
}

export function sqlState(failure: unknown): string | undefined {
  return failure instanceof pg.DatabaseError ? failure.code : undefined;
}

/**
 * UNAVAILABLE for whatever may pass by itself, with the cause kept; a mistake of ours, such as bad SQL, stays what it is.
 * `outcome` is that of a write.
 */
export function portFailure(failure: unknown, outcome?: WriteOutcome): unknown {
  if (failure instanceof AuditError || failure instanceof TypeError || failure instanceof RangeError) return failure;
  const state = sqlState(failure);
  if (state !== undefined && ![...PASSING, ...MENDABLE].some((prefix) => state.startsWith(prefix))) return failure;
  const detail = {
    retryAfterMs: RETRY_AFTER_MS,
    cause: failure,
    outcome,
    ...(passes(failure) && { passing: kindOf(failure) }),
  };
  return new AuditError("UNAVAILABLE", "the log's database cannot do this now; try again", detail);
}

/** UNAVAILABLE until an operator has changed something; the sentence says what. */
export function unusable(sentence: string, cause?: unknown): AuditError {
  return new AuditError("UNAVAILABLE", sentence, { cause });
}

/** What the operator needs to know of a failure: the driver's or the server's own words, with the SQLSTATE. */
export function reasonOf(failure: unknown): string {
  // Of a host name with several addresses each was tried; the first failure says enough.
  const first: unknown = failure instanceof AggregateError ? failure.errors[0] : failure;
  const state = sqlState(first);
  const words = String(first).replace(/^\w*error: /i, "");
  return state === undefined ? words : `${words} (SQLSTATE ${state})`;
}

/** Whether a failure is of the kind that passes without anybody's doing: then it is worth waiting. */
function passes(failure: unknown): boolean {
  if (failure instanceof NoHostError) return failure.failures.some(passes);
  const state = sqlState(failure);
  if (state === PROTOCOL_VIOLATION) return !POOLER_REFUSALS.test(String(failure));
  if (state !== undefined) return PASSING.some((prefix) => state.startsWith(prefix));
  return !(failure instanceof Error && (TRUST.test(failure.message) || TRUST_CODES.test(codeOf(failure) ?? "")));
}

/** A failure in a few words that anyone may read: they name no host, user or database. */
function kindOf(failure: unknown): string {
  const state = sqlState(failure);
  if (state !== undefined) return `SQLSTATE ${state}`;
  const code = codeOf(failure);
  if (code !== undefined) return code;
  if (failure instanceof NoHostError) return "none of its hosts can be used";
  return /time|no answer/i.test(String(failure)) ? "timeout" : "connection lost";
}

function codeOf(failure: unknown): string | undefined {
  return failure instanceof Error && "code" in failure && typeof failure.code === "string" ? failure.code : undefined;
}
