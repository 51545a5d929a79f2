import { describe, expect, test } from "@jest/globals";
import { parseValue } from "graphql";
import { jsonLiteral } from "../../src/graphql/json-literal.js";

const literal = (text: string) => jsonLiteral(parseValue(text));

describe("a JSON literal", () => {
  test("keeps text as text and an object as an object", () => {
    expect(literal('"hello"')).toBe("hello");
    expect(literal('{ a: 1, b: [true, null, 1.5, "x"], c: { d: -7 } }')).toEqual({
      a: 1,
      b: [true, null, 1.5, "x"],
      c: { d: -7 },
    });
  });

  test("makes __proto__ a key like any other", () => {
    const value = literal('{ __proto__: "x" }');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(JSON.stringify(value)).toBe('{"__proto__":"x"}');
  });

  test("refuses a variable inside of it, at any depth", () => {
    expect(() => literal("{ a: [{ b: $b }] }")).toThrow(
      "AuditEventValue expects a variable for the whole value, not $b inside",
    );
  });

  test("refuses a number that a double does not hold exactly, and names it as it was sent", () => {
    expect(literal("[9007199254740992, 6.02e23, -0.1]")).toEqual([2 ** 53, 6.02e23, -0.1]);
    for (const number of ["9007199254740993", "-9007199254740993", "1234567890123456.78", "1e-400", "1e400"]) {
      expect(() => literal(`{ a: ${number} }`)).toThrow(`holds exactly, got ${number}`);
    }
  });

  test("refuses a bare word", () => {
    expect(() => literal("{ a: HELLO }")).toThrow("AuditEventValue expects text in quotes, got HELLO");
  });
});
