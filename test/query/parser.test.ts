import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { EventField } from "../../src/core/event.js";
import { ALL, type Filter } from "../../src/query/filter.js";
import { parseQuery } from "../../src/query/parser.js";

const word = (text: string, field?: EventField): Filter => phrase(text, field, false);
const prefix = (text: string, field?: EventField): Filter => phrase(text, field, true);
const exact = (field: EventField, value: string): Filter => ({ kind: "exact", field, value });
const present = (field: EventField): Filter => ({ kind: "present", field });
const time = (side: "start" | "end", text: string, micros = 0): Filter => ({
  ...{ kind: "time", start: undefined, end: undefined },
  [side]: { epochMs: Date.parse(text), micros },
});
const and = (...filters: Filter[]): Filter => ({ kind: "and", filters });
const or = (...filters: Filter[]): Filter => ({ kind: "or", filters });
const not = (filter: Filter): Filter => ({ kind: "not", filter });

function phrase(text: string, field: EventField | undefined, isPrefix: boolean): Filter {
  return { kind: "phrase", field, words: text.split(" "), prefix: isPrefix };
}

const [a, b, c] = [word("a"), word("b"), word("c")];

const grammar: Readonly<Record<string, readonly (readonly [query: string, filter: Filter])[]>> = {
  "the whole log": [
    ["", ALL],
    [" \t\n ", ALL],
    ['""', ALL],
    ['message:""', ALL],
    ['message:" "', ALL],
    ['-""', not(ALL)],
    ['"" a', a],
    ['"" OR a', ALL],
    ["*", ALL],
  ],
  words: [
    ["alice", word("alice")],
    ["Alice", word("alice")],
    ["and", word("and")],
    ["ANDROID", word("android")],
    ["actor:alice", word("alice", "actor")],
    ["actor: alice", word("alice", "actor")],
    ["tenantId:acme", word("acme", "tenant_id")],
    ["tenant_id:acme", word("acme", "tenant_id")],
    ["actor:AND", word("and", "actor")],
    ["status:-1", word("1", "status")],
  ],
  phrases: [
    ['"logged in"', word("logged in")],
    ['message:"Logged, in!"', word("logged in", "message")],
    ["message:test-1700000000.12", word("test 1700000000 12", "message")],
    ["alice@example.com", word("alice example com")],
    ["東京", word("東 京")],
    ['"a OR b"', word("a or b")],
    ['"say \\"hi\\""', word("say hi")],
  ],
  "prefixes of words": [
    ["log*", prefix("log")],
    ["message:log*", prefix("log", "message")],
    ["message:test-17*", prefix("test 17", "message")],
    ['"log*"', word("log")],
    ['"test 17"*', prefix("test 17")],
    ['message:"test 17"* alice', and(prefix("test 17", "message"), word("alice"))],
    ['("log"*)', prefix("log")],
    ['"log"**', prefix("log")],
    ['"log"*"bob"', and(prefix("log"), word("bob"))],
    ['"10.0."*', word("10 0")],
    ['""*', ALL],
    ["10.0.*", word("10 0")],
    ["10.0*", prefix("10 0")],
    ["s3:Get*", prefix("s3 get")],
  ],
  "whole values": [
    ["actor=alice", exact("actor", "alice")],
    ["actor= alice", exact("actor", "alice")],
    ['actor="Alice B."', exact("actor", "Alice B.")],
    ['actor=""', exact("actor", "")],
    ["actor=a*", exact("actor", "a*")],
    ["target=a=b:c", exact("target", "a=b:c")],
    ["status=-1", exact("status", "-1")],
    ["action=---", exact("action", "---")],
    ['source="C:\\temp\\\\new \\"x\\""', exact("source", 'C:\\temp\\new "x"')],
    ['new="{\\"a\\":1}"', exact("new", '{"a":1}')],
  ],
  "colons and other operators in text": [
    ["message:http://x", word("http x", "message")],
    ["http://example.com:80/a", word("http example com 80 a")],
    ["12:30", word("12 30")],
    ["10.0.0.1:8080", word("10 0 0 1 8080")],
    ["timestamp:2026-01-02T03:04", word("2026 01 02 03 04", "timestamp")],
    ["note: a", and(word("note"), a)],
    ["std::string", word("std string")],
    ["x=>y", word("x y")],
    ["x-id:12", word("x id 12")],
    ["message:a>b", word("a b", "message")],
    ["arn:aws:iam::1:user/dana", word("arn aws iam 1 user dana")],
    ["aa:bb:cc:dd:ee:ff", word("aa bb cc dd ee ff")],
    ["addr=192.0.2.1", word("addr 192 0 2 1")],
    ["user:alice", word("user alice")],
    ["Status: 200", and(word("status"), word("200"))],
    ["::1", word("1")],
    ["source:::1", word("1", "source")],
    ["a<b", word("a b")],
    ["<b>bold</b>", word("b bold b")],
  ],
  "AND, OR and their order": [
    ["a b", and(a, b)],
    ["a AND b", and(a, b)],
    ["a b AND c", and(a, b, c)],
    ["a OR b", or(a, b)],
    ["a OR b c", or(a, and(b, c))],
    ["a b OR c", or(and(a, b), c)],
    ["(a OR b) c", and(or(a, b), c)],
    ["a (b c)", and(a, b, c)],
    ["(a OR b) OR c", or(a, b, c)],
    ["((a))", a],
    ["a(b)", and(a, b)],
    ['a"b"', and(a, b)],
    ['(actor:"D" OR target:"G") AND target:"S"', and(or(word("d", "actor"), word("g", "target")), word("s", "target"))],
    ["message:JSON-message status:signed", and(word("json message", "message"), word("signed", "status"))],
    ["message:Integration test msg", and(word("integration", "message"), word("test"), word("msg"))],
  ],
  "signs between words": [
    ["GET / HTTP/1.1", and(word("get"), word("http 1 1"))],
    ["a & b", and(a, b)],
    ["actor & b", and(word("actor"), b)],
    ["a -> b", and(a, b)],
    ["a = b", and(a, b)],
    ["& a &", a],
    ["a AND & b", and(a, b)],
    ['"k":"v"', and(word("k"), word("v"))],
    ["actor:(a & b)", and(word("a", "actor"), word("b", "actor"))],
    ["action=(a OR *)", or(exact("action", "a"), exact("action", "*"))],
    ["action=(& OR a)", or(exact("action", "&"), exact("action", "a"))],
  ],
  "the event's own time": [
    ["timestamp>=2026-03-01", time("start", "2026-03-01T00:00:00Z")],
    ["timestamp>2026-03-01", time("start", "2026-03-02T00:00:00Z")],
    ["timestamp<2026-03-01", time("end", "2026-03-01T00:00:00Z")],
    ["timestamp<=2026-03-01", time("end", "2026-03-02T00:00:00Z")],
    ["timestamp>=2026-03-01T12:30+02:00", time("start", "2026-03-01T10:30:00Z")],
    ['timestamp<="2026-03-01 12:30:05.1"', time("end", "2026-03-01T12:30:05.1Z", 1)],
    ["-timestamp>=2026-03-01", not(time("start", "2026-03-01T00:00:00Z"))],
  ],
  presence: [
    ["status:*", present("status")],
    ["-status:*", not(present("status"))],
    ["actor:(* -bob)", and(present("actor"), not(word("bob", "actor")))],
    ["status=*", exact("status", "*")],
  ],
  negation: [
    ["status!=success", not(exact("status", "success"))],
    ["status!:success", not(word("success", "status"))],
    ["status:!success", not(word("success", "status"))],
    ["status!:!success", word("success", "status")],
    ['status!=(a OR "!b")', not(or(exact("status", "a"), exact("status", "!b")))],
    ["!a", not(a)],
    ["!(a OR b)", not(or(a, b))],
    ["--a", a],
    ["-a", not(a)],
    ["NOT a", not(a)],
    ["a NOT b", and(a, not(b))],
    ["a -b", and(a, not(b))],
    ["a-b", word("a b")],
    ["-a-b", not(word("a b"))],
    ["-(a OR b)", not(or(a, b))],
    ['-"a b"', not(word("a b"))],
    ["-actor:a", not(word("a", "actor"))],
    ["-actor=a", not(exact("actor", "a"))],
    ["-NOT a", a],
    ["NOT a b", and(not(a), b)],
    ["a OR -b", or(a, not(b))],
  ],
  "groups of values": [
    ["actor:(a OR b)", or(word("a", "actor"), word("b", "actor"))],
    ["actor:(a b*)", and(word("a", "actor"), prefix("b", "actor"))],
    ['actor=(a OR "b c")', or(exact("actor", "a"), exact("actor", "b c"))],
    ["-actor:(a OR -b)", not(or(word("a", "actor"), not(word("b", "actor"))))],
    ["actor:(a (b OR c)) d", and(word("a", "actor"), or(word("b", "actor"), word("c", "actor")), word("d"))],
    ['actor:("")', ALL],
  ],
};

