import { isCustomField } from "../core/custom-field.js";
import type { FieldName } from "../core/event.js";
import { parseQuery, type ParsedQuery } from "./parser.js";

/** A query as every log reads it, or a name in it that a log's own schema may make a field. */
export type ReadQuery = ParsedQuery | { readonly kind: "ambiguous"; readonly name: string };

const NAMED = /[a-z][0-9a-z_]*(?=!?[:=])/g;

/**
 * Reads a query for a verifier, which must not believe the gateway about the log's fields. `customFields`: those of the
 * log's schema, from someone who trusts it. If undefined, they are unknown, and a query whose meaning they could change
 * is ambiguous.
 */
export function readQuery(query: string, customFields: readonly FieldName[] | undefined): ReadQuery {
  if (customFields !== undefined) return parseQuery(query, customFields);
  const plain = parseQuery(query);
  const names = [...new Set(query.match(NAMED) ?? [])].filter(isCustomField);
  const name = names.find((one) => filterText(parseQuery(query, [one])) !== filterText(plain));
  return name === undefined ? plain : { kind: "ambiguous", name };
}

/** The same for a text that is no query. */
function filterText(parsed: ParsedQuery): string {
  return parsed.kind === "parsed" ? JSON.stringify(parsed.filter) : "";
}

/** What the reader of an ambiguous query should do. */
export function ambiguityOf(name: string): string {
  return `${name} may be a field of the log's own schema: give that with --schema`;
}
