import { utf8 } from "./bytes.js";
import {
  canonicalJson,
  isPlainObject,
  jsonProblems,
  MAX_JSON_DEPTH,
  memberPath,
  nameOf,
  textProblems,
  withoutNulls,
  type Json,
  type JsonObject,
  type FieldProblem,
} from "./json.js";

export type { FieldProblem } from "./json.js";

/** Every field of an event, by the name that is hashed. */
export const EVENT_FIELDS = [
  "message",
  "actor",
  "action",
  "new",
  "old",
  "source",
  "status",
  "target",
  "timestamp",
  "tenant_id",
] as const;

export type EventField = (typeof EVENT_FIELDS)[number];

declare const customField: unique symbol;
/** The id of a field that a log's own schema adds to those of every event. */
export type CustomField = string & { readonly [customField]: true };

/** Any field of an event. */
export type FieldName = EventField | CustomField;

/** The value of a custom field; a number is an integer of at most 2^53 - 1. */
export type CustomValue = string | number | boolean;

/** The type of message, new and old: text or another JSON value. Each keeps its type. */
export type EventValue = Exclude<Json, null>;

/** What the user says happened. Absent fields are left out: there are no nulls here. */
export interface AuditEvent {
  readonly message: EventValue;
  readonly actor?: string;
  readonly action?: string;
  readonly new?: EventValue;
  readonly old?: EventValue;
  readonly source?: string;
  readonly status?: string;
  readonly target?: string;
  /** The application's time, in its own spelling: text such as RFC 3339, or a number such as seconds since 1970. */
  readonly timestamp?: string | number;
  readonly tenant_id?: string;
  readonly [field: CustomField]: CustomValue;
}

/** A value that does not fit its log's schema, kept beside the event and hashed with it. */
export interface MalformedField extends JsonObject {
  /** What is wrong. */
  readonly error: string;
  readonly field: string;
}

/** What is hashed: the event, the time it was received, and the caller's signature if there is one. */
export interface Envelope {
  readonly event: AuditEvent;
  /** RFC 3339 UTC with exactly six fractional digits and `Z`. */
  readonly received_at: string;
  /** A list of MalformedField: the event did not fit its log's schema and was kept all the same. Other services' may be other JSON. */
  readonly err?: Json;
  readonly signature?: string;
  readonly public_key?: string;
}

/**
 * The maximum length of a field, in Unicode code points or bytes of UTF-8; a value that is not text counts as its
 * canonical JSON.
 */
export interface FieldLimit {
  readonly most: number;
  readonly unit: "characters" | "bytes";
}

/**
 * What a log accepts as an event. Checked before an event is logged; stored events are shown whatever the rules say.
 */
export interface EventRules {
  readonly limits: Readonly<Record<EventField, FieldLimit>>;
  /** The maximum bytes of the whole event's canonical JSON. */
  readonly maxEventBytes: number;
  /** Whether message, new and old may be any JSON value and timestamp a number; else text or an object, and text. */
  readonly takesAnyJson: boolean;
  /** Whether texts may contain U+0000, which canonical JSON escapes. */
  readonly takesNul: boolean;
  /** Whether no event may have its author's signature. */
  readonly isUnsignable?: boolean;
  /** Checks an event without nulls by the log's schema, in place of all other rules. */
  readonly checkBySchema?: ((event: EventInput, path: string) => ParsedEvent) | undefined;
}

/** An unchecked object that may be an event. */
export type EventInput = Readonly<Record<string, unknown>>;

export type ParsedEvent =
  /** `malformed`: values that did not fit the log's schema, which says to keep them. */
  | { readonly kind: "valid"; readonly event: AuditEvent; readonly malformed: readonly MalformedField[] }
  | { readonly kind: "invalid"; readonly problems: readonly FieldProblem[] };

/**
 * Reads an event from untrusted input, under its log's rules. Null members are dropped; everything else that is wrong
 * gives one problem per bad path. `path` is where the event stands in the caller's request. Never throws.
 */
export function parseEvent(input: unknown, path: string, rules: EventRules): ParsedEvent {
  if (!isPlainObject(input))
    return { kind: "invalid", problems: [{ path, expected: "an event object", got: nameOf(input) }] };
  if (rules.checkBySchema !== undefined) return rules.checkBySchema(withoutNulls(input), path);
  const event = withoutNulls(input);
  const fields = EVENT_FIELDS.map((field) => checkField(event[field], field, { path: memberPath(path, field), rules }));
  const problems = [...fields.flatMap((field) => field.problems), ...unknownFields(event, path)];
  if (!isEvent(event, problems)) return { kind: "invalid", problems };
  const length = fields.reduce((sum, field) => sum + field.length, 0);
  const tooLarge = eventSizeProblems(event, length, { path, rules });
  return tooLarge.length === 0 ? { kind: "valid", event, malformed: [] } : { kind: "invalid", problems: tooLarge };
}

/** A field as text: its canonical JSON if it is not text. */
export function fieldText(value: EventValue): string {
  return typeof value === "string" ? value : canonicalJson(value);
}

/** Whether a field may hold JSON other than text, of any kind and size. */
export function takesJson(field: FieldName): boolean {
  return field === "message" || field === "new" || field === "old";
}

/** Unicode code points. */
export function characterCount(text: string): number {
  let count = 0;
  for (const character of text) if (character !== "") count += 1;
  return count;
}

/** Whether a text has more characters than that; a text that is much too long is not read. */
export function exceedsCharacters(text: string, most: number): boolean {
  if (text.length <= most) return false;
  return text.length > MAX_UNITS * most || characterCount(text) > most;
}

