import { digestOf, utf8, type Digest, type Sha256 } from "./bytes.js";
import { isCustomField } from "./custom-field.js";
import { EVENT_FIELDS, exceedsCharacters, type FieldName } from "./event.js";
import { pangeaLimit } from "./event-rules.js";
import { canonicalJson, isPlainObject, memberPath, nameOf, type FieldProblem } from "./json.js";

export const FIELD_TYPES = ["boolean", "datetime", "integer", "string", "string-unindexed", "text"] as const;

export type FieldType = (typeof FIELD_TYPES)[number];

/** How a log treats an event that does not fit its schema (docs/pangea.md). */
export const SAVE_MALFORMED = ["reject", "all", "unredacted"] as const;

export interface SchemaField {
  readonly id: FieldName;
  readonly type: FieldType;
  readonly name?: string;
  readonly description?: string;
  /** The maximum characters of a text. */
  readonly size?: number;
  readonly required?: boolean;
  /** Whether `unredacted` drops a malformed value of it. */
  readonly redact?: boolean;
  readonly partitioned?: boolean;
  readonly ui_default_visible?: boolean;
}

/** The fields of a log's events, as the Pangea protocol writes them (section 2.4). */
export interface EventSchema {
  /** Whether an event may have its author's signature. */
  readonly client_signable: boolean;
  readonly tamper_proofing: true;
  readonly save_malformed: (typeof SAVE_MALFORMED)[number];
  readonly fields: readonly SchemaField[];
}

export type ParsedSchema =
  | { readonly kind: "valid"; readonly schema: EventSchema }
  | { readonly kind: "invalid"; readonly problems: readonly FieldProblem[] };

export const MAX_SCHEMA_FIELDS = 128;
/** The maximum of `size`. */
export const MAX_FIELD_CHARACTERS = 262_144;

/** The `size` of a time that has none. */
const MAX_TIME_CHARACTERS = 128;

/** Reads a schema from untrusted JSON; names every bad path, below `path`. Never throws. */
export function parseSchema(input: unknown, path: string): ParsedSchema {
  if (!isPlainObject(input)) return { kind: "invalid", problems: [wrong(path, "a schema object", input)] };
  const { fields } = input;
  const problems = [
    ...memberProblems(input, path, SCHEMA_MEMBERS),
    ...fieldsProblems(fields, memberPath(path, "fields")),
  ];
  if (problems.length > 0 || !areFields(fields)) return { kind: "invalid", problems };
  const { client_signable = true, save_malformed = "reject" } = input as Partial<EventSchema>;
  return { kind: "valid", schema: { client_signable, tamper_proofing: true, save_malformed, fields } };
}

/** A service's schema without the members that mean nothing here, such as `vendor_id`. The rest is left to `parseSchema`. */
export function knownSchema(input: unknown): unknown {
  if (!isPlainObject(input)) return input;
  const { fields } = input;
  const known = Array.isArray(fields) ? fields.map((field: unknown) => knownMembers(field, FIELD_MEMBERS)) : fields;
  return knownMembers({ ...input, fields: known }, SCHEMA_MEMBERS);
}

function knownMembers(input: unknown, known: typeof SCHEMA_MEMBERS): unknown {
  if (!isPlainObject(input)) return input;
  return Object.fromEntries(Object.entries(input).filter(([name]) => Object.hasOwn(known, name)));
}

/**
 * SHA-256 of the part of a schema that never changes, as canonical JSON with every default written out and the fields
 * sorted by id. It leaves out what may change after the log was created: which fields are required or visible, their
 * order, names and descriptions.
 */
export function schemaDigest({ client_signable, save_malformed, fields }: EventSchema, sha256: Sha256): Digest {
  const fixed = fields.map((field) => {
    const { id, type, redact = false, partitioned = false } = field;
    return { id, type, redact, partitioned, ...(isTextual(type) && { size: sizeOf(field) }) };
  });
  fixed.sort((a, b) => (a.id < b.id ? -1 : 1));
  return digestOf(
    sha256(utf8(canonicalJson({ client_signable, tamper_proofing: true, save_malformed, fields: fixed }))),
  );
}

/** The maximum characters of a text in the field. */
export function sizeOf({ id, type, size }: SchemaField): number {
  return size ?? (type === "datetime" ? MAX_TIME_CHARACTERS : pangeaLimit(id));
}

/** The names that a schema adds to those of every event. */
export function customNames(schema: EventSchema | undefined): readonly FieldName[] {
  return schema === undefined ? [] : schema.fields.map(({ id }) => id).filter(isCustomField);
}

/** Whether values are text, which a size bounds. */
export function isTextual(type: FieldType): boolean {
  return type !== "boolean" && type !== "integer";
}

/** What a member's value should be; undefined if it is valid. */
type Expected = (value: unknown) => string | undefined;

