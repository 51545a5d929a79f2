import type { FieldProblem } from "../core/json.js";

/** Fields whose most frequent values a facet can list: those of whole texts, not times. */
export const FACET_FIELDS = ["actor", "action", "source", "status", "target", "tenant_id"] as const;
export type FacetField = (typeof FACET_FIELDS)[number];

/** The maximum number of buckets of a histogram. */
export const MAX_BUCKETS = 500;
/** The maximum number of values that a facet lists. */
export const MAX_FACET_VALUES = 100;

export interface HistogramRequest {
  /** Which of an entry's times is counted. */
  readonly of: "received_at" | "timestamp";
  /** 1 to MAX_BUCKETS. */
  readonly buckets: number;
}

/** The entries of a time from `start` up to but not including `end`, both RFC 3339 UTC. */
export interface Bucket {
  readonly start: string;
  readonly end: string;
  readonly count: number;
}

/** How the entries of a result are distributed over time. */
export interface Histogram {
  /** Adjacent buckets in order, empty ones included; at most as many as were requested. None if no entry has a time. */
  readonly buckets: readonly Bucket[];
  /** Entries without such a time. */
  readonly otherCount: number;
}

export interface FacetRequest {
  readonly field: FacetField;
  /** The number of values to list: 1 to MAX_FACET_VALUES. */
  readonly first: number;
}

/** The values of a field among the entries of a result. */
export interface Facet {
  /** The most frequent first; equally frequent ones in one order, whatever the search. */
  readonly values: readonly { readonly value: string; readonly count: number }[];
  /** The number of different values, listed or not. */
  readonly distinctCount: number;
  /** Entries whose value is not listed. */
  readonly otherCount: number;
  /** Entries without the field. */
  readonly missingCount: number;
}

/**
 * A result that can count all of its matches, whatever its maxResults. Both methods reject with BAD_USER_INPUT for an
 * invalid number.
 */
export interface BrokenDown {
  histogram(request: HistogramRequest): Promise<Histogram>;
  facet(request: FacetRequest): Promise<Facet>;
}

export function histogramProblems({ buckets }: HistogramRequest): readonly FieldProblem[] {
  return countProblems("buckets", buckets, MAX_BUCKETS);
}

export function facetProblems({ first }: FacetRequest): readonly FieldProblem[] {
  return countProblems("first", first, MAX_FACET_VALUES);
}

function countProblems(path: string, count: number, most: number): readonly FieldProblem[] {
  if (Number.isInteger(count) && count >= 1 && count <= most) return [];
  return [{ path, expected: `a whole number from 1 to ${most}`, got: String(count) }];
}
