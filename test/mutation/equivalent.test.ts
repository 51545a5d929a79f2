import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { EQUIVALENT } from "./equivalent.js";
import { mutantsOf, mutated } from "./operators.js";

const ROOT = new URL("../../../", import.meta.url);
const FILES = [...new Set(EQUIVALENT.map(({ file }) => file))];

/** The lines of a built file's mutants, before and after. */
function changesIn(file: string): readonly string[] {
  const text = readFileSync(new URL(file, ROOT), "utf8");
  return mutantsOf(text).map((mutant) => {
    const lineIn = (whole: string): string => (whole.split("\n")[mutant.line - 1] ?? "").trim();
    return `${lineIn(text)} -> ${lineIn(mutated(text, mutant))}`;
  });
}

test.each(FILES)("each mutant that is named as equivalent is one, and no other is like it: %s", (file) => {
  const changes = changesIn(file);
  const named = EQUIVALENT.filter((one) => one.file === file).map(({ line, mutant }) => `${line} -> ${mutant}`);
  const found = (name: string): number => changes.filter((change) => change === name).length;
  expect(named.map((name) => [name, found(name)])).toEqual(named.map((name) => [name, 1]));
});