const flag: Expected = (value) => (typeof value === "boolean" ? undefined : "true or false");
const choice =
  (choices: readonly string[]): Expected =>
  (value) =>
    choices.some((one) => one === value) ? undefined : `one of ${choices.join(", ")}`;
const shortText =
  (most: number): Expected =>
  (value) =>
    typeof value === "string" && !exceedsCharacters(value, most) ? undefined : `text of at most ${most} characters`;
const ID =
  "a name of a-z, 0-9 and _ that begins with a letter, of at most 32 characters, other than received_at and constructor";

const SCHEMA_MEMBERS: Readonly<Record<string, Expected>> = {
  client_signable: flag,
  tamper_proofing: (value) => (value === true ? undefined : "true: every log here is tamper-proof"),
  save_malformed: choice(SAVE_MALFORMED),
  fields: () => undefined,
};

const FIELD_MEMBERS: Readonly<Record<string, Expected>> = {
  id: (id) => (isCustomField(id) || EVENT_FIELDS.some((field) => field === id) ? undefined : ID),
  type: choice(FIELD_TYPES),
  name: shortText(64),
  description: shortText(255),
  size: (size) =>
    Number.isSafeInteger(size) && Number(size) >= 1 && Number(size) <= MAX_FIELD_CHARACTERS
      ? undefined
      : `a whole number of characters, 1 to ${MAX_FIELD_CHARACTERS}`,
  ...{ required: flag, redact: flag, partitioned: flag, ui_default_visible: flag },
};

type Members = Readonly<Record<string, unknown>>;

function wrong(path: string, expected: string, value: unknown): FieldProblem {
  const isShown = typeof value === "number" || typeof value === "boolean";
  return { path, expected, got: isShown ? String(value) : typeof value === "string" ? "other text" : nameOf(value) };
}

function memberProblems(input: Members, path: string, known: typeof SCHEMA_MEMBERS): readonly FieldProblem[] {
  return Object.entries(input).flatMap(([name, value]) => {
    const at = memberPath(path, name);
    const check = Object.hasOwn(known, name) ? known[name] : undefined;
    if (check === undefined)
      return [{ path: at, expected: `one of ${Object.keys(known).join(", ")}`, got: "an unknown member" }];
    const expected = check(value);
    return expected === undefined ? [] : [wrong(at, expected, value)];
  });
}

function fieldsProblems(fields: unknown, path: string): readonly FieldProblem[] {
  if (!Array.isArray(fields) || fields.length === 0 || fields.length > MAX_SCHEMA_FIELDS)
    return [wrong(path, `a list of 1 to ${MAX_SCHEMA_FIELDS} fields`, fields)];
  const found = fields.flatMap((field: unknown, at) => fieldProblems(field, `${path}[${at}]`));
  const ids = fields.map((field: unknown) => (isPlainObject(field) ? field["id"] : undefined));
  const repeated = ids.flatMap((id, at) =>
    id !== undefined && ids.indexOf(id) < at
      ? [{ path: `${path}[${at}].id`, expected: "an id that no other field has", got: "one that was there before" }]
      : [],
  );
  const message: unknown = fields[ids.indexOf("message")];
  const hasMessage = isPlainObject(message) && message["required"] === true;
  const missing = { path, expected: "a field message that is required: every event has one", got: "none" };
  return [...found, ...repeated, ...(hasMessage ? [] : [missing])];
}

function fieldProblems(field: unknown, path: string): readonly FieldProblem[] {
  if (!isPlainObject(field)) return [wrong(path, "a field object", field)];
  const absent = ["id", "type"].filter((name) => field[name] === undefined);
  return [
    ...absent.map((name) => wrong(memberPath(path, name), FIELD_MEMBERS[name]?.(undefined) ?? "", undefined)),
    ...memberProblems(field, path, FIELD_MEMBERS),
    ...typeProblems(field, path),
  ];
}

/** Members that contradict the field's type. */
function typeProblems({ id, type, size, redact }: Members, path: string): readonly FieldProblem[] {
  const known = FIELD_TYPES.find((one) => one === type);
  if (known === undefined) return [];
  const textual = isTextual(known);
  if (!textual && EVENT_FIELDS.some((field) => field === id))
    return [
      { path: `${path}.type`, expected: `a type of text: ${String(id)} is text in every log`, got: String(type) },
    ];
  if (type === "datetime" && id !== "timestamp" && EVENT_FIELDS.some((field) => field === id))
    return [
      { path: `${path}.type`, expected: "string, string-unindexed or text; datetime for timestamp alone", got: type },
    ];
  if (textual) return [];
  return [
    ...(size === undefined ? [] : [{ path: `${path}.size`, expected: "no size but of a text", got: "one" }]),
    ...(redact === true ? [{ path: `${path}.redact`, expected: "false but of a text", got: "true" }] : []),
  ];
}

/** Without problems, they are. */
function areFields(fields: unknown): fields is readonly SchemaField[] {
  return Array.isArray(fields);
}
