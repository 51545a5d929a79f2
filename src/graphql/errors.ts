import { randomUUID } from "node:crypto";
import { HeaderMap } from "@apollo/server";
import { unwrapResolverError } from "@apollo/server/errors";
import { GraphQLError, type GraphQLErrorExtensions, type GraphQLFormattedError } from "graphql";
import { ALARM_CODES } from "../audit/alarm.js";
import { AuditError, problemText, strayHit } from "../audit/errors.js";
import { EVENT_FIELDS, type FieldProblem } from "../core/event.js";
import { ERRORS, retryAfter } from "./error-table.js";

/** A failure that an operator should look into. */
export interface Failure {
  readonly code: string;
  readonly error: unknown;
  /** What the client was shown. */
  readonly shown: GraphQLFormattedError;
}

export type FailureLog = (failure: Failure) => void;

const UNEXPECTED = "INTERNAL_SERVER_ERROR";

/** Codes that an operator should hear about: the stored log is damaged, or the gateway has a bug. */
const ALARMS: ReadonlySet<string> = new Set([...ALARM_CODES, UNEXPECTED]);

/** The maximum characters of a message to a client: it may quote what was sent, and name a hundred paths. */
export const MAX_MESSAGE_CHARACTERS = 1_000;
/** The maximum characters of a path in a list of problems. */
const MAX_PATH_CHARACTERS = 512;

/** A parser that recurses has run out of stack. */
export const NESTED_TOO_DEEPLY = "The document is nested too deeply.";

export type FormatError = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;

/**
 * Formats an error where Apollo does not. Despite their type, a compiled operation's errors lack `extensions` unless
 * the resolver's own error had some.
 */
export function formattedError(error: GraphQLError, formatError: FormatError): GraphQLFormattedError {
  const { message, locations, path } = error;
  const extensions: GraphQLErrorExtensions = { ...error.extensions };
  const code = extensions["code"] ?? UNEXPECTED;
  return formatError(
    { message, ...(locations && { locations }), ...(path && { path }), extensions: { ...extensions, code } },
    error,
  );
}

/** A rejection as a value: GraphQL reports an error value at its own path, and the values beside it are returned. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** The error in place of an entry whose stored bytes no longer hash to its leaf. */
export function corruptEntry(log: string, leafIndex: number): GraphQLError {
  const message = `Entry ${leafIndex} of the log ${log} no longer matches its leaf hash, so it is not shown.`;
  return new GraphQLError(message, { extensions: { code: "ENTRY_CORRUPT", log, leafIndex } });
}

/** The error in place of an entry that a changed search index named. */
export function strayEntry(log: string, leafIndex: number): GraphQLError {
  const { message, code } = strayHit(log, leafIndex);
  return new GraphQLError(message, { extensions: { code, log, leafIndex } });
}

/** Turns every failure into what a client may see: a code from the closed list, or a masked error with an id. */
export function errorFormatter(report: FailureLog): FormatError {
  return (formatted, error) => {
    const cause = causeOf(error);
    const whole = cause instanceof AuditError ? auditFailure(formatted, cause) : masked(formatted, cause);
    const shown = { ...whole, message: shortened(whole.message) };
    const code = String(shown.extensions?.["code"]);
    if (ALARMS.has(code)) report({ code, error: cause, shown });
    return shown;
  };
}

/** The error of a request that is refused as a whole, before any part of it is executed. */
export function refusal(error: AuditError): GraphQLError {
  const { code, message, retryAfterMs } = error;
  const headers = new HeaderMap(retryAfterMs === undefined ? [] : [["retry-after", retryAfter(retryAfterMs)]]);
  const http = { status: ERRORS[code].status, headers };
  return new GraphQLError(message, { originalError: error, extensions: { code, http } });
}

/** A resolver's error has a path, a refusal does not. */
function causeOf(error: unknown): unknown {
  const isRefusal = error instanceof GraphQLError && error.originalError instanceof AuditError;
  return isRefusal ? error.originalError : unwrapResolverError(error);
}

