import { MAX_TEXT_CHARACTERS } from "../core/event-rules.js";
import { isCustomField } from "../core/custom-field.js";
import { fieldText, exceedsCharacters, type CustomField, type FieldName, type AuditEvent } from "../core/event.js";
import { isWithin, type InstantRange } from "../core/instant.js";
import { isPlainObject, memberPath, nameOf, textProblems, withoutNulls, type FieldProblem } from "../core/json.js";
import { eventTime } from "../core/segment/event-time.js";
import { SearchableEvent } from "../core/words/entry-terms.js";

/** Adjacent words in this order inside one field; the last may be a prefix. Words are cut as in core/words/words.ts. */
export interface PhraseFilter {
  readonly kind: "phrase";
  /** The field to search; undefined for any single field. */
  readonly field: FieldName | undefined;
  /** At least one. */
  readonly words: readonly string[];
  /** The last word matches every word that begins with it. */
  readonly prefix: boolean;
}

/**
 * The field's whole value, exactly: case, blanks and punctuation count; an object is compared by its canonical text.
 */
export interface ExactFilter {
  readonly kind: "exact";
  readonly field: FieldName;
  readonly value: string;
}

/** The event has the field. */
export interface PresentFilter {
  readonly kind: "present";
  readonly field: FieldName;
}

/** The event's own time, its `timestamp` as `eventTime` reads it; an event without one never matches. */
export interface TimeFilter extends InstantRange {
  readonly kind: "time";
}

/** All must match, or at least one. */
export interface JoinedFilter {
  readonly kind: "and" | "or";
  /** At least two. */
  readonly filters: readonly Filter[];
}

export interface NotFilter {
  readonly kind: "not";
  readonly filter: Filter;
}

/** Matches every entry: the empty query, `*`, and empty quotes, such as `message:""`. */
export interface AllFilter {
  readonly kind: "all";
}

export type Filter = AllFilter | PhraseFilter | ExactFilter | PresentFilter | TimeFilter | JoinedFilter | NotFilter;

export const ALL: AllFilter = Object.freeze({ kind: "all" });

/** Matches when all of the filters match. Simplified: flat, without filters that match everything. */
export function allOf(filters: readonly Filter[]): Filter {
  const parts = distinct(
    filters.flatMap((filter) => (filter.kind === "and" ? filter.filters : filter.kind === "all" ? [] : filter)),
  );
  return parts.length > 1 ? { kind: "and", filters: parts } : (parts[0] ?? ALL);
}

/** Matches when at least one of the filters matches. Simplified; with no filters, it never matches. */
export function anyOf(filters: readonly Filter[]): Filter {
  if (filters.some((filter) => filter.kind === "all")) return ALL;
  const parts = distinct(filters.flatMap((filter) => (filter.kind === "or" ? filter.filters : filter)));
  return parts.length > 1 ? { kind: "or", filters: parts } : (parts[0] ?? negationOf(ALL));
}

/** A repeated filter changes nothing and would cost an index twice. */
function distinct(filters: readonly Filter[]): readonly Filter[] {
  return [...new Map(filters.map((filter) => [JSON.stringify(filter), filter])).values()];
}

/** Matches when the filter does not. */
export function negationOf(filter: Filter): Filter {
  return filter.kind === "not" ? filter.filter : { kind: "not", filter };
}

/** Searchable events that were matched before: an entry that stays in memory is shown again and again. */
const PREPARED = new WeakMap<AuditEvent, SearchableEvent>();
/** A page holds one filter against each of its entries. */
const MATCHERS = new WeakMap<Filter, Matcher>();

/** Whether an event matches a filter. Every engine must agree with this function. */
export function matches(filter: Filter, event: AuditEvent): boolean {
  const prepared = PREPARED.get(event) ?? new SearchableEvent(event);
  PREPARED.set(event, prepared);
  const isMatch = MATCHERS.get(filter) ?? matcherOf(filter);
  MATCHERS.set(filter, isMatch);
  return isMatch(prepared);
}

/** Whether an event that is prepared for searches matches. */
export type Matcher = (event: SearchableEvent) => boolean;

/** Like `matches`, for a filter that is held against many events: what it looks for is put together once. */
export function matcherOf(filter: Filter): Matcher {
  switch (filter.kind) {
    case "all":
      return () => true;
    case "phrase":
      return phraseMatcher(filter);
    case "exact":
      return (event) => event.field(filter.field)?.value === filter.value;
    case "present":
      return (event) => event.field(filter.field) !== undefined;
    case "time":
      return (event) => hasTime(filter, event);
    case "and":
      return everyOf(filter.filters.map(matcherOf));
    case "or":
      return someOf(filter.filters.map(matcherOf));
    case "not":
      return notOf(matcherOf(filter.filter));
  }
}

