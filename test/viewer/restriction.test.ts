import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { allOf } from "../../src/query/filter.js";
import { parseQuery } from "../../src/query/parser.js";
import { ApiError } from "../../viewer/failure.js";
import { restrictionOf } from "../../viewer/restriction.js";

const ACME = 'tenant_id="acme" OR target:"acme board"';

/** Text of the signs that queries are made of, which are likely to be one, or nearly. */
const pieces = [
  "(",
  ")",
  '"',
  "\\",
  "-",
  "!",
  "OR",
  "AND",
  "NOT",
  "*",
  "=",
  ":",
  "<",
  "actor",
  "x",
  "y",
  " ",
  "\n",
  "\u00a0",
  "東",
];
const typed = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(""));

function filterOf(query: string) {
  const parsed = parseQuery(query);
  return parsed.kind === "parsed" ? parsed.filter : undefined;
}

function narrowed(restriction: string, query: string): string | ApiError {
  try {
    return restrictionOf(restriction).narrow(query);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

describe("a restricted table", () => {
  test("asks for what both the restriction and the typed query find, and for nothing where the latter is no query", () => {
    fc.assert(
      fc.property(fc.oneof(typed, fc.string()), (query) => {
        const asked = narrowed(ACME, query);
        const [own, wanted] = [filterOf(ACME), filterOf(query)];
        if (query.trim() === "") expect(asked).toBe(ACME);
        else if (wanted === undefined) expect(asked).toBeInstanceOf(ApiError);
        else expect(filterOf(String(asked))).toEqual(allOf([own ?? fail(), wanted]));
      }),
      { numRuns: 5_000 },
    );
  });

  test.each(["x) OR (y", ") OR (", "x)", "(x", "x OR", 'actor:"x'])(
    "refuses %j, which is no query by itself",
    (query) => {
      const parsed = parseQuery(query);
      const { failure } = narrowed(ACME, query) as ApiError;
      expect(failure).toMatchObject({ kind: "query", column: parsed.kind === "parsed" ? 0 : parsed.column });
    },
  );

  test.each(["", "  ", "tenant_id=", "x) OR (y"])("finds nothing where its restriction is %j", (restriction) => {
    const { failure } = narrowed(restriction, "dana") as ApiError;
    expect(failure.kind).toBe("other");
    expect(failure.message).toContain("The restriction of this table is no query");
  });

  test("says where a fault is in what was typed", () => {
    const restriction = restrictionOf("acme");
    const at = restriction.narrow("dana").indexOf("dana") + 1;
    const fault = { kind: "query", message: "Expected other words." } as const;
    expect(restriction.inTyped({ ...fault, column: at + 2 })).toEqual({ ...fault, column: 3 });
    expect(restriction.inTyped({ ...fault, column: 2 })).toEqual({ ...fault, column: undefined });
  });
});

function fail(): never {
  throw new Error("the restriction is no query");
}
