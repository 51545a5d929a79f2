import type { EventField } from "../core/event.js";
import type { InstantRange } from "../core/instant.js";

/** Adjacent words in this order inside one field; the last may be a prefix. Words are cut as in core/words/words.ts. */
export interface PhraseFilter {
  readonly kind: "phrase";
  /** The field to search; undefined for any single field. */
  readonly field: EventField | undefined;
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
  readonly field: EventField;
  readonly value: string;
}

/** The event has the field. */
export interface PresentFilter {
  readonly kind: "present";
  readonly field: EventField;
}

/** The event's own time, its `timestamp` as `eventTime` reads it; an event without one never matches. */
export interface TimeFilter extends InstantRange {
  readonly kind: "time";
}

export interface AndFilter {
  readonly kind: "and";
  /** At least two. */
  readonly filters: readonly Filter[];
}

export interface OrFilter {
  readonly kind: "or";
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

export type Filter =
  AllFilter | PhraseFilter | ExactFilter | PresentFilter | TimeFilter | AndFilter | OrFilter | NotFilter;

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
