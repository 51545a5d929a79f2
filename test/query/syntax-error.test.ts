import { describe, expect, test } from "@jest/globals";
import {
  MAX_NESTING,
  MAX_PHRASE_WORDS,
  MAX_PREFIXES,
  MAX_QUERY_CHARACTERS,
  MAX_WORDS,
  parseQuery,
} from "../../src/query/parser.js";
import type { QuerySyntaxError } from "../../src/query/syntax-error.js";

function errorOf(query: string): QuerySyntaxError {
  const parsed = parseQuery(query);
  if (parsed.kind === "parsed") throw new Error(`${query} is no error`);
  return parsed;
}

const end = "the end of the query";

describe("a query that is refused", () => {
  test.each<[query: string, column: number, expected: string, got: string]>([
    ["a)", 2, "a term or the end of the query", '")"'],
    ["(a", 3, 'a closing ")"', end],
    ["(a OR b", 8, 'a closing ")"', end],
    ["()", 2, "a term", '")"'],
    ["a OR", 5, "a term", end],
    ["a AND OR b", 7, "a term", '"OR"'],
    ["OR a", 1, "a term", '"OR"'],
    ["NOT", 4, "a term", end],
    ["-", 1, 'a term directly after "-"', '"-"'],
    ["a - b", 3, 'a term directly after "-"', '"-"'],
    ['a "b', 3, 'a closing quote "', '"\\"b"'],
    ['a "b\\"', 3, 'a closing quote "', '"\\"b\\\\\\""'],
    ["actor:", 7, "a value of actor:", end],
    ["actor:)", 7, "a value of actor:", '")"'],
    ["actor:(a target:b)", 10, "a value of actor:", '"target:"'],
    ["actor:(a OR)", 12, "a value of actor:", '")"'],
    ["actor==a", 7, "a value; put it in quotes if it begins like this", '"="'],
    ["actor = alice", 7, "an operator directly after its field, and a value directly after that", '"="'],
    ["status != ok", 8, "an operator directly after its field, and a value directly after that", '"!="'],
    ["status=!ok", 8, '"status!=" for any other value, or quotes around one that begins like this', '"!ok"'],
    ["Actor:alice", 1, '"actor:" (put other text in quotes)', '"Actor:"'],
    ["a mesage=alice", 3, '"message=" (put other text in quotes)', '"mesage="'],
    ["statsu!=ok", 1, '"status!=" (put other text in quotes)', '"statsu!="'],
    ["tenant:acme", 1, '"tenant_id:" (put other text in quotes)', '"tenant:"'],
    ["&", 1, "at least one letter or number to search for", '"&"'],
    ["a OR &", 6, "at least one letter or number to search for", '"&"'],
    ["& OR a", 1, "at least one letter or number to search for", '"&"'],
    ["-&", 1, "at least one letter or number to search for", '"-&"'],
    ["! a", 1, 'a term directly after "!"', '"!"'],
    ["timestamp>7d", 11, "a day or a time such as 2026-01-31 or 2026-01-31T09:00:00Z", '"7d"'],
    ["timestamp<2026-02-30", 11, "a day or a time such as 2026-01-31 or 2026-01-31T09:00:00Z", '"2026-02-30"'],
    ["timestamp<1767312000", 11, "a day or a time such as 2026-01-31 or 2026-01-31T09:00:00Z", '"1767312000"'],
    ["received_at:7d", 1, "times in the window argument, not in the query", '"received_at:"'],
    ['receivedAt>"2026-01-01"', 1, "times in the window argument, not in the query", '"receivedAt>"'],
    ["message:---", 9, "at least one letter or number to search for", '"---"'],
    ['"---"', 1, "at least one letter or number to search for", '"\\"---\\""'],
    ['actor="al"*', 7, 'a whole value without "*" behind it (":" finds what begins alike)', '"\\"al\\"*"'],
    ['"a b"*c', 6, '"*" only at the end of a word (put other text in quotes)', '"*c"'],
    ["a*b", 1, '"*" only at the end of a word (put other text in quotes)', '"a*b"'],
    ["*a", 1, '"*" only at the end of a word (put other text in quotes)', '"*a"'],
    ["a\0", 2, "text without U+0000 and lone surrogates", '"\\u0000"'],
    ["a\udc00", 2, "text without U+0000 and lone surrogates", '"\\udc00"'],
    [`"${"é".repeat(60)}`, 1, 'a closing quote "', `"\\"${"é".repeat(39)}…"`],
  ])("%j: column %i", (...[query, column, expected, got]) => {
    const message = `column ${column}: expected ${expected}, got ${got}`;
    expect(errorOf(query)).toMatchObject({ column, expected, got, message });
  });

  test.each([">", "<"])("says that the fields have no order, where %s stands after a field", (operator) => {
    expect(errorOf(`a target${operator}"2026-01-01"`).message).toBe(
      `column 3: expected ":" or "=" after a field: all but timestamp are text, without order (put other text in quotes), got "target${operator}"`,
    );
  });

  test("counts columns in characters, also beyond 16 bits", () => {
    expect(errorOf('"😀😀x" )').column).toBe(7);
  });

  test("reports the leftmost of several faults", () => {
    expect(errorOf('a OR ) actr:b "').column).toBe(6);
  });

  test("hands out the token, for doors that underline it in their own way", () => {
    expect(errorOf("😀x )").token).toEqual({ kind: "close", text: ")", offset: 4 });
    expect(errorOf("Actor:x").token).toEqual({ kind: "bad", text: "Actor:", offset: 0 });
    expect(errorOf("(a").token).toEqual({ kind: "end", text: "", offset: 2 });
  });
});

