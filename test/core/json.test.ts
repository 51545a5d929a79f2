import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { canonicalJson, parseCanonicalJson, type Json } from "../../src/core/json.js";

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