/** UTF-16 units of one character. */
const MAX_UNITS = 2;

function isEvent(event: EventInput, problems: readonly FieldProblem[]): event is EventInput & AuditEvent {
  return problems.length === 0 && "message" in event;
}

function unknownFields(event: EventInput, path: string): readonly FieldProblem[] {
  const known: readonly string[] = EVENT_FIELDS;
  return Object.keys(event)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: memberPath(path, key), expected: `one of ${known.join(", ")}`, got: "an unknown field" }));
}

/** A place in the caller's request, and the rules that apply there. */
interface Check {
  readonly path: string;
  readonly rules: EventRules;
}

interface CheckedField {
  readonly problems: readonly FieldProblem[];
  /** UTF-16 units of the field's text. */
  readonly length: number;
}

const ABSENT: CheckedField = { problems: [], length: 0 };

function checkField(value: unknown, field: EventField, check: Check): CheckedField {
  if (value === undefined) return field === "message" ? wrong(problem(field, check, "nothing")) : ABSENT;
  const problems = valueProblems(value, field, check);
  return problems.length > 0 ? wrong(...problems) : checkSize(fieldText(value as EventValue), field, check);
}

function wrong(...problems: readonly FieldProblem[]): CheckedField {
  return { problems, length: 0 };
}

function valueProblems(value: unknown, field: EventField, check: Check): readonly FieldProblem[] {
  const { path, rules } = check;
  if (typeof value === "string") return sizeProblems(value, field, check) ?? textProblems(value, path, rules.takesNul);
  const isValue = takesJson(field) && (rules.takesAnyJson || isPlainObject(value));
  const isTime = field === "timestamp" && rules.takesAnyJson && typeof value === "number";
  if (isValue || isTime)
    return sizeProblems(value, field, check) ?? jsonProblems(value, path, { takesNul: rules.takesNul, depth: 0 });
  return [problem(field, check, nameOf(value))];
}

/** How far a field must exceed its limit before its exact size no longer helps the caller. */
const FAR_BEYOND = 4;

/**
 * The problem of a value far beyond its limit, found without visiting each of its parts; undefined for any other value,
 * which may still be slightly too large.
 */
function sizeProblems(value: unknown, field: EventField, check: Check): readonly FieldProblem[] | undefined {
  const { most, unit } = check.rules.limits[field];
  // JSON other than text is not canonicalized in vain: each of its UTF-16 units takes at least one byte.
  const room = typeof value === "string" ? FAR_BEYOND * most : MAX_UNITS * most;
  if (roomLeft(value, room) >= 0) return undefined;
  return [problem(field, check, `more than ${most} ${unit}`)];
}

/**
 * How many of these UTF-16 units are left after the least that a value's canonical JSON takes; negative as soon as the
 * value cannot fit. Descends no deeper than an event may nest.
 */
export function roomLeft(value: unknown, room: number, depth = 0): number {
  if (typeof value === "string") return room - value.length;
  if (typeof value !== "object" || value === null || depth > MAX_JSON_DEPTH) return room - 1;
  let left = room - 1;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && left >= 0; i++) left = roomLeft(value[i], left - 1, depth + 1);
    return left;
  }
  for (const [key, member] of Object.entries(value)) {
    left = roomLeft(member, left - key.length - PUNCTUATION, depth + 1);
    if (left < 0) break;
  }
  return left;
}

/** Around a member of an object: quotes, a colon, a comma. */
const PUNCTUATION = 4;

/** Per UTF-16 unit: in UTF-8, and as JSON escapes it. */
const MAX_UTF8_BYTES = 3;
const MAX_ESCAPED_BYTES = 6;

function checkSize(text: string, field: EventField, check: Check): CheckedField {
  const { length } = text;
  if (field === "message" && length === 0) return wrong(problem(field, check, "empty text"));
  const { most, unit } = check.rules.limits[field];
  if (length * (unit === "bytes" ? MAX_UTF8_BYTES : 1) <= most) return { problems: [], length };
  const size = unit === "bytes" ? utf8(text).length : characterCount(text);
  return size <= most ? { problems: [], length } : wrong(problem(field, check, `${size} ${unit}`));
}

/** Escapes can make an event's canonical JSON several times as long as its texts, which have `length` UTF-16 units. */
function eventSizeProblems(event: AuditEvent, length: number, { path, rules }: Check): readonly FieldProblem[] {
  const { maxEventBytes } = rules;
  if ((length + NAMES_LENGTH) * MAX_ESCAPED_BYTES <= maxEventBytes) return [];
  const bytes = utf8(canonicalJson({ ...event })).length;
  if (bytes <= maxEventBytes) return [];
  return [{ path, expected: `an event of at most ${maxEventBytes} bytes as canonical JSON`, got: `${bytes} bytes` }];
}

/** An upper bound for the names of all fields and their punctuation. */
const NAMES_LENGTH = 256;

function problem(field: EventField, { path, rules }: Check, got: string): FieldProblem {
  const { most, unit } = rules.limits[field];
  const least = field === "message" ? 1 : 0;
  return { path, expected: `${kindOf(field, rules)} of ${least} to ${most} ${unit}`, got };
}

function kindOf(field: EventField, { takesAnyJson }: EventRules): string {
  if (takesJson(field)) return takesAnyJson ? "text or other JSON" : "text or a JSON object";
  return field === "timestamp" && takesAnyJson ? "text or a number" : "text";
}