describe("the limits of a query", () => {
  const nested = (depth: number) => "(".repeat(depth) + "a" + ")".repeat(depth);
  const prefixes = (count: number) => "a* ".repeat(count).trimEnd();
  const terms = (count: number) => "a ".repeat(count).trimEnd();
  const phrase = (count: number) => `"${terms(count)}"`;
  const phrases = (count: number) => `${phrase(MAX_PHRASE_WORDS)} `.repeat(count).trimEnd();
  const allPhrases = MAX_WORDS / MAX_PHRASE_WORDS;

  test.each([
    ["characters", "é".repeat(MAX_QUERY_CHARACTERS)],
    ["characters beyond 16 bits", "𐐀".repeat(MAX_QUERY_CHARACTERS)],
    ["words", terms(MAX_WORDS)],
    ["words in phrases", phrases(allPhrases)],
    ["exact values of many words", `actor=${phrase(MAX_PHRASE_WORDS + 1)} `.repeat(MAX_WORDS / 8).trimEnd()],
    ["exact values", "actor=a ".repeat(MAX_WORDS).trimEnd()],
    ["words of a phrase", phrase(MAX_PHRASE_WORDS)],
    ["prefixes", prefixes(MAX_PREFIXES)],
    ["parentheses", nested(MAX_NESTING)],
    ["negations", "-".repeat(MAX_NESTING) + "a"],
  ])("let the last allowed number of %s pass", (_, query) => {
    expect(parseQuery(query).kind).toBe("parsed");
  });

  test.each([
    ["character", "é".repeat(MAX_QUERY_CHARACTERS + 1), MAX_QUERY_CHARACTERS + 1, "characters", "4097 UTF-16 units"],
    ["word", terms(MAX_WORDS + 1), 2 * MAX_WORDS + 1, "words in all", "257 up to here"],
    [
      "word after phrases",
      `${phrases(allPhrases)} b`,
      phrases(allPhrases).length + 2,
      "words in all",
      "257 up to here",
    ],
    ["exact value", "actor=a ".repeat(MAX_WORDS + 1), 8 * MAX_WORDS + 7, "words in all", "257 up to here"],
    ["parenthesis after others", `(-a) (${nested(MAX_NESTING)})`, 38, "parentheses and negations", "33"],
    ["word of a phrase", `b ${phrase(MAX_PHRASE_WORDS + 1)}`, 3, "words in a phrase", "33 words"],
    ["word of a phrase in dashes", "a-".repeat(MAX_PHRASE_WORDS) + "b*", 1, "words in a phrase", "33 words"],
    ["ideograph of a phrase", "京".repeat(MAX_PHRASE_WORDS + 1), 1, "words in a phrase", "33 words"],
    ["prefix", prefixes(MAX_PREFIXES + 1), 3 * MAX_PREFIXES + 1, "words that end", "17 up to here"],
    ["parenthesis", nested(MAX_NESTING + 1), MAX_NESTING + 1, "parentheses and negations", "33"],
    ["negation", "-".repeat(MAX_NESTING + 1) + "a", MAX_NESTING + 1, "parentheses and negations", "33"],
    ["negating word", "NOT ".repeat(MAX_NESTING + 1) + "a", 4 * MAX_NESTING + 1, "parentheses and negations", "33"],
    ["parenthesis among negations", "actor:" + "(-".repeat(16) + "(a", 39, "parentheses and negations", "33"],
  ])("refuse one %s more, naming its column, the limit and what came", (...[, query, column, limit, got]) => {
    expect(errorOf(query)).toMatchObject({
      ...{ column, got },
      expected: expect.stringMatching(new RegExp(`^at most \\d+ ${limit}`)),
    });
  });

  test("refuse a query of millions of characters without reading on", () => {
    const query = "😀".repeat(8_000_000);
    const start = performance.now();
    expect(errorOf(query)).toMatchObject({ column: MAX_QUERY_CHARACTERS + 1, got: "16000000 UTF-16 units" });
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  test("do not count what was closed before", () => {
    expect(parseQuery("(-a) ".repeat(60)).kind).toBe("parsed");
  });
});
