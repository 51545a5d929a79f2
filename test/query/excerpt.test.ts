import { expect, test } from "@jest/globals";
import { excerpt } from "../../src/query/excerpt.js";

test.each([
  ["", '""'],
  ['a "b"\n', '"a \\"b\\"\\n"'],
  ["0" + "a".repeat(39), `"0${"a".repeat(39)}"`],
  ["0" + "a".repeat(40), `"0${"a".repeat(39)}…"`],
  ["😀".repeat(40), `"${"😀".repeat(40)}"`],
  ["😀".repeat(41), `"${"😀".repeat(40)}…"`],
])("%j is shown as %s", (text, shown) => {
  expect(excerpt(text)).toBe(shown);
});
