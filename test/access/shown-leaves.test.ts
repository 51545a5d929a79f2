import { expect, test } from "@jest/globals";
import { ShownLeaves } from "../../src/access/shown-leaves.js";

test("what a request was shown is all of the leaves asked for, in their log", () => {
  const shown = new ShownLeaves();
  expect(shown.hasAll("a", [])).toBe(false);
  shown.addLeaf("a", 1);
  shown.addLeaves("a", [3, 4]);
  expect([[1], [4, 3, 1], [1, 2], [2, 1], []].map((leaves) => shown.hasAll("a", leaves))).toEqual([
    ...[true, true],
    ...[false, false, false],
  ]);
  expect(shown.hasAll("b", [1])).toBe(false);
});