/** An expected failure as a client may see it; `at` has its path, if any. */
export function auditFailure(at: Partial<GraphQLFormattedError>, error: AuditError): GraphQLFormattedError {
  const { code, retryAfterMs, outcome } = error;
  const problems = error.problems.map(inApiSpelling);
  const detail = {
    ...(problems.length > 0 && { problems }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(outcome !== undefined && { outcome }),
  };
  // In the API's spelling, followed by what the message says beyond its problems.
  const rest = error.message.slice(problemText(error.problems).length);
  const message = problems.length > 0 ? problemText(problems) + rest : error.message;
  return { ...at, message, extensions: { code, ...detail } };
}

/** GraphQL's own errors have codes; an error without one was not expected, and its message may reveal too much. */
function masked(formatted: GraphQLFormattedError, cause: unknown): GraphQLFormattedError {
  const code = formatted.extensions?.["code"];
  // An error of a store or library may have extensions of its own, which GraphQL copies.
  const isGraphqls = cause instanceof GraphQLError && typeof code === "string" && code !== UNEXPECTED;
  if (isWrongMethod(cause)) return { ...formatted, extensions: { code: "METHOD_NOT_ALLOWED" } };
  if (isGraphqls) return isOutOfStack(cause) ? { ...formatted, message: NESTED_TOO_DEEPLY } : formatted;
  if (isUnreadable(cause)) return { ...formatted, extensions: { code: "BAD_REQUEST" } };
  if (isBadArgument(cause)) return { ...formatted, extensions: { code: "BAD_USER_INPUT" } };
  const id = randomUUID();
  const message = `Unexpected error: tell the operator the id ${id}, under which the gateway's log has it.`;
  return { ...formatted, message, extensions: { code: UNEXPECTED, id } };
}

/** GraphQL quotes refused values at any length: the beginning says where it was, the end what was expected. */
export function shortened(message: string): string {
  if (message.length <= MAX_MESSAGE_CHARACTERS) return message;
  return `${message.slice(0, MAX_MESSAGE_CHARACTERS / 2)} … ${message.slice(-MAX_MESSAGE_CHARACTERS / 2)}`;
}

/** Apollo reports whatever its parser threw as a syntax error. */
function isOutOfStack({ originalError }: GraphQLError): boolean {
  return originalError instanceof GraphQLError ? isOutOfStack(originalError) : originalError instanceof RangeError;
}

/**
 * Apollo's refusals before there is a document, such as a persisted query whose text has another hash, have only a
 * status.
 */
function isUnreadable(cause: unknown): boolean {
  return cause instanceof GraphQLError && cause.path === undefined && statusOf(cause) === ERRORS.BAD_REQUEST.status;
}

/** Apollo's code for a mutation by GET is that of any bad request. */
function isWrongMethod(cause: unknown): boolean {
  return cause instanceof GraphQLError && statusOf(cause) === ERRORS.METHOD_NOT_ALLOWED.status;
}

function statusOf({ extensions: { http } }: GraphQLError): unknown {
  return typeof http === "object" && http !== null && "status" in http ? http.status : undefined;
}

/**
 * GraphQL finds a variable's null in a non-null place only when it executes the field, and gives that error no code;
 * the error that ends a long list of invalid variables has none either.
 */
function isBadArgument(cause: unknown): boolean {
  if (!(cause instanceof GraphQLError) || cause.originalError !== undefined) return false;
  return cause.message.startsWith('Argument "') || cause.message.startsWith("Too many errors processing variables");
}

/** An event in a request, and a member of it. */
const IN_EVENT = /^(event|events\[\d+\])(\.\w+|\["[^]*)/;
const API_MEMBERS: readonly string[] = [...EVENT_FIELDS, "tenantId", "signature", "publicKey", "custom"];

/** Whether a member is not in the API and so was sent in `custom`. */
function isOwnMember(member: string): boolean {
  return !API_MEMBERS.includes(member.slice(1));
}

/** The service uses hashed names; the client wrote the API's. */
export function inApiSpelling(problem: FieldProblem): FieldProblem {
  const path = problem.path
    .replace(/\btenant_id\b/, "tenantId")
    .replace(/\bpublic_key\b/, "publicKey")
    .replace(IN_EVENT, (whole, event: string, member: string) =>
      isOwnMember(member) ? `${event}.custom${member}` : whole,
    );
  return { ...problem, path: path.length > MAX_PATH_CHARACTERS ? `${path.slice(0, MAX_PATH_CHARACTERS - 1)}…` : path };
}
