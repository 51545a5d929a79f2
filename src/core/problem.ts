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
/** A surrogate without its partner, such as half an emoji. */
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
