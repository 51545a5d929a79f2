import { exceedsCharacters, type AuditEvent } from "../core/event.js";
import { MAX_TEXT_CHARACTERS } from "../core/event-rules.js";
import { isPlainObject, memberPath, nameOf, textProblems, type FieldProblem } from "../core/problem.js";
import { allOf, anyOf, type Filter } from "./ast.js";

/** Fields that a search can be restricted on outside its query. */
export const RESTRICTION_FIELDS = ["actor", "action", "source", "status", "target", "tenant_id"] as const;

export type RestrictionField = (typeof RESTRICTION_FIELDS)[number];

/** The allowed values per field: the field's whole value must equal one of them. Fields are ANDed. */
export type Restriction = { readonly [field in RestrictionField]?: readonly string[] };

export type ParsedRestriction =
  | { readonly kind: "valid"; readonly restriction: Restriction }
  | { readonly kind: "invalid"; readonly problems: readonly FieldProblem[] };

/**
 * The maximum number of values of all fields together, so that every engine can take query and restriction as one
 * expression.
 */
export const MAX_RESTRICTION_VALUES = 256;

/** The filter of a restriction; a restriction without fields allows everything. */
export function restrictionFilter(restriction: Restriction): Filter {
  return allOf(
    RESTRICTION_FIELDS.flatMap((field) => {
      const values = restriction[field];
      if (values === undefined) return [];
      return anyOf([...new Set(values)].map((value) => ({ kind: "exact", field, value })));
    }),
  );
}

/** Whether a restriction allows an event: the same result as its filter, without splitting the event into words. */
export function restrictionAllows(restriction: Restriction, event: AuditEvent): boolean {
  return RESTRICTION_FIELDS.every((field) => {
    const values = restriction[field];
    const value = event[field];
    return values === undefined || (value !== undefined && values.includes(value));
  });
}

/** Reads a restriction from untrusted input. Null members are dropped; any problem makes it invalid. Never throws. */
export function parseRestriction(input: unknown, path: string): ParsedRestriction {
  const problems = restrictionProblems(input, path);
  const restriction: unknown = isPlainObject(input) ? withoutNulls(input) : input;
  return isRestriction(restriction, problems) ? { kind: "valid", restriction } : { kind: "invalid", problems };
}

/**
 * Every bad path of a restriction, below `path`. An empty list is refused because readers disagree on whether it allows
 * nothing or everything.
 */
export function restrictionProblems(input: unknown, path: string): readonly FieldProblem[] {
  if (!isPlainObject(input)) return [{ path, expected: "an object of lists of values", got: nameOf(input) }];
  const members = Object.entries(withoutNulls(input));
  const count = members.reduce((sum, [, value]) => sum + (Array.isArray(value) ? value.length : 0), 0);
  if (count > MAX_RESTRICTION_VALUES)
    return [{ path, expected: `at most ${MAX_RESTRICTION_VALUES} values in all`, got: `${count}` }];
  return members.flatMap(([name, value]) => memberProblems(name, value, memberPath(path, name)));
}

function memberProblems(name: string, value: unknown, path: string): readonly FieldProblem[] {
  if (!RESTRICTION_FIELDS.some((field) => field === name))
    return [{ path, expected: `one of ${RESTRICTION_FIELDS.join(", ")}`, got: "an unknown field" }];
  if (!Array.isArray(value)) return [{ path, expected: "a list of values", got: nameOf(value) }];
  if (value.length === 0) return [{ path, expected: "at least one value, or no list", got: "an empty list" }];
  return value.flatMap((item: unknown, i) => {
    if (typeof item === "string") return valueProblems(item, `${path}[${i}]`);
    return [{ path: `${path}[${i}]`, expected: "text", got: nameOf(item) }];
  });
}

/** What is wrong with a value that a whole field of an event is to be: no log takes a longer one. */
export function valueProblems(value: string, path: string): readonly FieldProblem[] {
  if (!exceedsCharacters(value, MAX_TEXT_CHARACTERS)) return textProblems(value, path);
  return [{ path, expected: `at most ${MAX_TEXT_CHARACTERS} characters`, got: "a longer text" }];
}

function withoutNulls(input: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null && value !== undefined));
}

function isRestriction(input: unknown, problems: readonly FieldProblem[]): input is Restriction {
  return isPlainObject(input) && problems.length === 0;
}
