import { SCOPES, type Scope } from "../audit/principal.js";
import { MAX_TEXT_CHARACTERS } from "../core/event-rules.js";
import { isPlainObject, textProblems } from "../core/problem.js";
import { parseRestriction, type Restriction } from "../query/restriction.js";

/** The rights of a credential. */
export interface Grant {
  readonly scopes: readonly Scope[];
  readonly tenant?: string;
  readonly restriction?: Restriction;
}

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

/** Whether an event could have it as its tenant_id; the empty text names no tenant. */
export function isTenant(value: unknown): value is string {
  if (typeof value !== "string" || value === "" || textProblems(value, "").length > 0) return false;
  return Array.from(value).length <= MAX_TEXT_CHARACTERS;
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
