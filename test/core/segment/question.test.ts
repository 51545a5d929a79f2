import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Question } from "../../../src/core/segment/answer.js";
import type { SegmentFilter } from "../../../src/core/segment/filter.js";
import { MAX_QUESTION_LENGTH, questionText, readQuestion } from "../../../src/core/segment/question.js";
import { filtersOver } from "./filters.js";

const bound = fc.option(fc.constantFrom("2026-01-01T00:00:00.000000Z", "2026-12-31T23:59:59.999999Z"), {
  nil: undefined,
});

const questions: fc.Arbitrary<Question> = fc.record({
  filter: filtersOver(300),
  window: fc.record({ from: bound, until: bound }),
  after: fc.option(fc.nat(), { nil: undefined }),
  descending: fc.boolean(),
  wanted: fc.oneof(
    fc.record({ kind: fc.constant("page" as const), limit: fc.nat(1000) }),
    fc.record({ kind: fc.constant("count" as const), cap: fc.option(fc.nat(), { nil: undefined }) }),
  ),
});

const PLAIN: Question = {
  filter: { kind: "phrase", field: "actor", words: ["alice"], prefix: true },
  window: { from: undefined, until: undefined },
  after: undefined,
  descending: true,
  wanted: { kind: "page", limit: 50 },
};

const TEXT =
  '{"descending":true,"edition":2,"filter":{"field":"actor","kind":"phrase","prefix":true,"words":["alice"]},' +
  '"wanted":{"kind":"page","limit":50},"window":{}}';

test("a question is one canonical text", () => {
  expect(questionText(PLAIN)).toBe(TEXT);
});

test("every question reads back as it was", () => {
  fc.assert(
    fc.property(questions, (question) => {
      expect(readQuestion(questionText(question))).toEqual(question);
    }),
  );
});

test("a question as deep as a query may be reads back", () => {
  let filter: SegmentFilter = { kind: "all" };
  for (let depth = 0; depth < 33; depth++)
    filter = { kind: "not", filter: { kind: "and", filters: [{ kind: "or", filters: [filter] }] } };
  expect(readQuestion(questionText({ ...PLAIN, filter }))?.filter).toEqual(filter);
});

test.each([
  ["another edition", TEXT.replace('"edition":2', '"edition":1')],
  ["a member more", TEXT.replace("{", '{"a":1,')],
  ["a member more in its filter", TEXT.replace('"kind":"phrase"', '"kind":"phrase","near":3')],
  ["a phrase without words", TEXT.replace('["alice"]', "[]")],
  ["a word that is no text", TEXT.replace('["alice"]', "[7]")],
  ["an empty word", TEXT.replace('"alice"', '""')],
  ["an unknown field", TEXT.replace('"actor"', '"colour"')],
  ["an unknown kind", TEXT.replace('"phrase"', '"near"')],
  ["a negative limit", TEXT.replace("50", "-1")],
  ["half a limit", TEXT.replace("50", "0.5")],
  ["a bound that is no time of receipt", TEXT.replace('"window":{}', '"window":{"from":"2026"}')],
  ["a blank", TEXT.replace("{", "{ ")],
  ["no object", "[]"],
  ["no JSON", TEXT.slice(1)],
  ["nothing", ""],
])("a question with %s is refused", (_, text) => {
  expect(readQuestion(text)).toBeUndefined();
});

test("a question that is nested too deeply, or too long, is refused", () => {
  const nested = `${'{"filter":'.repeat(5_000)}1${"}".repeat(5_000)}`;
  expect(readQuestion(TEXT.replace("true", nested))).toBeUndefined();
  expect(readQuestion(TEXT.replace("alice", "a".repeat(MAX_QUESTION_LENGTH)))).toBeUndefined();
});

test("the time of an event is read in the one spelling that is written", () => {
  const start = { epochMs: 1_767_225_600_000, micros: 7 };
  const text = questionText({ ...PLAIN, filter: { kind: "time", start, end: undefined } });
  expect(text).toContain('"start":"2026-01-01T00:00:00.000007Z"');
  expect(readQuestion(text.replace(".000007Z", ".000007+00:00"))).toBeUndefined();
  expect(readQuestion(text.replace("2026-01-01", "yesterday "))).toBeUndefined();
});
