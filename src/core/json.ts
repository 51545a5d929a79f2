import { MAX_JSON_DEPTH } from "./problem.js";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** How many objects and lists of a text may lie inside each other: an envelope, its event, and what a field holds. */
const MAX_TEXT_DEPTH = MAX_JSON_DEPTH + 2;

/** Matches a surrogate without its partner: with the `u` flag a proper pair is one character and is not matched. */
const LONE_SURROGATE = /\p{Cs}/u;

/**
 * The one canonical spelling of a JSON value: RFC 8785 (JCS).
 * Throws a TypeError on what JSON cannot say: a lone surrogate, a number that is not finite, `undefined`, a function.
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
 * Reads a text that must be in canonical form already; any other spelling of the same value, a duplicate key included,
 * is undefined, and so is a text nested deeper than an envelope may be. For untrusted text: never throws.
 */
export function parseCanonicalJson(text: string): Json | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isWithin(value, MAX_TEXT_DEPTH) && canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether at most that many levels of objects and lists lie inside each other; itself it goes no deeper. */
function isWithin(value: Json, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value as object).every((item: Json) => isWithin(item, levels - 1));
}

/** RFC 8785 section 3.2.2.2 is what ECMAScript's own quoting does; of surrogates, it escapes just the lone ones. */
function canonicalString(text: string): string {
  const quoted = JSON.stringify(text);
  if (quoted.includes("\\ud") && LONE_SURROGATE.test(text)) {
    throw new TypeError("a text with a lone surrogate has no UTF-8");
  }
  return quoted;
}

/** RFC 8785 section 3.2.2.3 is ECMAScript's own number to text. */
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
