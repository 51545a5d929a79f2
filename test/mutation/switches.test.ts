import { expect, test } from "@jest/globals";
import { once } from "node:events";
import { runInNewContext } from "node:vm";
import { setEnvironmentData, Worker } from "node:worker_threads";
import { mutantsOf, mutated } from "./operators.js";
import { withSwitches, type Switches } from "./switches.js";

/** What a text returns for each input, with this mutant on. */
function results(text: string, on: number): readonly unknown[] {
  const $mutants: Switches = { seen: new Uint8Array(200), state: Float64Array.of(on, 0, 1_000) };
  const inputs: readonly (readonly [number, number])[] = [
    [0, 0],
    [0, 1],
    [1, 0],
    [2, 1],
    [-1, 3],
  ];
  return inputs.map(([a, b]): unknown => runInNewContext(`(() => {${text}})()`, { $mutants, list: [a, b, 5], a, b }));
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

test("a thread has the switches of who started it, and says what it has executed", async () => {
  const text = 'require("worker_threads").parentPort.postMessage(1 < 1)';
  const on = mutantsOf(text).findIndex(({ replacement }) => replacement === "<=");
  const $mutants: Switches = {
    seen: new Uint8Array(new SharedArrayBuffer(200)),
    state: new Float64Array(new SharedArrayBuffer(3 * Float64Array.BYTES_PER_ELEMENT)),
  };
  setEnvironmentData("$mutants", { ...$mutants });
  try {
    for (const mutant of [on, -1]) {
      $mutants.state.set([mutant, 0, 1_000]);
      const worker = new Worker(withSwitches(text, 0), { eval: true });
      expect(await once(worker, "message")).toEqual([mutant === on]);
    }
  } finally {
    setEnvironmentData("$mutants", undefined);
  }
  expect($mutants.seen[on]).toBe(1);
});

test("what is not wanted has no switch", () => {
  const text = "return [a < b, a > b]";
  expect(
    results(
      withSwitches(text, 100, (number) => number === 101),
      100,
    ),
  ).toEqual(results(text, -1));
  expect(withSwitches(text, 100, () => false)).not.toContain("$m(1");
});

test.each(["while (a < 9 || true) list.length", "do { a += 0 } while (a < 9 || true)", "for (;;) if (a > 9) break"])(
  "has an end: %s",
  (text) => {
    expect(() => results(withSwitches(`if (a === 0) ${text}`, 100), -1)).toThrow("does not end");
  },
);
