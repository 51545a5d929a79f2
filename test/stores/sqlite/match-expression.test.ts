import { expect, test } from "@jest/globals";
import type { Filter } from "../../../src/query/ast.js";
import { EVERY_ENTRY, valueToken } from "../../../src/stores/sqlite/index-token.js";
import { compileFilter } from "../../../src/stores/sqlite/match-expression.js";

const word = (...words: readonly string[]): Filter => ({ kind: "phrase", field: undefined, words, prefix: false });
const and = (...filters: readonly Filter[]): Filter => ({ kind: "and", filters });
const or = (...filters: readonly Filter[]): Filter => ({ kind: "or", filters });
const not = (filter: Filter): Filter => ({ kind: "not", filter });
const ALL: Filter = { kind: "all" };

const cases: readonly { readonly name: string; readonly filter: Filter; readonly expression: string }[] = [
  { name: "a word", filter: word("a"), expression: '"a"' },
  { name: "a phrase", filter: word("a", "b"), expression: '"a b"' },
  {
    name: "the beginning of a word in a field",
    filter: { kind: "phrase", field: "new", words: ["a", "b"], prefix: true },
    expression: '"new" : "a b" *',
  },
  {
    name: "a whole value",
    filter: { kind: "exact", field: "actor", value: "A b" },
    expression: `"${valueToken("actor", "A b")}"`,
  },
  { name: "all of several", filter: and(word("a"), word("b")), expression: '("a" AND "b")' },
  { name: "one of several", filter: or(word("a"), word("b"), word("c")), expression: '("a" OR "b" OR "c")' },
  { name: "a difference", filter: and(word("a"), not(word("b"))), expression: '("a" NOT "b")' },
  { name: "a negation alone", filter: not(word("a")), expression: `("${EVERY_ENTRY}" NOT "a")` },
  {
    name: "only negations",
    filter: and(not(word("a")), not(word("b"))),
    expression: `("${EVERY_ENTRY}" NOT ("a" OR "b"))`,
  },
  {
    name: "one of a word and a negation",
    filter: or(word("a"), not(word("b"))),
    expression: `("${EVERY_ENTRY}" NOT ("b" NOT "a"))`,
  },
  { name: "a double negation", filter: not(not(word("a"))), expression: '"a"' },
  { name: "everything and a word", filter: and(ALL, word("a")), expression: '"a"' },
  { name: "a word that tries to become an expression", filter: word('a" OR "b'), expression: '"a"" OR ""b"' },
];

test.each(cases)("compiles $name", ({ filter, expression }) => {
  expect(compileFilter(filter)).toEqual({ kind: "match", expression });
});

test("needs no postings for everything, for a word or everything, and for nothing", () => {
  expect(compileFilter(ALL)).toEqual({ kind: "every" });
  expect(compileFilter(or(word("a"), ALL))).toEqual({ kind: "every" });
  expect(compileFilter(not(ALL))).toEqual({ kind: "none" });
  expect(compileFilter(and(word("a"), not(ALL)))).toEqual({ kind: "none" });
});

test("counts what stands right of an operator, as it counts what stands left", () => {
  const nested = (depth: number): Filter =>
    Array.from({ length: depth }).reduce<Filter>(
      (inner, _, level) => (level % 2 === 0 ? and(inner, word("a")) : or(inner, word("a"))),
      word("a"),
    );
  const doubled = (depth: number): Filter => and(or(nested(depth), word("b")), or(nested(depth), word("c")));
  expect(compileFilter(doubled(80))).toMatchObject({ kind: "match" });
  expect(compileFilter(nested(84))).toMatchObject({ kind: "match" });
  expect(() => compileFilter(doubled(82))).toThrow("query: expected fewer parentheses");
});

test("refuses a filter that nests deeper than FTS5 can parse", () => {
  const nested = Array.from({ length: 200 }).reduce<Filter>(
    (inner, _, depth) => (depth % 2 === 0 ? and(word("a"), inner) : or(word("a"), inner)),
    word("a"),
  );
  expect(() => compileFilter(nested)).toThrow("query: expected fewer parentheses");
});
