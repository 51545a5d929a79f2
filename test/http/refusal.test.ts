import { expect, test } from "@jest/globals";
import { AuditError, badInput } from "../../src/audit/errors.js";
import { refusalAnswer } from "../../src/http/refusal.js";

function shown(error: AuditError) {
  const { status, headers, body } = refusalAnswer(error);
  return { status, retryAfter: headers["retry-after"], body: JSON.parse(body) as unknown };
}

test("a request that is refused for a while says how long, in whole seconds and in milliseconds", () => {
  expect(shown(new AuditError("RATE_LIMITED", "later", { retryAfterMs: 1_200 }))).toEqual({
    status: 429,
    retryAfter: "2",
    body: { errors: [{ message: "later", extensions: { code: "RATE_LIMITED", retryAfterMs: 1_200 } }] },
  });
});

test("a request that is refused for good says what is wrong with it, and not when to come back", () => {
  const problem = { path: "first", expected: "an integer", got: "x" };
  expect(shown(badInput([problem]))).toEqual({
    status: 400,
    retryAfter: undefined,
    body: {
      errors: [
        { message: "first: expected an integer, got x", extensions: { code: "BAD_USER_INPUT", problems: [problem] } },
      ],
    },
  });
});
