import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ALL, allOf, anyOf, negationOf, matches, type Filter } from "../../src/query/filter.js";
import { parseQuery } from "../../src/query/parser.js";
import { printFilter } from "../../src/query/print.js";
import { aFilter, anEvent } from "./arbitraries.js";

function simplest(filter: Filter): Filter {
  switch (filter.kind) {
    case "and":
      return allOf(filter.filters.map(simplest));
    case "or":
      return anyOf(filter.filters.map(simplest));
    case "not":
      return negationOf(simplest(filter.filter));
    default:
      return filter;
  }
}

describe("a printed filter", () => {
  test("is read back as the same filter in its simplest form", () => {
    fc.assert(
      fc.property(aFilter, (filter) => {
        expect(parseQuery(printFilter(filter))).toEqual({ kind: "parsed", filter: simplest(filter) });
      }),
      { numRuns: 1_000 },
    );
  });

  test("keeps every character of a whole value", () => {
    const value = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(value, (text) => {
        const filter: Filter = { kind: "exact", field: "actor", value: text };
        expect(parseQuery(printFilter(filter))).toEqual({ kind: "parsed", filter });
      }),
    );
  });

  test.each([
    ["a  AND (b OR c)", "a (b OR c)"],
    ["actor:(x OR -y*)", "actor:x OR -actor:y*"],
    ["NOT (a b)", "-(a b)"],
    ['""', '""'],
  ])("of %j is %j", (query, printed) => {
    const parsed = parseQuery(query);
    expect(parsed.kind === "parsed" && printFilter(parsed.filter)).toBe(printed);
  });
});

describe("the simplest form of a filter", () => {
  test("matches exactly what the filter matched", () => {
    fc.assert(
      fc.property(aFilter, anEvent, (filter, event) => {
        expect(matches(simplest(filter), event)).toBe(matches(filter, event));
      }),
    );
  });

  test("of no alternatives never matches, of no conditions always", () => {
    fc.assert(fc.property(anEvent, (event) => !matches(anyOf([]), event) && matches(allOf([]), event)));
    expect(allOf([ALL, ALL])).toEqual(ALL);
  });
});
