import { expect, test } from "@jest/globals";
import { mutantsOf, mutated } from "./operators.js";

const changes = (text: string): readonly string[] => mutantsOf(text).map((mutant) => mutated(text, mutant));

test.each([
  ["a comparison", "a < b", ["a <= b"]],
  ["an equality", "a === b", ["a !== b"]],
  ["a conjunction", "a && b", ["a || b"]],
  ["a sum, but not of texts", 'a - b; c + "d"', ['a + b; c + "d"']],
  ["a negation", "x = !y", ["x = (y)"]],
  ["a condition", "if (a) b = c;", ["if (true) b = c;", "if (false) b = c;"]],
  ["a choice", "x = a ? b : c", ["x = true ? b : c", "x = false ? b : c"]],
  ["a call for its effect alone", "x = f(); g();", ["x = f(); ;"]],
  ["an awaited call", "async () => { await f(); }", ["async () => { ; }"]],
  ["a quantifier and a bound", "x = a.every(f) + Math.min(b)", ["x = a.some(f) + Math.min(b)"]],
  ["a number", "x = f(7)", ["x = f((7 + 1))"]],
])("%s is changed in every way that it has", (_what, text, expected) => {
  expect(changes(text)).toEqual(expect.arrayContaining(expected));
});

test("nothing is changed in imports, in a chosen number, nor what makes an object", () => {
  expect(changes("const MAX_ENTRIES = 1000; const MAX_BYTES = 64 * 1_024; const options = { limit: 7 };")).toEqual([]);
  expect(changes('import a from "b"; class A extends B { constructor() { super(); } }')).toEqual([]);
});

test("a mutant knows its line", () => {
  expect(mutantsOf("x;\ny = a < b").map(({ line }) => line)).toEqual([2]);
});
