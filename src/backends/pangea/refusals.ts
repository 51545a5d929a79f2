import { AuditError, badInput, type WriteOutcome } from "../../audit/errors.js";
import type { FieldProblem } from "../../core/event.js";
import { isPlainObject, memberPath } from "../../core/json.js";
import { excerpt } from "../../query/excerpt.js";

/** What the service said instead of a result. */
export interface Refusal {
  readonly httpStatus: number;
  /** The protocol's status, such as `ValidationError`; empty when the body is not the protocol's. */
  readonly status: string;
  readonly summary: string;
  readonly result: unknown;
  readonly retryAfterMs: number | undefined;
}

/** Whose fault a status is, and so which of our codes it becomes. */
type Blame = "caller" | "absent" | "gateway" | "later";

/**
 * Protocol section 1.3. A token or a configuration that the service refuses is the gateway's, not that of the caller,
 * who can do nothing about it: UNAVAILABLE, like a limit that all callers share.
 */
const BLAMES: Readonly<Record<string, Blame>> = {
  ValidationError: "caller",
  BadOffset: "caller",
  NotFound: "absent",
  TreeNotFound: "absent",
  Unauthorized: "gateway",
  NoCredit: "gateway",
  ServiceNotEnabled: "gateway",
  MissingConfigID: "gateway",
  MissingConfigIDScope: "gateway",
  TooManyRequests: "later",
  ServiceNotAvailable: "later",
  ProviderError: "later",
  InternalError: "later",
};

const RETRY_AFTER_MS = 1_000;
const MAX_SUMMARY = 200;

/** The write that was refused, if it was one. */
export interface RefusedWrite {
  /** What became of it; a read has none. */
  readonly outcome: WriteOutcome | undefined;
  /** Whether an earlier try of it may have been stored: then what is wrong with this one is not the whole story. */
  readonly isRepeated: boolean;
}

/** The error of a refused call. */
export function errorOf(refusal: Refusal, { outcome, isRepeated }: RefusedWrite): AuditError {
  const { httpStatus, status, summary, retryAfterMs } = refusal;
  const said = `${status === "" ? `HTTP ${httpStatus}` : status}: ${summary.slice(0, MAX_SUMMARY)}`;
  switch (blameOf(refusal)) {
    case "caller": {
      if (!isRepeated) return badInput(problemsOf(refusal));
      const message = `The audit service failed, and refuses the repeated request (${said}): search for its events.`;
      return new AuditError("UNAVAILABLE", message, { outcome });
    }
    case "absent":
      // A write names nothing that could be absent but the endpoint itself.
      if (outcome !== undefined) return misconfigured(said, outcome);
      return new AuditError("NOT_FOUND", `The audit service does not have it (${said}).`);
    case "gateway":
      return misconfigured(said, outcome);
    case "later": {
      const message = `The audit service cannot do it now (${said}): try again.`;
      return new AuditError("UNAVAILABLE", message, { retryAfterMs: retryAfterMs ?? RETRY_AFTER_MS, outcome });
    }
  }
}

function misconfigured(said: string, outcome: WriteOutcome | undefined): AuditError {
  const message = `The audit service refuses this gateway (${said}): its operator must check URL, token and config id.`;
  return new AuditError("UNAVAILABLE", message, { outcome });
}

function blameOf({ status, httpStatus }: Refusal): Blame {
  const known = Object.hasOwn(BLAMES, status) ? BLAMES[status] : undefined;
  if (known !== undefined) return known;
  return httpStatus >= 500 || httpStatus === 429 ? "later" : "gateway";
}

/** Protocol section 1.4: what is wrong, with the service's JSON pointers as our paths. */
function problemsOf({ status, summary, result }: Refusal): readonly FieldProblem[] {
  const listed: unknown = isPlainObject(result) ? result["errors"] : undefined;
  const errors = Array.isArray(listed) ? (listed as readonly unknown[]).filter(isPlainObject) : [];
  if (errors.length === 0)
    return [{ path: "request", expected: `what the audit service accepts`, got: told(summary || status) }];
  return errors.map(({ source, detail, code }) => ({
    path: pathOf(typeof source === "string" ? source : ""),
    ...(ownDetail(told(detail)) ??
      syntaxDetail(told(detail)) ?? { expected: `what the audit service accepts (${told(code)})`, got: told(detail) }),
  }));
}

/** What a gateway of this project says of a problem is what it would say here. */
function ownDetail(detail: string): Pick<FieldProblem, "expected" | "got"> | undefined {
  const [, expected, got] = /^expected (.+?), got (.+)$/s.exec(detail) ?? [];
  return expected === undefined || got === undefined ? undefined : { expected, got };
}

/** A syntax error in a query (section 6.4), with its place counted from 0. */
const SYNTAX_ERROR = /^syntax error at (.*): LexToken\(\w+,'.*',\d+,(\d{1,6})\)$/s;

function syntaxDetail(detail: string): Pick<FieldProblem, "expected" | "got"> | undefined {
  const [, text, place] = SYNTAX_ERROR.exec(detail) ?? [];
  if (text === undefined || place === undefined) return undefined;
  const expected = `at column ${Number(place) + 1} what the audit service's query language has there`;
  return { expected, got: text === "" ? "the end of the query" : excerpt(text) };
}

function told(text: unknown): string {
  return typeof text === "string" ? text.slice(0, MAX_SUMMARY) : "something else";
}

const MAX_POINTER = 512;

/** A JSON pointer (RFC 6901) as our errors write paths: `/events/3/event/actor` is `events[3].actor`. */
export function pathOf(pointer: string): string {
  const steps = pointer
    .slice(0, MAX_POINTER)
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  // The protocol wraps each event of a list beside its signature; our requests do not.
  if (steps[0] === "events" && steps[2] === "event") steps.splice(2, 1);
  const [first = "request", ...rest] = steps;
  return rest.reduce((path, step) => (/^\d{1,6}$/.test(step) ? `${path}[${step}]` : memberPath(path, step)), first);
}
