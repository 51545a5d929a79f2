import { base64, utf8 } from "../core/bytes.js";
import {
  characterCount,
  parseEvent,
  type AuditEvent,
  type EventRules,
  type FieldProblem,
  type MalformedField,
} from "../core/event.js";
import type { LogFormat } from "../core/format.js";
import { memberPath, textProblems } from "../core/json.js";
import { MAX_SIGNATURE_CHARACTERS, publicKeyText, signatureVerdict, type Ed25519 } from "../core/signature.js";
import type { ReasonCode } from "../core/verdict.js";
import { badInput } from "./errors.js";
import { MAX_REQUEST_EVENTS, type LogRequest, type RefusedEvent, type SignedEvent } from "./service.js";

/** A checked event that may be logged, with its author's signature if there is one. */
export interface CheckedEvent {
  readonly event: AuditEvent;
  /** Values that did not fit the log's schema and are kept beside the event; absent if all fitted. */
  readonly malformed?: readonly MalformedField[];
  readonly signature?: string;
  readonly publicKey?: string;
}

/** A request's events that may be logged, in order, and those that it skips. */
export interface CheckedRequest {
  readonly accepted: readonly AcceptedEvent[];
  readonly refused: readonly RefusedEvent[];
}

export interface AcceptedEvent {
  /** As the caller sent it. */
  readonly sent: SignedEvent;
  readonly checked: CheckedEvent;
}

/** The maximum number of problems collected for one request. */
const MAX_FOUND_PROBLEMS = 1_000;

/** Signs events on behalf of callers, and verifies events that callers signed. */
export interface EventSigner {
  readonly seed: Uint8Array;
  readonly ed25519: Ed25519;
}

/** The log that a request is for. */
export interface CheckedLog {
  readonly format: LogFormat;
  readonly rules: EventRules;
  /** Whether a service keeps the log: then an event goes there whole, and is signed whole. */
  readonly isServed?: boolean;
}

/**
 * Parses a request's events and verifies their signatures, or signs them with the gateway's key where requested. Throws
 * BAD_USER_INPUT naming every bad path of every event, unless the request skips invalid events and has a valid one.
 */
export function checkRequest(request: LogRequest, log: CheckedLog, signer: EventSigner): CheckedRequest {
  const { length } = request.events;
  if (length < 1 || length > MAX_REQUEST_EVENTS) {
    throw badInput([{ path: request.path, expected: `1 to ${MAX_REQUEST_EVENTS} events`, got: String(length) }]);
  }
  const accepted: AcceptedEvent[] = [];
  const bad: RefusedEvent[] = [];
  let found = 0;
  for (const [index, sent] of request.events.entries()) {
    // By then, a caller whose request will not be logged has seen enough mistakes.
    if (found >= MAX_FOUND_PROBLEMS && request.skipInvalid !== true) break;
    const path = request.path === "event" ? "event" : `events[${index}]`;
    const outcome = checkEvent(sent, path, { log, signer, sign: request.sign });
    if (outcome.kind === "checked") accepted.push({ sent, checked: outcome.checked });
    else {
      bad.push({ index, problems: outcome.problems });
      found += outcome.problems.length;
    }
  }
  const problems = [...bad.flatMap((event) => event.problems), ...keyProblems(request), ...signProblems(request, log)];
  const isRefused = request.skipInvalid !== true || accepted.length === 0 || problems.length > countIn(bad);
  if (problems.length > 0 && isRefused) throw badInput(problems);
  return { accepted, refused: bad.map(shortened) };
}

const MAX_KEY_CHARACTERS = 128;

/** The problem with a request's idempotency key, if there is one. */
function keyProblems({ idempotencyKey }: LogRequest): readonly FieldProblem[] {
  if (idempotencyKey === undefined) return [];
  const path = "idempotencyKey";
  const characters = characterCount(idempotencyKey);
  if (characters >= 1 && characters <= MAX_KEY_CHARACTERS) return textProblems(idempotencyKey, path);
  return [{ path, expected: `1 to ${MAX_KEY_CHARACTERS} characters`, got: String(characters) }];
}

/** A service refuses every signature that its schema does not allow, also the gateway's. */
function signProblems(
  { sign }: LogRequest,
  { isServed = false, rules: { isUnsignable = false } }: CheckedLog,
): readonly FieldProblem[] {
  if (!sign || !isServed || !isUnsignable) return [];
  return [{ path: "sign", expected: "false: the log's schema is not client_signable", got: "true" }];
}

function countIn(refused: readonly RefusedEvent[]): number {
  return refused.reduce((sum, { problems }) => sum + problems.length, 0);
}

/** Reports of skipped events must stay small compared with the request. */
const MAX_TOLD_PROBLEMS = 10;
const MAX_PATH = 512;

