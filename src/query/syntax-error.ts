import { excerpt } from "./excerpt.js";
import type { TokenText } from "./token.js";

/** Why a text is no query. */
export interface QuerySyntaxError {
  readonly kind: "syntax-error";
  /** Where, from 1, in characters. */
  readonly column: number;
  readonly expected: string;
  readonly got: string;
  /** `column 9: expected …, got …`, for the person who wrote the query. */
  readonly message: string;
  readonly token: TokenText;
}

/** Thrown inside the parser alone, where it unwinds to parseQuery. */
export class SyntaxFault extends Error {
  constructor(
    readonly expected: string,
    readonly token: TokenText,
  ) {
    super(expected);
  }
}

/** What the caller is told about a fault in a query. */
export function syntaxError(query: string, { expected, token }: SyntaxFault): QuerySyntaxError {
  const column = Array.from(query.slice(0, token.offset)).length + 1;
  const got = token.kind === "end" ? "the end of the query" : excerpt(token.text);
  return {
    kind: "syntax-error",
    column,
    expected,
    got,
    token,
    message: `column ${column}: expected ${expected}, got ${got}`,
  };
}
