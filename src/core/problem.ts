/** One bad path of an input: where, what would have been right, what came. */
export interface FieldProblem {
  /** Dotted, with indexes in brackets: `events[3].actor`. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;
}

/** How deep a field of an event may nest, so that no verifier in any language runs out of stack on it. */
export const MAX_JSON_DEPTH = 64;

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** A surrogate without its partner has no UTF-8; U+0000 is refused because databases cut or refuse text at it. */
const UNSTORABLE = /[\p{Cs}\0]/u;

/** Where a member stands. A key that is no plain word is quoted, and cut when long: paths are shown to people. */
export function memberPath(parent: string, key: string): string {
  return PLAIN_KEY.test(key) ? `${parent}.${key}` : `${parent}[${JSON.stringify(key.slice(0, 64))}]`;
}

/** What an error calls a value, without repeating its content. */
export function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return "text";
  if (typeof value === "object") return isPlainObject(value) ? "an object" : "an object that is not plain JSON";
  return `a ${typeof value}`;
}

/** An object as JSON makes it, of whatever realm; no Date, Map or class instance. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

export function textProblems(text: string, path: string): readonly FieldProblem[] {
  if (!UNSTORABLE.test(text)) return [];
  return [
    {
      path,
      expected: "text without lone surrogates and U+0000",
      got: text.includes("\0") ? "U+0000" : "a lone surrogate",
    },
  ];
}

/** Every path of a value that could not be stored, hashed and read back as the very same JSON. */
export function jsonProblems(value: unknown, path: string, depth = 0): readonly FieldProblem[] {
  if (typeof value === "string") return textProblems(value, path);
  if (typeof value === "number") return numberProblems(value, path);
  if (value === null || typeof value === "boolean") return [];
  if (depth === MAX_JSON_DEPTH) return [{ path, expected: `at most ${MAX_JSON_DEPTH} levels`, got: "deeper nesting" }];
  if (Array.isArray(value)) return value.flatMap((item, i) => jsonProblems(item, `${path}[${i}]`, depth + 1));
  if (isPlainObject(value)) return Object.entries(value).flatMap((member) => memberProblems(member, path, depth + 1));
  return [{ path, expected: "a JSON value", got: nameOf(value) }];
}

function memberProblems(
  [key, value]: readonly [string, unknown],
  parent: string,
  depth: number,
): readonly FieldProblem[] {
  const path = memberPath(parent, key);
  return [...textProblems(key, path), ...jsonProblems(value, path, depth)];
}

/** An integer beyond 2^53 has lost digits before it got here, so what would be hashed is not what was written. */
function numberProblems(value: number, path: string): readonly FieldProblem[] {
  const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return exact ? [] : [{ path, expected: "a finite number, an integer of at most 2^53 - 1", got: String(value) }];
}