function shortened({ index, problems }: RefusedEvent): RefusedEvent {
  const told = problems.slice(0, MAX_TOLD_PROBLEMS).map((problem) => ({ ...problem, path: cut(problem.path) }));
  return { index, problems: told };
}

function cut(path: string): string {
  return path.length <= MAX_PATH ? path : `${path.slice(0, MAX_PATH - 1)}…`;
}

interface CheckOptions {
  readonly log: CheckedLog;
  readonly signer: EventSigner;
  readonly sign: boolean;
}

type CheckOutcome =
  | { readonly kind: "checked"; readonly checked: CheckedEvent }
  | { readonly kind: "bad"; readonly problems: readonly FieldProblem[] };

function checkEvent(signed: SignedEvent, path: string, options: CheckOptions): CheckOutcome {
  const parsed = parseEvent(signed.event, path, options.log.rules);
  const textual = signatureTextProblems(signed, path);
  if (parsed.kind === "invalid") return { kind: "bad", problems: [...parsed.problems, ...textual] };
  const schematic = signedBySchema(parsed.malformed, path, { ...options, isSigned: signed.signature !== undefined });
  if (textual.length + schematic.length > 0) return { kind: "bad", problems: [...textual, ...schematic] };
  const { malformed } = parsed;
  const outcome = checkSignature(parsed.event, signed, { ...options, path });
  if (outcome.kind === "bad" || malformed.length === 0) return outcome;
  return { kind: "checked", checked: { ...outcome.checked, malformed } };
}

/** Why a schema refuses an event's signature: its author signed values that would be kept beside the event. */
function signedBySchema(
  malformed: readonly MalformedField[],
  path: string,
  { log: { rules, isServed = false }, sign, isSigned }: CheckOptions & { readonly isSigned: boolean },
): readonly FieldProblem[] {
  if (!isSigned && !(sign && isServed)) return [];
  if (isSigned && rules.isUnsignable === true)
    return [
      { path: `${path}.signature`, expected: "none: the log's schema is not client_signable", got: "a signature" },
    ];
  return malformed.map(({ error, field }) => ({
    path: memberPath(path, field),
    expected: "a value that fits the log's schema, as the event is signed",
    got: `one of which it is ${error}`,
  }));
}

/** Checks signature and key without the event. */
function signatureTextProblems({ signature, publicKey }: SignedEvent, path: string): readonly FieldProblem[] {
  if (signature !== undefined && publicKey === undefined) {
    return [{ path: `${path}.publicKey`, expected: "the key that the signature was made with", got: "nothing" }];
  }
  if (signature === undefined && publicKey !== undefined) {
    return [{ path: `${path}.signature`, expected: "a signature made with the public key", got: "nothing" }];
  }
  return [...shortText(signature ?? "", `${path}.signature`), ...shortText(publicKey ?? "", `${path}.publicKey`)];
}

function shortText(text: string, path: string): readonly FieldProblem[] {
  if (text.length <= MAX_SIGNATURE_CHARACTERS) return textProblems(text, path);
  return [{ path, expected: `at most ${MAX_SIGNATURE_CHARACTERS} characters`, got: `${text.length} characters` }];
}

function checkSignature(
  event: AuditEvent,
  { signature, publicKey }: SignedEvent,
  { log: { format }, signer, sign, path }: CheckOptions & { readonly path: string },
): CheckOutcome {
  if (signature === undefined || publicKey === undefined) {
    return { kind: "checked", checked: sign ? signEvent(event, format, signer) : { event } };
  }
  const envelope = { event, received_at: "", signature, public_key: publicKey };
  const verdict = signatureVerdict(envelope, format, signer.ed25519);
  if (verdict.kind === "VALID") return { kind: "checked", checked: { event, signature, publicKey } };
  return { kind: "bad", problems: [signatureProblem(verdict.reason, { event, path })] };
}

function signatureProblem(
  reason: ReasonCode,
  { event, path }: { readonly event: AuditEvent; readonly path: string },
): FieldProblem {
  if (reason === "MALFORMED_SIGNATURE") {
    return { path: `${path}.signature`, expected: "base64 of the 64 bytes of an Ed25519 signature", got: "other text" };
  }
  if (reason === "MALFORMED_PUBLIC_KEY") {
    return { path: `${path}.publicKey`, expected: "an Ed25519 public key as PEM, base64 or JSON", got: "other text" };
  }
  // Members under their hashed names, which may differ from those of the API that the caller used.
  const members = Object.keys(event).sort().join(", ");
  const expected = `the key's signature over the event's canonical JSON with the members ${members}`;
  return { path: `${path}.signature`, expected, got: "a signature that does not verify" };
}

function signEvent(event: AuditEvent, format: LogFormat, { seed, ed25519 }: EventSigner): CheckedEvent {
  const signature = base64(ed25519.sign(utf8(format.signedText(event)), seed));
  return { event, signature, publicKey: publicKeyText(ed25519.publicKey(seed)) };
}
