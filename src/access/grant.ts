import { SCOPES, type Scope } from "../audit/principal.js";
import { isPlainObject, textProblems } from "../core/json.js";
import { parseRestriction, type Restriction } from "../query/filter.js";

/** The rights of a credential. */
export interface Grant {
  readonly scopes: readonly Scope[];
  readonly tenant?: string;
  readonly restriction?: Restriction;
}

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

/** The maximum characters of a subject or a tenant. */
export const MAX_NAME_CHARACTERS = 128;

/**
 * Whether a value can name a subject or a tenant: text of 1 to 128 characters that every log can store. Nothing is made
 * from another value, or from a longer text: two that differ would look the same.
 */
export function isName(value: unknown): value is string {
  if (typeof value !== "string" || value === "" || value.length > 2 * MAX_NAME_CHARACTERS) return false;
  return Array.from(value).length <= MAX_NAME_CHARACTERS && textProblems(value, "").length === 0;
}

/**
 * Reads a restriction from untrusted JSON: `{"actor": ["alice"], …}` with at least one field and one value each.
 * Undefined for anything else, including a null: a limit that cannot be read fully must not pass for a wider one.
 */
export function readRestriction(value: unknown): Restriction | undefined {
  const parsed = parseRestriction(value, "");
  if (parsed.kind === "invalid" || !isPlainObject(value)) return undefined;
  const members = Object.values(value);
  return members.length === 0 || members.includes(null) ? undefined : parsed.restriction;
}
