import { MAX_JSON_DEPTH } from "./problem.js";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** The maximum nesting of a text: an envelope, its event, and the value of a field. */
const MAX_TEXT_DEPTH = MAX_JSON_DEPTH + 2;

/** Matches a surrogate without its partner: with the `u` flag a proper pair is one character and does not match. */
const LONE_SURROGATE = /\p{Cs}/u;

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
 * Parses a text that must be in canonical form already. Returns undefined for any other spelling of the same value, a
 * duplicate key included, and for a text nested deeper than `levels`: without it, than an envelope may be. For untrusted
 * text: never throws.
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
 * Whether a text of JSON nests no deeper than an envelope may: of the text and not of its value, which lacks what stands
 * under the first of two equal keys. A reader with a small stack can tell before it parses.
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

/** Whether `canonicalJson` can write a value that a parser gave: no lone surrogate and no infinite number is in it. */
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
