import { parseQuery } from "../src/query/parser.js";
import { ApiError, type Failure } from "./failure.js";

/** A query that every search is ANDed with. */
export interface Restriction {
  /** The restriction and what was typed. Throws an ApiError where one of them is no query by itself. */
  readonly narrow: (query: string) => string;
  /** What the gateway says of both, in columns of what was typed. */
  readonly inTyped: (failure: Failure) => Failure;
}

/**
 * Both texts are parsed, each for itself, before they are put together: what was typed could close the parentheses around it, as
 * `x) OR (y` does, and so find more. A blank restriction is a fault of the page, and not the whole log.
 */
export function restrictionOf(text: string): Restriction {
  const before = `(${text} ) ( `;
  return {
    narrow(query) {
      const own = parseQuery(text);
      if (text.trim() === "" || own.kind !== "parsed") {
        const why = own.kind === "parsed" ? "it is empty; leave it out to show the whole log" : own.message;
        throw new ApiError({ kind: "other", message: `The restriction of this table is no query: ${why}.` });
      }
      if (query.trim() === "") return text;
      const typed = parseQuery(query);
      if (typed.kind === "parsed") return `${before}${query} )`;
      const { column, expected, got } = typed;
      throw new ApiError({ kind: "query", column, message: `Expected ${expected}, got ${got}.` });
    },
    inTyped(failure) {
      if (failure.kind !== "query" || failure.column === undefined) return failure;
      // The narrowed query was parsed here, so this is a gateway of another version, or one of its limits.
      const column = failure.column - Array.from(before).length;
      return { ...failure, column: column > 0 ? column : undefined };
    },
  };
}