const everyOf =
  (parts: readonly Matcher[]): Matcher =>
  (event) =>
    parts.every((isMatch) => isMatch(event));
const someOf =
  (parts: readonly Matcher[]): Matcher =>
  (event) =>
    parts.some((isMatch) => isMatch(event));
const notOf =
  (isMatch: Matcher): Matcher =>
  (event) =>
    !isMatch(event);

function phraseMatcher({ field, words, prefix }: PhraseFilter): Matcher {
  const sought = ` ${words.join(" ")}${prefix ? "" : " "}`;
  if (field !== undefined) return (event) => event.field(field)?.words.includes(sought) ?? false;
  return (event) => event.hasWords(sought);
}

function hasTime(range: TimeFilter, event: SearchableEvent): boolean {
  const timestamp = event.field("timestamp");
  const instant = timestamp === undefined ? undefined : eventTime(timestamp.value);
  return instant !== undefined && isWithin(instant, range);
}

/** Fields that a search can be restricted on outside its query. */
export const RESTRICTION_FIELDS = ["actor", "action", "source", "status", "target", "tenant_id"] as const;

export type RestrictionField = (typeof RESTRICTION_FIELDS)[number];

/**
 * The allowed values per field: the field's whole value must equal one of them, as `fieldText` gives it. Fields are ANDed. A
 * log with a schema has custom fields beside these.
 */
export type Restriction = { readonly [field in RestrictionField]?: readonly string[] } & {
  readonly [field: CustomField]: readonly string[];
};

/** The fields of a restriction, each with its values, in one order. */
export function restrictedFields(
  restriction: Restriction,
): readonly (readonly [RestrictionField | CustomField, readonly string[]])[] {
  const custom = Object.keys(restriction).filter(isCustomField).sort();
  return [...RESTRICTION_FIELDS, ...custom].flatMap((field) => {
    const values = restriction[field];
    return values === undefined ? [] : [[field, values] as const];
  });
}

export type ParsedRestriction =
  | { readonly kind: "valid"; readonly restriction: Restriction }
  | { readonly kind: "invalid"; readonly problems: readonly FieldProblem[] };

/** Of all fields together, so that every engine can take query and restriction as one expression. */
export const MAX_RESTRICTION_VALUES = 256;

/** The filter of a restriction; a restriction without fields allows everything. */
export function restrictionFilter(restriction: Restriction): Filter {
  return allOf(
    restrictedFields(restriction).map(([field, values]) =>
      anyOf([...new Set(values)].map((value) => ({ kind: "exact", field, value }))),
    ),
  );
}

/** Whether a restriction allows an event: the same result as its filter, without splitting the event into words. */
export function restrictionAllows(restriction: Restriction, event: AuditEvent): boolean {
  return restrictedFields(restriction).every(([field, values]) => {
    const value = event[field];
    return value !== undefined && values.includes(fieldText(value));
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
 * nothing or everything. `customFields`: those of the log's schema.
 */
export function restrictionProblems(
  input: unknown,
  path: string,
  customFields: readonly FieldName[] = [],
): readonly FieldProblem[] {
  if (!isPlainObject(input)) return [{ path, expected: "an object of lists of values", got: nameOf(input) }];
  const members = Object.entries(withoutNulls(input));
  const count = members.reduce((sum, [, value]) => sum + (Array.isArray(value) ? value.length : 0), 0);
  if (count > MAX_RESTRICTION_VALUES)
    return [{ path, expected: `at most ${MAX_RESTRICTION_VALUES} values in all`, got: `${count}` }];
  return members.flatMap(([name, value]) => {
    const known = [...RESTRICTION_FIELDS, ...customFields];
    const at = memberPath(path, name);
    if (known.some((field) => field === name)) return memberProblems(value, at);
    return [{ path: at, expected: `one of ${known.join(", ")}`, got: "an unknown field" }];
  });
}

function memberProblems(value: unknown, path: string): readonly FieldProblem[] {
  if (!Array.isArray(value)) return [{ path, expected: "a list of values", got: nameOf(value) }];
  if (value.length === 0) return [{ path, expected: "at least one value, or no list", got: "an empty list" }];
  return value.flatMap((item: unknown, i) => {
    if (typeof item === "string") return valueProblems(item, `${path}[${i}]`);
    return [{ path: `${path}[${i}]`, expected: "text", got: nameOf(item) }];
  });
}

/** The problem of a value that must equal an event's whole field: no log accepts a longer one. */
export function valueProblems(value: string, path: string): readonly FieldProblem[] {
  if (!exceedsCharacters(value, MAX_TEXT_CHARACTERS)) return textProblems(value, path);
  return [{ path, expected: `at most ${MAX_TEXT_CHARACTERS} characters`, got: "a longer text" }];
}

function isRestriction(input: unknown, problems: readonly FieldProblem[]): input is Restriction {
  return isPlainObject(input) && problems.length === 0;
}
