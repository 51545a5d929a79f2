import { excerpt } from "./excerpt.js";
import type { TokenText } from "./token.js";

/** Why a text is not a query. */
export interface QuerySyntaxError {
  readonly kind: "syntax-error";
  /** The position in characters, from 1. */
  readonly column: number;
  readonly expected: string;
  readonly got: string;
  /** `column 9: expected …, got …`, for the person who wrote the query. */
  readonly message: string;
  readonly token: TokenText;
}

/** Thrown only inside the parser; parseQuery catches it. */
export class SyntaxFault extends Error {
  constructor(
    readonly expected: string,
    readonly token: TokenText,
    /** What was found, where that is not the token itself. */
    readonly got?: string,
  ) {
    super(expected);
  }
}

/** A fault in a query as the caller sees it. */
export function syntaxError(query: string, { expected, token, got = found(token) }: SyntaxFault): QuerySyntaxError {
  const column = Array.from(query.slice(0, token.offset)).length + 1;
  return {
    kind: "syntax-error",
    column,
    expected,
    got,
    token,
    message: `column ${column}: expected ${expected}, got ${got}`,
  };
}

function found({ kind, text }: TokenText): string {
  return kind === "end" ? "the end of the query" : excerpt(text);
}
