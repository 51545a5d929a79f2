import pg from "pg";
import { AuditError, type WriteOutcome } from "../../audit/errors.js";

const RETRY_AFTER_MS = 1_000;

/** Serialization failure and deadlock: the server rolled the transaction back, so running it again is always right. */
const ROLLED_BACK = ["40001", "40P01"];

/**
 * SQLSTATE prefixes of what an operator or time can mend: connections (08), read-only standby (25006), logins (28), rollbacks
 * after the last retry (40), no such database (3D), no right, which a read-only file system says too (42501), resources such as
 * a full disk (53), locks (55P03), shutdown and timeouts (57), I/O (58).
 * PostgreSQL manual, appendix A.
 */
const MENDABLE = ["08", "25006", "28", "3D", "40", "42501", "53", "55P03", "57", "58"];

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
  if (state !== undefined && !MENDABLE.some((prefix) => state.startsWith(prefix))) return failure;
  const detail = { retryAfterMs: RETRY_AFTER_MS, cause: failure, outcome };
  return new AuditError("UNAVAILABLE", "the log's database cannot do this now; try again", detail);
}
