import { expect, test } from "@jest/globals";
import { errorOf, pathOf } from "../../../src/backends/pangea/refusals.js";

test.each([
  ["expected an RFC 3339 time, got other text, got at once", "an RFC 3339 time", "other text, got at once"],
  [
    "syntax error at ): LexToken(CPAREN,')',1,6)",
    "at column 7 what the audit service's query language has there",
    '")"',
  ],
  [
    "syntax error at : LexToken(END,'',1,16)",
    "at column 17 what the audit service's query language has there",
    "the end of the query",
  ],
  ["too long", "what the audit service accepts (BadFormat)", "too long"],
])("the detail %j is told as our own errors are", (detail, expected, got) => {
  const errors = [{ code: "BadFormat", detail, source: "/query" }];
  const refusal = {
    httpStatus: 400,
    status: "ValidationError",
    summary: "",
    result: { errors },
    retryAfterMs: undefined,
  };
  const { problems } = errorOf(refusal, { outcome: undefined, isRepeated: false });
  expect(problems).toEqual([{ path: "query", expected, got }]);
});

test.each([
  ["", "request"],
  ["/query", "query"],
  ["/search_restriction/actor/0", "search_restriction.actor[0]"],
  ["/event/a~1b", 'event["a/b"]'],
])("the pointer %s is the path %s", (pointer, path) => {
  expect(pathOf(pointer)).toBe(path);
});
