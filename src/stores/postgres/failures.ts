import pg from "pg";
import { AuditError, type WriteOutcome } from "../../audit/errors.js";

const RETRY_AFTER_MS = 1_000;

/** Serialization failure and deadlock: the server rolled the transaction back, so it can always be run again. */
const ROLLED_BACK = ["40001", "40P01"];

/** The SQLSTATE of poolers' refusals. */
export const PROTOCOL_VIOLATION = "08P01";

/**
 * SQLSTATE prefixes of conditions that pass by themselves: connections (08), a transaction that the server gave up or
 * that may not write (25), a prepared statement of another session (26000, 42P05), rollbacks after the last retry (40),
 * resources such as a full disk (53), locks (55P03), shutdown, start and timeouts (57), I/O (58). PostgreSQL manual,
 * appendix A.
 */
const PASSING = ["08", "25", "26000", "40", "42P05", "53", "55P03", "57", "58"];

/**
 * Those that an operator has to fix: logins (28), no such database (3D), missing rights, also on a read-only file
 * system (42501).
 */
const MENDABLE = ["28", "3D", "42501"];

/** Poolers' messages about what is permanently missing, under a SQLSTATE that does not say so. */
const POOLER_REFUSALS = /unsupported startup parameter|no such (database|user)|not allowed to connect/;

/** The driver's messages, and the codes of Node's TLS, for what does not change until an operator acts. */
const TRUST = /^(SASL: |The server does not support SSL)/;
const TRUST_CODES = /^(CERT_|DEPTH_ZERO|ERR_SSL|ERR_TLS|SELF_SIGNED|UNABLE_TO_)/;

/** None of a database's hosts can be used; the message says why for each. */
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

/** Whether a statement failed because its session, or the server, is read-only. */
export function isReadOnlySession(failure: unknown): boolean {
  return sqlState(failure) === "25006";
}

/** Whether a statement failed because a row with that key of a unique constraint exists. */
export function violates(failure: unknown, constraint: string): boolean {
  return failure instanceof pg.DatabaseError && failure.code === "23505" && failure.constraint === constraint;
}

export function sqlState(failure: unknown): string | undefined {
  return failure instanceof pg.DatabaseError ? failure.code : undefined;
}

/**
 * UNAVAILABLE for every failure that may pass by itself, with its cause; a mistake of ours, such as bad SQL, is
 * returned unchanged. `outcome` is that of a write.
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
  return new AuditError("UNAVAILABLE", "The log's database cannot do this now: try again", detail);
}

/** UNAVAILABLE until an operator changes something; the sentence says what. */
export function unusable(sentence: string, cause?: unknown): AuditError {
  return new AuditError("UNAVAILABLE", sentence, { cause });
}

/** A failure for the operator: the driver's or the server's own words, with the SQLSTATE. */
export function reasonOf(failure: unknown): string {
  // For a host name with several addresses each was tried; the first failure says enough.
  const first: unknown = failure instanceof AggregateError ? failure.errors[0] : failure;
  const state = sqlState(first);
  const words = String(first).replace(/^\w*error: /i, "");
  return state === undefined ? words : `${words} (SQLSTATE ${state})`;
}

/** Whether a failure passes without anyone's action, so that waiting is worthwhile. */
function passes(failure: unknown): boolean {
  if (failure instanceof NoHostError) return failure.failures.some(passes);
  const state = sqlState(failure);
  if (state === PROTOCOL_VIOLATION) return !POOLER_REFUSALS.test(String(failure));
  if (state !== undefined) return PASSING.some((prefix) => state.startsWith(prefix));
  return !(failure instanceof Error && (TRUST.test(failure.message) || TRUST_CODES.test(codeOf(failure) ?? "")));
}

/** A failure in a few words that any client may read: they name no host, user or database. */
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
