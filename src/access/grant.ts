import { SCOPES, type Scope } from "../audit/principal.js";
import { FIELD_LIMITS } from "../core/event.js";
import { RESTRICTION_FIELDS, type Restriction } from "../query/restriction.js";

/** What a credential gives its holder. */
export interface Grant {
  readonly scopes: readonly Scope[];
  readonly tenant?: string;
  readonly restriction?: Restriction;
}

const NUL_OR_LONE_SURROGATE = /\0|\p{Surrogate}/u;

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

/** Whether an event could carry it as its tenant_id; the empty text names no tenant. */
export function isTenant(value: unknown): value is string {
  if (typeof value !== "string" || value === "" || NUL_OR_LONE_SURROGATE.test(value)) return false;
  return Array.from(value).length <= FIELD_LIMITS.tenant_id;
}

/**
 * Reads a restriction from untrusted JSON: `{"actor": ["alice"], …}` with at least one field and one value each.
 * Undefined when it is anything else: a limit that cannot be read whole must not be taken for a wider one.
 */
export function readRestriction(value: unknown): Restriction | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields = Object.entries(value);
  const sound = fields.length > 0 && fields.every(([field, values]) => isRestrictionField(field) && isTextList(values));
  return sound ? Object.fromEntries(fields) : undefined;
}

function isRestrictionField(field: string): boolean {
  return (RESTRICTION_FIELDS as readonly string[]).includes(field);
}

function isTextList(values: unknown): boolean {
  return Array.isArray(values) && values.length > 0 && values.every((value) => typeof value === "string");
}
