import type { EventField } from "../core/event.js";

/** Words next to each other, in this order, inside one field; the last may be a prefix. Words are as query/words.ts cuts them. */
export interface PhraseFilter {
  readonly kind: "phrase";
  /** The field to look in; undefined: any one field. */
  readonly field: EventField | undefined;
  /** At least one. */
  readonly words: readonly string[];
  /** The last word matches every word that begins with it. */
  readonly prefix: boolean;
}

/** The field's whole value, exactly: case, blanks and punctuation count; an object is compared by its canonical text. */
export interface ExactFilter {
  readonly kind: "exact";
  readonly field: EventField;
  readonly value: string;
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

/** Matches every entry: the empty query, and a term without a single word in it, such as `message:""`. */
export interface AllFilter {
  readonly kind: "all";
}

export type Filter = AllFilter | PhraseFilter | ExactFilter | AndFilter | OrFilter | NotFilter;
