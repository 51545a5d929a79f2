import { randomUUID } from "node:crypto";
import { unwrapResolverError } from "@apollo/server/errors";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { AuditError, badInput, type AuditErrorCode } from "../audit/errors.js";
import type { FieldProblem } from "../core/event.js";

/** Where failures go that somebody should look into. `id` is what the client was told; payloads are never passed on. */
export type FailureLog = (failure: { readonly id?: string; readonly code: string; readonly error: unknown }) => void;

/** Codes that mean the stored log itself is damaged: answered as they are, and reported to the operator too. */
const ALARMS: ReadonlySet<AuditErrorCode> = new Set(["ENTRY_CORRUPT", "LOG_CORRUPT", "ROOT_CONFLICT"]);

/** In place of an entry whose stored bytes no longer hash to its leaf. */
export function corruptEntry(log: string, leafIndex: number): GraphQLError {
  const message = `entry ${leafIndex} of log ${log} no longer matches its leaf hash, so it is not shown`;
  return new GraphQLError(message, { extensions: { code: "ENTRY_CORRUPT", log, leafIndex } });
}

/** Turns whatever went wrong into what a client may see: a code from the closed list, or a masked error with an id. */
export function errorFormatter(report: FailureLog) {
  return (formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError => {
    const cause = unwrapResolverError(error);
    if (cause instanceof AuditError) return auditFailure(formatted, cause, report);
    const code = formatted.extensions?.["code"];
    if (typeof code !== "string" || code === "INTERNAL_SERVER_ERROR") return masked(formatted, cause, report);
    if (code === "ENTRY_CORRUPT") report({ code, error: cause });
    return formatted;
  };
}

function auditFailure(at: GraphQLFormattedError, error: AuditError, report: FailureLog): GraphQLFormattedError {
  const { code, retryAfterMs } = error;
  if (ALARMS.has(code)) report({ code, error });
  const problems = error.problems.map(inApiSpelling);
  const detail = {
    ...(problems.length > 0 && { problems }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
  const message = problems.length > 0 ? badInput(problems).message : error.message;
  return { ...at, message, extensions: { code, ...detail } };
}

function masked(at: GraphQLFormattedError, error: unknown, report: FailureLog): GraphQLFormattedError {
  const id = randomUUID();
  const code = "INTERNAL_SERVER_ERROR";
  report({ id, code, error });
  return { ...at, message: `unexpected error; the gateway's log has it under ${id}`, extensions: { code, id } };
}

/** The service speaks of hashed names; the client wrote the API's. */
function inApiSpelling(problem: FieldProblem): FieldProblem {
  const path = problem.path.replace(/\btenant_id\b/, "tenantId").replace(/\bpublic_key\b/, "publicKey");
  return { ...problem, path };
}
