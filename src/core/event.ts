import { canonicalJson, type JsonObject } from "./json.js";
import { isPlainObject, jsonProblems, memberPath, nameOf, textProblems, type FieldProblem } from "./problem.js";

export type { FieldProblem } from "./problem.js";

/** Every field of an event, by its hashed name. */
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

/** The most characters (Unicode code points) a field may have; of an object, those of its canonical text. */
export const FIELD_LIMITS: Readonly<Record<EventField, number>> = {
  message: 32_766,
  actor: 128,
  action: 32,
  new: 32_766,
  old: 32_766,
  source: 128,
  status: 32,
  target: 128,
  timestamp: 128,
  tenant_id: 128,
};

/** What message, new and old hold: text, or a JSON object that stays an object. */
export type EventText = string | JsonObject;

/** What the user says happened. Absent fields are absent: there are no nulls here. */
export interface AuditEvent {
  readonly message: EventText;
  readonly actor?: string;
  readonly action?: string;
  readonly new?: EventText;
  readonly old?: EventText;
  readonly source?: string;
  readonly status?: string;
  readonly target?: string;
  readonly timestamp?: string;
  readonly tenant_id?: string;
}

/** What is hashed: the event, when it was received, and the caller's signature if there is one. */
export interface Envelope {
  readonly event: AuditEvent;
  /** RFC 3339 UTC with exactly six fractional digits and `Z`. */
  readonly received_at: string;
  readonly signature?: string;
  readonly public_key?: string;
}

export type ParsedEvent =
  | { readonly kind: "valid"; readonly event: AuditEvent }
  | { readonly kind: "invalid"; readonly problems: readonly FieldProblem[] };

/**
 * Reads an event from untrusted input. Null members are dropped; anything else that does not belong gives a problem for
 * each bad path, `path` being where the event stands in the caller's request. Never throws.
 */
export function parseEvent(input: unknown, path: string): ParsedEvent {
  if (!isPlainObject(input))
    return { kind: "invalid", problems: [{ path, expected: "an event object", got: nameOf(input) }] };
  const event = withoutNulls(input);
  const problems = [
    ...EVENT_FIELDS.flatMap((field) => fieldProblems(event, field, path)),
    ...unknownFields(event, path),
  ];
  return isEvent(event, problems) ? { kind: "valid", event } : { kind: "invalid", problems };
}

/** The text of message, new or old: an object's is its canonical JSON. */
export function fieldText(value: EventText): string {
  return typeof value === "string" ? value : canonicalJson(value);
}

/** Whether a field may hold a JSON object beside text. */
export function takesObject(field: EventField): boolean {
  return field === "message" || field === "new" || field === "old";
}

type EventInput = Readonly<Record<string, unknown>>;

/** fromEntries defines members, so that a key `__proto__` stays a key and is refused like any unknown field. */
function withoutNulls(input: EventInput): EventInput {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null && value !== undefined));
}

function isEvent(event: EventInput, problems: readonly FieldProblem[]): event is EventInput & AuditEvent {
  return problems.length === 0 && "message" in event;
}

function unknownFields(event: EventInput, path: string): readonly FieldProblem[] {
  const known: readonly string[] = EVENT_FIELDS;
  return Object.keys(event)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: memberPath(path, key), expected: `one of ${known.join(", ")}`, got: "an unknown field" }));
}

function fieldProblems(event: EventInput, field: EventField, parent: string): readonly FieldProblem[] {
  const path = memberPath(parent, field);
  const value = event[field];
  if (value === undefined) return field === "message" ? [{ path, expected: expectation(field), got: "nothing" }] : [];
  const problems = valueProblems(value, field, path);
  return problems.length > 0 ? problems : sizeProblems(value as EventText, field, path);
}

function valueProblems(value: unknown, field: EventField, path: string): readonly FieldProblem[] {
  if (typeof value === "string") return textProblems(value, path);
  if (takesObject(field) && isPlainObject(value)) return jsonProblems(value, path);
  return [{ path, expected: expectation(field), got: nameOf(value) }];
}

function sizeProblems(value: EventText, field: EventField, path: string): readonly FieldProblem[] {
  const text = fieldText(value);
  if (field === "message" && text === "") return [{ path, expected: expectation(field), got: "empty text" }];
  if (text.length <= FIELD_LIMITS[field]) return [];
  const characters = characterCount(text);
  if (characters <= FIELD_LIMITS[field]) return [];
  return [{ path, expected: expectation(field), got: `${characters} characters` }];
}

function expectation(field: EventField): string {
  const what = takesObject(field) ? "text or a JSON object" : "text";
  return `${what} of ${field === "message" ? "1" : "0"} to ${FIELD_LIMITS[field]} characters`;
}

/** Unicode code points. */
export function characterCount(text: string): number {
  let count = 0;
  for (const character of text) if (character !== "") count += 1;
  return count;
}
