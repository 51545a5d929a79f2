import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  canonicalJson,
  isShallow,
  isWritable,
  memberPath,
  nameOf,
  parseCanonicalJson,
  textProblems,
  type Json,
} from "../../src/core/json.js";
import { JsonLoss } from "../../src/core/lossless-json.js";

describe("canonicalJson", () => {
  test("sorts keys by UTF-16 code unit, not by code point", () => {
    expect(canonicalJson({ "\ufb33": 1, "\u{1f600}": 2, a: 3, "": 4 })).toBe('{"":4,"a":3,"\u{1f600}":2,"\ufb33":1}');
  });

  test("spells numbers as ECMAScript does", () => {
    expect(canonicalJson([-0, 1e21, 1e-7, 333333333.33333329, 4.5])).toBe("[0,1e+21,1e-7,333333333.3333333,4.5]");
  });

  test("escapes only what JSON must escape, in lower case hex", () => {
    expect(canonicalJson('\u0001\u001f\b\t\n\f\r"\\/\u007f<>&\u2028é')).toBe(
      '"\\u0001\\u001f\\b\\t\\n\\f\\r\\"\\\\/\u007f<>&\u2028é"',
    );
  });

  test("writes a text that only looks like half a character's escape, and a whole character", () => {
    expect(canonicalJson("\\ud800 \u{1f600}")).toBe('"\\\\ud800 \u{1f600}"');
  });

  test.each([["\ud800"], [{ "\udc00": 1 }], [NaN], [Infinity]])("throws on what JSON cannot say: %j", (value) => {
    expect(() => canonicalJson(value as Json)).toThrow(TypeError);
  });

  test("throws on an undefined member instead of leaving it out", () => {
    expect(() => canonicalJson({ a: undefined } as unknown as Json)).toThrow('member "a" is undefined');
  });

  test("keeps a key named __proto__", () => {
    expect(canonicalJson(JSON.parse('{"__proto__":1}') as Json)).toBe('{"__proto__":1}');
  });

  test("reads back to the same value, and its canonical form is its own", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const text = canonicalJson(value as Json);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(parseCanonicalJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe("parseCanonicalJson", () => {
  test.each([
    ["a blank", '{"a": 1}'],
    ["keys out of order", '{"b":1,"a":2}'],
    ["a duplicate key", '{"a":1,"a":1}'],
    ["an escape that is not needed", '"\\u0041"'],
    ["another spelling of a number", "1.0"],
    ["a trailing newline", "1\n"],
    ["a lone surrogate", '"\\ud800"'],
    ["an integer that doubles cannot hold", "9007199254740993"],
    ["no JSON", "{"],
    ["nesting deeper than any stack", "[".repeat(200_000) + "]".repeat(200_000)],
  ])("refuses %s", (_, text) => {
    expect(parseCanonicalJson(text)).toBeUndefined();
  });
});

test("nesting is told apart down to a number of levels", () => {
  const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  for (const levels of [2, 5]) {
    expect(parseCanonicalJson(nested(levels), levels)).toBeDefined();
    expect(parseCanonicalJson(`{"a":[],"b":${nested(levels - 1)}}`, levels)).toBeDefined();
    expect(parseCanonicalJson(nested(levels + 1), levels)).toBeUndefined();
    expect(parseCanonicalJson(`{"a":1,"b":${nested(levels)}}`, levels)).toBeUndefined();
  }
  expect(parseCanonicalJson(nested(66))).toBeDefined();
  expect(parseCanonicalJson(nested(67))).toBeUndefined();
});

test.each([
  ["[".repeat(66), true],
  ["[".repeat(67), false],
  ["{".repeat(67), false],
  ["[]".repeat(100), true],
  ["{}".repeat(100), true],
  [`"${"[".repeat(100)}"`, true],
  [`"\\"${"[".repeat(100)}"`, true],
  [`"\\\\"${"[".repeat(67)}`, false],
  [`""${"[".repeat(67)}`, false],
  [`${"[".repeat(60)}${"]".repeat(30)}${"[".repeat(36)}`, true],
  [`${"[".repeat(60)}${"}".repeat(30)}${"[".repeat(37)}`, false],
])("a text is shallow or not by its brackets outside of quotes: %j", (text, wanted) => {
  expect(isShallow(text)).toBe(wanted);
});

test("what JSON cannot say is not writable", () => {
  expect([isWritable("a"), isWritable({ a: [""] }), isWritable("\ud800"), isWritable([Infinity])]).toEqual([
    ...[true, true],
    ...[false, false],
  ]);
});

test.each([
  [null, "null"],
  [undefined, "nothing"],
  [[], "a list"],
  ["a", "text"],
  [{}, "an object"],
  [Object.create(null), "an object"],
  [new Date(0), "an object that is not plain JSON"],
  [new JsonLoss("inexact number", "1e400"), "1e400"],
  [true, "a boolean"],
  [7, "a number"],
])("a value of %p is named %s", (value, name) => {
  expect(nameOf(value)).toBe(name);
});

test("a member's path quotes what is no plain word, and cuts what is long", () => {
  const word = "w".repeat(64);
  expect(memberPath("a", word)).toBe(`a.${word}`);
  expect(memberPath("a", `${word}w`)).toBe(`a["${word}"]`);
  expect(memberPath("a", "b c")).toBe('a["b c"]');
});

test("what is wrong with a text depends on whether it takes U+0000", () => {
  const expected = "text without lone surrogates and U+0000";
  expect(textProblems("a\0", "p")).toEqual([{ path: "p", expected, got: "U+0000" }]);
  expect(textProblems("\ud800", "p")).toEqual([{ path: "p", expected, got: "a lone surrogate" }]);
  expect(textProblems("a\0", "p", true)).toEqual([]);
  expect(textProblems("\ud800\0", "p", true)).toEqual([
    { path: "p", expected: "text without lone surrogates", got: "a lone surrogate" },
  ]);
  expect(textProblems("\u{1f600}", "p")).toEqual([]);
});
