import { expect, test } from "@jest/globals";
import { badInput, hasCode } from "../../src/audit/errors.js";

const problems = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ path: `events[${at}]`, expected: "an object", got: "nothing" }));

test.each([
  [1, 1, /got nothing\W*$/],
  [100, 100, /got nothing\W*$/],
  [101, 100, /; and 1 more like these$/],
  [1_000, 100, /; and 900 more like these$/],
])("%d problems are told as %d", (count, told, message) => {
  const error = badInput(problems(count));
  expect(error.message).toMatch(message);
  expect(error.message.startsWith("events[0]")).toBe(true);
  expect(error).toMatchObject({ code: "BAD_USER_INPUT", problems: problems(told) });
});

test.each([
  [Object.assign(new Error("gone"), { code: "ENOENT" }), true],
  [{ code: "ENOENT" }, true],
  [{ code: "EACCES" }, false],
  [{}, false],
  [null, false],
  [undefined, false],
  ["ENOENT", false],
])("%p has the code ENOENT: %p", (error, expected) => {
  expect(hasCode(error, "ENOENT")).toBe(expected);
});
