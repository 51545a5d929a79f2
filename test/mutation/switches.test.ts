import { expect, test } from "@jest/globals";
import { runInNewContext } from "node:vm";
import { mutantsOf, mutated } from "./operators.js";
import { withSwitches } from "./switches.js";

type Switch = (mutant: number) => boolean;

/** What a text returns for each input, with this mutant on. */
function results(text: string, on: number): readonly unknown[] {
  const $mutant: Switch = (mutant) => mutant === on;
  const inputs: readonly (readonly [number, number])[] = [
    [0, 0],
    [0, 1],
    [1, 0],
    [2, 1],
    [-1, 3],
  ];
  return inputs.map(([a, b]): unknown => runInNewContext(`(() => {${text}})()`, { $mutant, list: [a, b, 5], a, b }));
}

test.each([
  ["comparisons", "return [a < b, a <= b, a > b, a >= b, a === b, a !== b]"],
  ["sums and numbers", "return a + b - 3 + list[1]"],
  ["a conjunction of what is not true or false", "return [a && b, a || b, a && b || list, (a || b) && list]"],
  ["a negation", "return [!(a < b), !!a === !b]"],
  ["conditions", "if (a < b) return a; else if (a && b) return b; return a > b ? !b : a === 0 ? 7 : 8"],
  ["calls", "if (a) list.push(b); else list.pop(); list.sort(); return list"],
  [
    "quantifiers and bounds",
    "return [list.every((x) => x > a), list?.some((x) => x > b), Math.max(a, b), Math.min(a, 1)]",
  ],
  ["templates and members", "return `${a + 1}: ${list[a - 1] ?? (b ? 1 : 2)}`"],
])("each switch of %s does what its mutant does", (_what, text) => {
  const mutants = mutantsOf(text);
  const switched = withSwitches(text, 100);
  expect(mutants.length).toBeGreaterThan(0);
  expect(results(switched, -1)).toEqual(results(text, -1));
  for (const [place, mutant] of mutants.entries()) {
    const changed = mutated(text, mutant);
    expect([changed, results(switched, 100 + place)]).toEqual([changed, results(changed, -1)]);
  }
});
