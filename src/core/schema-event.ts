import { utf8 } from "./bytes.js";
import {
  exceedsCharacters,
  fieldText,
  roomLeft,
  takesJson,
  type AuditEvent,
  type EventInput,
  type EventRules,
  type EventValue,
  type MalformedField,
  type ParsedEvent,
} from "./event.js";
import { eventRules, MAX_EVENT_BYTES } from "./event-rules.js";
import { isTextual, sizeOf, type EventSchema, type SchemaField } from "./event-schema.js";
import {
  canonicalJson,
  isPlainObject,
  jsonProblems,
  memberPath,
  nameOf,
  textProblems,
  type FieldProblem,
  type JsonObject,
} from "./json.js";
import { isRfc3339 } from "./segment/event-time.js";

/** What is wrong with one field. */
interface Misfit {
  readonly name: string;
  readonly value: unknown;
  readonly field: SchemaField | undefined;
  readonly problem: FieldProblem;
}

/** The rules of a pangea log with a schema of its own. */
export function schemaRules(schema: EventSchema): EventRules {
  return {
    ...eventRules("pangea"),
    maxEventBytes: MAX_EVENT_BYTES,
    isUnsignable: !schema.client_signable,
    checkBySchema: (event, path) => checkSchemaEvent(event, path, schema),
  };
}

/**
 * Checks an event without nulls by its log's schema. Where the schema keeps malformed events, what does not fit moves from the
 * event to `malformed`; but not its message, without which there is no event, and nothing that canonical JSON cannot write.
 */
function checkSchemaEvent(event: EventInput, path: string, schema: EventSchema): ParsedEvent {
  if (roomLeft(event, MAX_EVENT_BYTES) < 0) return { kind: "invalid", problems: [tooLarge(path, "more")] };
  const unwritable = Object.entries(event).flatMap(([name, value]) => {
    const at = memberPath(path, name);
    return [...textProblems(name, at), ...jsonProblems(value, at, { takesNul: false, depth: 0 })];
  });
  if (unwritable.length > 0) return { kind: "invalid", problems: unwritable };
  const misfits = misfitsOf(event, path, schema);
  if (schema.save_malformed === "reject" || misfits.some(({ name }) => name === "message")) {
    if (misfits.length > 0) return { kind: "invalid", problems: misfits.map(({ problem }) => problem) };
  }
  const bad = misfits.map(({ name }) => name);
  const fitting = Object.fromEntries(Object.entries(event).filter(([name]) => !bad.includes(name)));
  if (!isEvent(fitting)) return { kind: "invalid", problems: [] };
  const malformed = misfits.map((misfit) => malformedField(misfit, schema));
  const bytes = utf8(canonicalJson([{ ...(fitting as AuditEvent) }, malformed])).length;
  if (bytes > MAX_EVENT_BYTES) return { kind: "invalid", problems: [tooLarge(path, `${bytes} bytes`)] };
  return { kind: "valid", event: fitting, malformed };
}

function tooLarge(path: string, got: string): FieldProblem {
  return { path, expected: `an event of at most ${MAX_EVENT_BYTES} bytes as canonical JSON`, got };
}

function misfitsOf(event: EventInput, path: string, { fields }: EventSchema): readonly Misfit[] {
  const byId = new Map<string, SchemaField>(fields.map((field) => [field.id, field]));
  const names = new Set([...fields.map(({ id }) => id), ...Object.keys(event)]);
  return [...names].flatMap((name) => {
    const [value, field, at] = [event[name], byId.get(name), memberPath(path, name)];
    const problem = field === undefined ? unknownField(at, fields) : fieldProblem(value, field, at);
    return problem === undefined ? [] : [{ name, value, field, problem }];
  });
}

function unknownField(path: string, fields: readonly SchemaField[]): FieldProblem {
  return { path, expected: `one of ${fields.map(({ id }) => id).join(", ")}`, got: "an unknown field" };
}

function fieldProblem(value: unknown, field: SchemaField, path: string): FieldProblem | undefined {
  const expected = expectedOf(field);
  if (value === undefined) return field.required === true ? { path, expected, got: "nothing" } : undefined;
  const got = misfit(value, field);
  return got === undefined ? undefined : { path, expected, got };
}

function expectedOf(field: SchemaField): string {
  switch (field.type) {
    case "boolean":
      return "true or false";
    case "integer":
      return "an integer of at most 2^53 - 1";
    case "datetime":
      return "an RFC 3339 time such as 2026-01-31T09:00:00Z";
    case "string":
    case "string-unindexed":
    case "text":
      return `text of ${field.id === "message" ? 1 : 0} to ${sizeOf(field)} characters`;
  }
}

/** What a value is in place of what its field asks for; undefined where it is that. */
function misfit(value: unknown, field: SchemaField): string | undefined {
  const { id, type } = field;
  if (type === "boolean") return typeof value === "boolean" ? undefined : nameOf(value);
  if (type === "integer") {
    if (typeof value !== "number") return nameOf(value);
    return Number.isSafeInteger(value) ? undefined : String(value);
  }
  // An object is hashed as its canonical text.
  const text =
    typeof value === "string"
      ? value
      : takesJson(id) && isPlainObject(value)
        ? canonicalJson(value as JsonObject)
        : undefined;
  if (text === undefined) return nameOf(value);
  if (exceedsCharacters(text, sizeOf(field))) return "more";
  if (id === "message" && text === "") return "empty text";
  return type === "datetime" && isTextual(type) && !isRfc3339(text) ? "other text" : undefined;
}

function malformedField({ name, value, field, problem }: Misfit, schema: EventSchema): MalformedField {
  const isDropped = schema.save_malformed === "unredacted" && field?.redact === true;
  return {
    error: `expected ${problem.expected}, got ${problem.got}`,
    field: name,
    ...(value !== undefined && !isDropped && { value: fieldText(value as EventValue) }),
  };
}

/** An event of fields that fit, its message among them. */
function isEvent(event: EventInput): event is EventInput & AuditEvent {
  return "message" in event;
}
