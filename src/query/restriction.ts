import { isPlainObject, memberPath, nameOf, textProblems, type FieldProblem } from "../core/problem.js";
import { allOf, anyOf, type Filter } from "./ast.js";
import { fieldNamed } from "./field-name.js";

/** Fields that a search can be restricted on, outside its query. */
export const RESTRICTION_FIELDS = ["actor", "action", "source", "status", "target", "tenant_id"] as const;

export type RestrictionField = (typeof RESTRICTION_FIELDS)[number];

/** Per field, the values allowed: a field's whole value must equal one of them; fields are ANDed. */
export type Restriction = { readonly [field in RestrictionField]?: readonly string[] };

export type ParsedRestriction =
  | { readonly kind: "valid"; readonly restriction: Restriction }
  | { readonly kind: "invalid"; readonly problems: readonly FieldProblem[] };

/** Values of all fields together: what one expression of the slowest engine takes beside a query of full size. */
export const MAX_RESTRICTION_VALUES = 256;

const TENANT_SPELLINGS = ["tenantId", "tenant_id"];

/** The filter that lets through what a restriction allows; a restriction on no field allows everything. */
export function restrictionFilter(restriction: Restriction): Filter {
  return allOf(
    RESTRICTION_FIELDS.flatMap((field) => {
      const values = restriction[field];
      if (values === undefined) return [];
      return anyOf([...new Set(values)].map((value) => ({ kind: "exact", field, value })));
    }),
  );
}

/**
 * Reads a restriction from untrusted input. Null members are dropped; every other bad path is named below `path`. An
 * empty list is refused: whether it allows nothing or everything, somebody would be surprised. Never throws.
 */
export function parseRestriction(input: unknown, path = "restriction"): ParsedRestriction {
  if (!isPlainObject(input)) return invalid([{ path, expected: "an object of lists of values", got: nameOf(input) }]);
  const members = Object.entries(input).filter(([, value]) => value !== null && value !== undefined);
  const problems = members.flatMap(([name, value]) => memberProblems(name, value, memberPath(path, name)));
  if (TENANT_SPELLINGS.every((spelling) => members.some(([name]) => name === spelling)))
    problems.push({ path: `${path}.tenantId`, expected: "one spelling of tenant_id", got: "both" });
  if (problems.length > 0) return invalid(problems);
  const restriction = asRestriction(members);
  const count = Object.values(restriction).reduce((sum, values) => sum + values.length, 0);
  if (count <= MAX_RESTRICTION_VALUES) return { kind: "valid", restriction };
  return invalid([{ path, expected: `at most ${MAX_RESTRICTION_VALUES} values in all`, got: `${count}` }]);
}

function memberProblems(name: string, value: unknown, path: string): readonly FieldProblem[] {
  if (restrictionField(name) === undefined)
    return [{ path, expected: `one of ${RESTRICTION_FIELDS.join(", ")}`, got: "an unknown field" }];
  if (!Array.isArray(value) || value.length === 0)
    return [
      { path, expected: "a list of at least one value", got: Array.isArray(value) ? "an empty list" : nameOf(value) },
    ];
  return value.flatMap((item: unknown, i) => {
    if (typeof item === "string") return textProblems(item, `${path}[${i}]`);
    return [{ path: `${path}[${i}]`, expected: "text", got: nameOf(item) }];
  });
}

function asRestriction(members: readonly (readonly [string, unknown])[]): Restriction {
  const restriction: { [field in RestrictionField]?: readonly string[] } = {};
  for (const [name, value] of members) {
    const field = restrictionField(name);
    if (field !== undefined && Array.isArray(value))
      restriction[field] = value.filter((item) => typeof item === "string");
  }
  return restriction;
}

function restrictionField(name: string): RestrictionField | undefined {
  return RESTRICTION_FIELDS.find((field) => field === fieldNamed(name));
}

function invalid(problems: readonly FieldProblem[]): ParsedRestriction {
  return { kind: "invalid", problems };
}
