import { describe, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import {
  MAX_NESTING,
  MAX_PHRASE_WORDS,
  MAX_PREFIXES,
  MAX_QUERY_CHARACTERS,
  MAX_WORDS,
  parseQuery,
} from "../../src/query/parser.js";
import { printFilter } from "../../src/query/print.js";
import { MAX_RESTRICTION_VALUES } from "../../src/query/filter.js";
import { SORT_KEY_CHARACTERS } from "../../src/query/order.js";
import { parseTime } from "../../src/query/time.js";
import { MAX_WORD_CHARACTERS } from "../../src/core/words/words.js";

const page = readFileSync(new URL("../../../docs/query-language.md", import.meta.url), "utf8");

type Row = readonly [first: string, second: string, third: string];

/** The rows of every table with this head. */
function tables(...head: readonly string[]): readonly Row[] {
  const blocks = page.split("\n\n").filter((block) => block.startsWith("|"));
  const found = blocks.map((block) => block.trimEnd().split("\n").map(cells));
  return found.filter(([first]) => first?.join(" | ").startsWith(head.join(" | "))).flatMap((rows) => rows.slice(2));
}

/** A cell that is one piece of code stands without its backticks. */
function cells(row: string): Row {
  const texts = row
    .split("|")
    .slice(1)
    .map((cell) => cell.trim().replace(/^`([^`]*)`$/, "$1"));
  const [first = "", second = "", third = ""] = texts;
  return [first, second, third];
}

const nowMicros = Date.parse("2026-03-31T12:00:00Z") * 1000;

describe("docs/query-language.md", () => {
  const examples = [...tables("query", "finds entries where"), ...tables("query", "finds entries that happened")];
  const errors = tables("query", "error");
  const times = tables("time", "is");
  const units = tables("unit", "spellings");

  test("has its tables where this test looks for them", () => {
    expect([examples, errors, times, units].map((rows) => rows.length)).toEqual([40, 11, 11, 7]);
  });

  test.each(examples)("is right about %j, which finds entries where %s", (query, _, readAs) => {
    const parsed = parseQuery(query);
    expect(parsed.kind === "parsed" && printFilter(parsed.filter)).toBe(readAs);
  });

  test.each(errors)("is right about the error of %j", (query, message) => {
    expect(parseQuery(query)).toMatchObject({ kind: "syntax-error", message });
  });

  test.each(times)("is right about the time %j", (time, receivedAt) => {
    expect(parseTime(time, nowMicros)).toEqual({ kind: "time", receivedAt });
  });

  test.each(units)("is right about the spellings of %s", (_, spellings) => {
    for (const unit of spellings.split(/[` ]+/).filter(Boolean))
      expect(parseTime(`1${unit}`, nowMicros).kind).toBe("time");
  });

  test.each([
    [MAX_QUERY_CHARACTERS, "characters"],
    [MAX_WORDS, "words in all"],
    [MAX_PHRASE_WORDS, "words in a phrase"],
    [MAX_PREFIXES, "words that end with `*`"],
    [MAX_NESTING, "parentheses and negations"],
    [MAX_RESTRICTION_VALUES, "values in all"],
    [SORT_KEY_CHARACTERS, "characters, compared by code point"],
    [MAX_WORD_CHARACTERS, "characters.\n"],
  ])("names the limit of %i %s", (limit, noun) => {
    expect(page).toContain(`${limit.toLocaleString("en")} ${noun}`);
  });
});
