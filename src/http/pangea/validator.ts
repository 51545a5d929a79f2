import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { isPlainObject, jsonProblems, nameOf } from "../../core/json.js";
import { parseTime } from "../../query/time.js";
import { InvalidRequest, pointer, wireProblem, type WireProblem } from "./status.js";

let ajv: Ajv | undefined;

/** Bodies are bounded in size and members before they are validated (http/body.ts), so that all errors may be looked for. */
function newAjv(): Ajv {
  const made = new Ajv({ allErrors: true, verbose: true, strict: true });
  made.addFormat("time-or-period", (text) => parseTime(text, Date.now() * 1_000).kind === "time");
  made.addFormat("date-time", (text) => /^\d{4}-/.test(text) && parseTime(text, 0).kind === "time");
  return made;
}

/** Returns the body of a request; throws InvalidRequest with every bad path. Null members of an event are left out. */
export type Validator<Body> = (body: unknown) => Body;

/** A validator of a JSON Schema (draft 7, as far as the OpenAPI document goes), compiled once, when the first body comes. */
export function validator<Body>(schema: object): Validator<Body> {
  let compiled: ValidateFunction<Body> | undefined;
  return (sent) => {
    const validate = (compiled ??= (ajv ??= newAjv()).compile<Body>(schema));
    const lost = jsonProblems(sent ?? {}, "", { takesNul: true, depth: 0 });
    if (lost.length > 0) throw new InvalidRequest(lost.map(wireProblem));
    const body = withoutNulls(sent ?? {});
    if (validate(body)) return body;
    throw new InvalidRequest((validate.errors ?? []).map(problemOf));
  };
}

/** An SDK sends null for a member that was not given; the protocol hashes none of them. */
function withoutNulls(body: unknown): unknown {
  if (!isPlainObject(body)) return body;
  const { event, events } = body;
  return {
    ...body,
    ...(isPlainObject(event) && { event: given(event) }),
    ...(Array.isArray(events) && {
      events: events.map((item: unknown) =>
        isPlainObject(item) && isPlainObject(item["event"]) ? { ...item, event: given(item["event"]) } : item,
      ),
    }),
  };
}

function given(event: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== null));
}

interface Fault {
  readonly code: string;
  readonly expected: string;
  /** Default: what kind of value came. */
  readonly got?: string;
  /** The member that the fault is about, of the object that was validated. */
  readonly member?: string;
}

function problemOf(error: ErrorObject): WireProblem {
  const { code, expected, got = nameOf(error.data), member } = faultOf(error);
  const source = error.instancePath + pointer([member]);
  return { code, detail: `expected ${expected}, got ${got}`, source };
}

const TYPES: Readonly<Record<string, Pick<Fault, "code" | "expected">>> = {
  array: { code: "InvalidArray", expected: "a list" },
  boolean: { code: "InvalidBool", expected: "true or false" },
  integer: { code: "InvalidInteger", expected: "a whole number" },
  object: { code: "InvalidObject", expected: "an object" },
  string: { code: "InvalidString", expected: "text" },
};

/** The protocol's code of each rule that the schemas use (section 1.4). */
function faultOf({ keyword, params, data, schema }: ErrorObject): Fault {
  const limit = String(params["limit"]);
  const text = (member: unknown): string => (typeof member === "string" ? member : "");
  switch (keyword) {
    case "required":
      return { code: "FieldRequired", expected: "a value", got: "nothing", member: text(params["missingProperty"]) };
    case "additionalProperties": {
      const member = text(params["additionalProperty"]).slice(0, MAX_NAME);
      return { code: "UnexpectedProperty", expected: "only the known members", got: "an unknown one", member };
    }
    case "type":
      return TYPES[text(params["type"])] ?? { code: "BadFormat", expected: text(params["type"]) };
    case "enum":
      return { code: "NotEnumMember", expected: `one of ${String(schema)}`, got: "another value" };
    case "maxLength":
      return { code: "AboveMaxLength", expected: `at most ${limit} characters`, got: "more" };
    case "minLength":
      return { code: "BelowMinLength", expected: `at least ${limit} character`, got: "empty text" };
    case "maxItems":
      return { code: "AboveMaxItems", expected: `at most ${limit} items`, got: countOf(data) };
    case "minItems":
      return { code: "BelowMinItems", expected: `at least ${limit} item`, got: countOf(data) };
    case "minimum":
      return { code: "IsTooSmall", expected: `at least ${limit}`, got: String(data) };
    case "maximum":
      return { code: "IsTooBig", expected: `at most ${limit}`, got: String(data) };
    case "pattern":
      return {
        code: "DoesNotMatchPattern",
        expected: `text that matches ${String(params["pattern"])}`,
        got: "other text",
      };
    case "format":
      return { code: "BadFormatDateTime", expected: FORMATS[text(params["format"])] ?? "a time", got: "other text" };
    default:
      return { code: "BadFormat", expected: "a value that is allowed here" };
  }
}

/** Unknown members may have any name. */
const MAX_NAME = 64;

const FORMATS: Readonly<Record<string, string>> = {
  "date-time": "an RFC 3339 time such as 2026-01-31T09:00:00Z",
  "time-or-period":
    "an RFC 3339 time such as 2026-01-31T09:00:00Z, or a time back from now such as 7d, 120min or 2months",
};

function countOf(data: unknown): string {
  return Array.isArray(data) ? String(data.length) : nameOf(data);
}
