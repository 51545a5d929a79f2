import { isCustomField } from "../core/custom-field.js";
import type { FieldName } from "../core/event.js";
import { parseQuery, type ParsedQuery } from "./parser.js";

/** A query as every log reads it, or a name in it that a log's own schema may make a field. */
export type ReadQuery = ParsedQuery | { readonly kind: "ambiguous"; readonly name: string };

const NAMED = /[a-z][0-9a-z_]*(?=!?[:=])/g;

/**
 * Reads a query for who must not believe the gateway what fields its log has. `customFields`: those of the log's schema, from
 * whoever trusts it; undefined: unknown, so that a query which they would make another is ambiguous.
 */
export function readQuery(query: string, customFields: readonly FieldName[] | undefined): ReadQuery {
  if (customFields !== undefined) return parseQuery(query, customFields);
  const plain = parseQuery(query);
  const names = [...new Set(query.match(NAMED) ?? [])].filter(isCustomField);
  const name = names.find((one) => filterText(parseQuery(query, [one])) !== filterText(plain));
  return name === undefined ? plain : { kind: "ambiguous", name };
}

/** The same for all that is no query. */
function filterText(parsed: ParsedQuery): string {
  return parsed.kind === "parsed" ? JSON.stringify(parsed.filter) : "";
}

/** What to do about a query that is ambiguous. */
export function ambiguityOf(name: string): string {
  return `${name} may be a field of the log's own schema: give that with --schema`;
}
