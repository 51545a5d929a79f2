import type { FieldName } from "../core/event.js";

interface Place {
  readonly text: string;
  /** From 0, in UTF-16 units of the query. */
  readonly offset: number;
}

/** A field and its operator: has the words, is the whole value, or the opposite of these; or an order, of `timestamp`. */
export interface FieldToken extends Place {
  readonly kind: "field";
  readonly field: FieldName;
  readonly operator: ":" | "=" | "!:" | "!=" | TimeOperator;
}

export type TimeOperator = "<" | "<=" | ">" | ">=";

/** The text between quotes, without escapes. */
export interface QuotedToken extends Place {
  readonly kind: "quoted";
  readonly content: string;
  /** Directly after the quotes. */
  readonly star: boolean;
}

export interface PlainToken extends Place {
  readonly kind: "word" | "minus" | "and" | "or" | "not" | "open" | "close" | "end";
}

export type Token = FieldToken | QuotedToken | PlainToken;

/** A piece of the query: enough for a caller to underline it. */
export interface TokenText {
  readonly kind: Token["kind"] | "bad";
  readonly text: string;
  /** From 0, in UTF-16 units of the query. */
  readonly offset: number;
}
