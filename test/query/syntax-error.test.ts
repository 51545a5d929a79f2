import { describe, expect, test } from "@jest/globals";
import { MAX_NESTING, MAX_PREFIXES, MAX_QUERY_CHARACTERS, MAX_TERMS, parseQuery } from "../../src/query/parser.js";
import type { QuerySyntaxError } from "../../src/query/syntax-error.js";

function errorOf(query: string): QuerySyntaxError {
  const parsed = parseQuery(query);
  if (parsed.kind === "parsed") throw new Error(`${query} is no error`);
  return parsed;
}

const fields = "message, actor, action, new, old, source, status, target, timestamp, tenant_id";
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
    ["a => b", 3, "a term; put text in quotes if it begins like this", '"="'],
    ["user:alice", 1, `one of the fields ${fields} (put other text in quotes)`, '"user:"'],
    ["a Actor=alice", 3, `one of the fields ${fields} (put other text in quotes)`, '"Actor="'],
    ["received_at:7d", 1, "times in the window argument, not in the query", '"received_at:"'],
    ['receivedAt>"2026-01-01"', 1, "times in the window argument, not in the query", '"receivedAt>"'],
    ["message:---", 9, "at least one letter or number to search for", '"---"'],
    ['"---"', 1, "at least one letter or number to search for", '"\\"---\\""'],
    ["a*b", 1, '"*" only at the end of a word (put other text in quotes)', '"a*b"'],
    ["actor:*", 7, '"*" only at the end of a word (put other text in quotes)', '"*"'],
    ["foo-*", 1, '"*" only at the end of a word (put other text in quotes)', '"foo-*"'],
    ["a\0", 2, "text without U+0000 and lone surrogates", '"\\u0000"'],
    ["a\udc00", 2, "text without U+0000 and lone surrogates", '"\\udc00"'],
    [`"${"é".repeat(60)}`, 1, 'a closing quote "', `"\\"${"é".repeat(39)}…"`],
  ])("%j: column %i", (...[query, column, expected, got]) => {
    const message = `column ${column}: expected ${expected}, got ${got}`;
    expect(errorOf(query)).toMatchObject({ column, expected, got, message });
  });

  test.each([">", "<"])("says that the fields have no order, where %s stands after a field", (operator) => {
    expect(errorOf(`a timestamp${operator}"2026-01-01"`).message).toBe(
      `column 3: expected ":" or "=" after a field: the fields are text, without order (put other text in quotes), got "timestamp${operator}"`,
    );
  });

  test("counts columns in characters, also beyond 16 bits", () => {
    expect(errorOf('"😀😀x" )').column).toBe(7);
  });

  test("reports the leftmost of several faults", () => {
    expect(errorOf('a OR ) user:b "').column).toBe(6);
  });

  test("hands out the token, for doors that underline it in their own way", () => {
    expect(errorOf("😀x )").token).toEqual({ kind: "close", text: ")", offset: 4 });
    expect(errorOf("user:x").token).toEqual({ kind: "bad", text: "user:", offset: 0 });
    expect(errorOf("(a").token).toEqual({ kind: "end", text: "", offset: 2 });
  });
});

describe("the limits of a query", () => {
  const nested = (depth: number) => "(".repeat(depth) + "a" + ")".repeat(depth);
  const prefixes = (count: number) => "a* ".repeat(count).trimEnd();
  const terms = (count: number) => "a ".repeat(count).trimEnd();

  test.each([
    ["characters", "é".repeat(MAX_QUERY_CHARACTERS)],
    ["characters beyond 16 bits", "𐐀".repeat(MAX_QUERY_CHARACTERS)],
    ["terms", terms(MAX_TERMS)],
    ["prefixes", prefixes(MAX_PREFIXES)],
    ["parentheses", nested(MAX_NESTING)],
    ["negations", "-".repeat(MAX_NESTING) + "a"],
  ])("let the last allowed number of %s pass", (_, query) => {
    expect(parseQuery(query).kind).toBe("parsed");
  });

  test.each([
    ["character", "é".repeat(MAX_QUERY_CHARACTERS + 1), MAX_QUERY_CHARACTERS + 1, "at most 4096 characters"],
    ["term", terms(MAX_TERMS + 1), 2 * MAX_TERMS + 1, "at most 256 terms"],
    ["prefix", prefixes(MAX_PREFIXES + 1), 3 * MAX_PREFIXES + 1, 'at most 16 words that end with "*"'],
    ["parenthesis", nested(MAX_NESTING + 1), MAX_NESTING + 1, "at most 32 parentheses and negations inside each other"],
    [
      "negation",
      "-".repeat(MAX_NESTING + 1) + "a",
      MAX_NESTING + 1,
      "at most 32 parentheses and negations inside each other",
    ],
    [
      "negating word",
      "NOT ".repeat(MAX_NESTING + 1) + "a",
      4 * MAX_NESTING + 1,
      "at most 32 parentheses and negations inside each other",
    ],
    [
      "parenthesis among negations",
      "actor:" + "(-".repeat(16) + "(a",
      39,
      "at most 32 parentheses and negations inside each other",
    ],
  ])("refuse one %s more, naming its column", (...[, query, column, expected]) => {
    expect(errorOf(query)).toMatchObject({ column, expected });
  });

  test("do not count what was closed before", () => {
    expect(parseQuery("(-a) ".repeat(60)).kind).toBe("parsed");
  });
});