describe.each(Object.entries(grammar))("%s", (_, rows) => {
  test.each(rows)("%j", (query, filter) => {
    expect(parseQuery(query)).toEqual({ kind: "parsed", filter });
  });
});

describe("parsing", () => {
  const fragment = fc.constantFrom(
    ...'-!()"\\*:=<>&/ aé😀\0'.split(""),
    "AND ",
    "OR ",
    "NOT ",
    "actor:",
    "actor=",
    "\ud800",
  );
  const aQuery = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fragment, { maxLength: 40 }).map((parts) => parts.join("")),
  );

  test("answers any text with a filter or with a column inside it, and never throws", () => {
    fc.assert(
      fc.property(aQuery, (text) => {
        const parsed = parseQuery(text);
        if (parsed.kind === "parsed") return;
        expect(parsed.column).toBeGreaterThanOrEqual(1);
        expect(parsed.column).toBeLessThanOrEqual(Array.from(text).length + 1);
        expect(text.slice(parsed.token.offset).startsWith(parsed.token.text)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("does not mind blanks around a query", () => {
    fc.assert(
      fc.property(aQuery, (text) => {
        const [tight, loose] = [parseQuery(text), parseQuery(`\n ${text} `)];
        expect(loose.kind).toBe(tight.kind);
        if (tight.kind === "parsed") expect(loose).toEqual(tight);
      }),
    );
  });

  test.each([
    ["a b a", and(word("a"), word("b"))],
    ["a* OR a* OR a*", prefix("a")],
    ["actor:a a (a AND actor:a)", and(word("a", "actor"), word("a"))],
  ])("asks once for what %j says more than once", (text, filter) => {
    expect(parseQuery(text)).toEqual({ kind: "parsed", filter });
  });

  test.each(["(", '"', "-", "a OR ", "\\", '"\\', "actor:(", "a*", "NOT ", "é-", " "])(
    "takes no longer than a moment over 4,096 characters of %j",
    (piece) => {
      const text = piece.repeat(4_096).slice(0, 4_096);
      const start = performance.now();
      parseQuery(text);
      expect(performance.now() - start).toBeLessThan(10_000);
    },
  );
});
