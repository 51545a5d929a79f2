import { JsonLoss } from "./lossless-json.js";

/** One bad path of an input: where, what was expected, what came. */
export interface FieldProblem {
  /** Dotted, with indexes in brackets: `events[3].actor`. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;
}

/** The maximum nesting of a JSON value in an event, so that no verifier in any language runs out of stack. */
export const MAX_JSON_DEPTH = 64;

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** A surrogate without its partner, such as half an emoji: with the `u` flag a proper pair is one character and does not match. */
const LONE_SURROGATE = /\p{Cs}/u;

/** The path of a member. A key that is not a plain word is quoted, and cut when long: paths are shown to people. */
export function memberPath(parent: string, key: string): string {
  return PLAIN_KEY.test(key) ? `${parent}.${key}` : `${parent}[${JSON.stringify(key.slice(0, 64))}]`;
}

/** Names a value's type in an error, without repeating its content. */
export function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return "text";
  if (value instanceof JsonLoss) return value.got;
  if (typeof value === "object") return isPlainObject(value) ? "an object" : "an object that is not plain JSON";
  return `a ${typeof value}`;
}

/** Whether a value is an object as JSON makes it, of any realm; not a Date, Map or class instance. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * What is wrong with a text. A lone surrogate has no UTF-8, so it can be neither hashed nor shown; U+0000 is refused
 * where it would be kept raw, because databases cut or refuse text there.
 */
export function textProblems(text: string, path: string, takesNul = false): readonly FieldProblem[] {
  const isNul = !takesNul && text.includes("\0");
  if (!isNul && !LONE_SURROGATE.test(text)) return [];
  const expected = takesNul ? "text without lone surrogates" : "text without lone surrogates and U+0000";
  return [{ path, expected, got: isNul ? "U+0000" : "a lone surrogate" }];
}

interface JsonPlace {
  readonly takesNul: boolean;
  /** The number of objects and lists around the value. */
  readonly depth: number;
}

/** Every path of a value that could not be stored, hashed and read back as the same JSON. */
export function jsonProblems(value: unknown, path: string, place: JsonPlace): readonly FieldProblem[] {
  if (typeof value === "string") return textProblems(value, path, place.takesNul);
  if (typeof value === "number") return numberProblems(value, path);
  if (value === null || typeof value === "boolean") return [];
  if (value instanceof JsonLoss) return [{ path, expected: value.expected, got: value.got }];
  if (place.depth === MAX_JSON_DEPTH)
    return [{ path, expected: `at most ${MAX_JSON_DEPTH} levels`, got: "deeper nesting" }];
  const inside = { ...place, depth: place.depth + 1 };
  if (Array.isArray(value)) return value.flatMap((item, i) => jsonProblems(item, `${path}[${i}]`, inside));
  if (isPlainObject(value)) return Object.entries(value).flatMap((member) => memberProblems(member, path, inside));
  return [{ path, expected: "a JSON value", got: nameOf(value) }];
}

function memberProblems(
  [key, value]: readonly [string, unknown],
  parent: string,
  place: JsonPlace,
): readonly FieldProblem[] {
  const path = memberPath(parent, key);
  return [...textProblems(key, path, place.takesNul), ...jsonProblems(value, path, place)];
}

/** Digits that a double does not hold are found where JSON is parsed: they are lost afterwards. */
function numberProblems(value: number, path: string): readonly FieldProblem[] {
  return Number.isFinite(value) ? [] : [{ path, expected: "a finite number", got: String(value) }];
}

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** The maximum nesting of a text: an envelope, its event, and the value of a field. */
const MAX_TEXT_DEPTH = MAX_JSON_DEPTH + 2;

/**
 * The canonical spelling of a JSON value: RFC 8785 (JCS). Throws a TypeError on what JSON cannot express: a lone
 * surrogate, a number that is not finite, `undefined`, a function.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === "string") return canonicalString(value);
  if (typeof value === "number") return canonicalNumber(value);
  if (value === null || typeof value === "boolean") return String(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object") return canonicalObject(value);
  throw new TypeError(`not a JSON value: ${typeof value}`);
}

/**
 * Parses a text that must already be in canonical form. Returns undefined for any other spelling of the same value, a
 * duplicate key included, and for a text that nests deeper than `levels`, by default as deep as an envelope may. For
 * untrusted text: never throws.
 */
export function parseCanonicalJson(text: string, levels = MAX_TEXT_DEPTH): Json | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isWithin(value, levels) && canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a JSON text nests no deeper than an envelope may. Looks at the text, not at its value, which lacks everything
 * under the first of two equal keys. A reader with a small stack can check before it parses.
 */
export function isShallow(text: string): boolean {
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted) at += character === "\\" ? 1 : 0;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
    if (depth > MAX_TEXT_DEPTH) return false;
  }
  return true;
}

/** Whether `canonicalJson` can write a parsed value: it has no lone surrogate and no infinite number. */
export function isWritable(value: Json): boolean {
  try {
    return canonicalJson(value) !== "";
  } catch {
    return false;
  }
}

/** Whether objects and lists nest at most that many levels deep; descends no deeper itself. */
function isWithin(value: Json, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value as object).every((item: Json) => isWithin(item, levels - 1));
}

/** ECMAScript's own quoting is what RFC 8785 section 3.2.2.2 asks for; of surrogates, it escapes only lone ones. */
function canonicalString(text: string): string {
  const quoted = JSON.stringify(text);
  if (quoted.includes("\\ud") && LONE_SURROGATE.test(text)) {
    throw new TypeError("a text with a lone surrogate has no UTF-8");
  }
  return quoted;
}

/** RFC 8785 section 3.2.2.3 is ECMAScript's own conversion of a number to text. */
function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`JSON has no number ${value}`);
  return JSON.stringify(value);
}

/** Keys in order of their UTF-16 code units (RFC 8785 section 3.2.3), which is the order of a plain sort(). */
function canonicalObject(object: JsonObject): string {
  const members: string[] = [];
  for (const key of Object.keys(object).sort()) {
    const value = object[key];
    if (value === undefined) throw new TypeError(`member ${JSON.stringify(key)} is undefined`);
    members.push(`${canonicalString(key)}:${canonicalJson(value)}`);
  }
  return `{${members.join(",")}}`;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

type WithoutNulls<T> = { readonly [K in keyof T]?: NonNullable<T[K]> };

/**
 * The object without its null members: in this API an explicit null means the same as an absent value. fromEntries defines
 * members, so a key `__proto__` stays a key and is refused like any that is not known.
 */
export function withoutNulls<T extends object>(value: T): WithoutNulls<T> {
  const present = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(present) as WithoutNulls<T>;
}
