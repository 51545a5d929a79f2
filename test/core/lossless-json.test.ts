import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isExactNumber, JsonLoss, parseLossless } from "../../src/core/lossless-json.js";

/** What stands in place of what was lost, as a test can compare it. */
function shown(value: unknown): unknown {
  if (value instanceof JsonLoss) return { lost: value.got };
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shown(member)]));
}

const parsed = (text: string) => shown(parseLossless(text));
const TWICE = { lost: "a key that occurs twice" };

describe("isExactNumber", () => {
  test.each([
    "0",
    "-0",
    "0.0e5",
    "1",
    "-1.50",
    "0.1",
    "123456789012345",
    "1e21",
    "1E+2",
    "6.02e23",
    "100000000000000000000",
  ])("holds for %s", (text) => {
    expect(isExactNumber(text)).toBe(true);
  });

  test.each([
    "9007199254740992",
    "9007199254740994",
    "5e-324",
    "1.7976931348623157e308",
    "0.30000000000000004",
    "1.000e-7",
  ])("holds for %s, which is the shortest decimal of its double", (text) => {
    expect(isExactNumber(text)).toBe(true);
  });

  test.each([
    "9007199254740993",
    "-9007199254740993",
    "1234567890123456.78",
    "1e-400",
    "1e400",
    "-1e999999999999999999",
  ])("does not hold for %s", (text) => {
    expect(isExactNumber(text)).toBe(false);
  });

  test("holds for what JSON.stringify writes of any double, and for it with zeros around it", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const text = JSON.stringify(number);
        expect(isExactNumber(text)).toBe(true);
        if (!text.includes("e")) expect(isExactNumber(text.includes(".") ? `${text}00` : `${text}.00`)).toBe(true);
      }),
    );
  });

  test("agrees with exact arithmetic on any decimal", () => {
    const digits = fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n });
    fc.assert(
      fc.property(digits, fc.integer({ min: -30, max: 30 }), (whole, exponent) => {
        const text = `${whole}e${exponent}`;
        const [mantissa = "", power = "0"] = String(Number(text)).split("e");
        const [before = "", after = ""] = mantissa.split(".");
        const scaled = (value: bigint, by: number): bigint => value * 10n ** BigInt(by + 400);
        const kept = scaled(BigInt(before + after), Number(power) - after.length);
        expect(isExactNumber(text)).toBe(kept === scaled(whole, exponent));
      }),
    );
  });
});

describe("parseLossless", () => {
  test("is JSON.parse for any JSON text that a program writes, blanks included", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.integer({ min: 0, max: 3 }), (json, blanks) => {
        const text = JSON.stringify(JSON.parse(json), null, blanks);
        expect(parseLossless(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test("throws as JSON.parse does on what is no JSON", () => {
    for (const text of ["", "{", '{"a":01}', "{'a':1}", '"\n"', "1e", "[1,]"]) {
      expect(() => parseLossless(text)).toThrow(SyntaxError);
    }
  });

  test.each([
    ['{"amount":100,"amount":900}', { amount: TWICE }],
    ['{"a":1,"\\u0061":2}', { a: TWICE }],
    ['{"a":{"b":[0,{"c":1,"c":1}]}}', { a: { b: [0, { c: TWICE }] } }],
    ['{"a":{"b":1,"b":2},"a":{"b":1}}', { a: TWICE }],
    ['{"a":[1e400],"a":{"0":1}}', { a: TWICE }],
    ['{"a":{},"b":{"a":1}}', { a: {}, b: { a: 1 } }],
    ['{"a":1,"a":2,"a":1e400}', { a: TWICE }],
  ])("puts a loss where a key occurs twice in %s", (text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  test.each([
    ["9007199254740993", { lost: "9007199254740993" }],
    ['[1,{"a":-1234567890123456.78},2]', [1, { a: { lost: "-1234567890123456.78" } }, 2]],
    ['{"a":"1e-400","b":1e-400 }', { a: "1e-400", b: { lost: "1e-400" } }],
    [`[0.${"1".repeat(100)}]`, [{ lost: `0.${"1".repeat(62)}…` }]],
    ['{"a\\"":[[],{}],"b":[[1e400]]}', { 'a"': [[], {}], b: [[{ lost: "1e400" }]] }],
  ])("puts a loss in place of the number in %s", (text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  test("names each loss at its path and keeps all else, wherever the losses are", () => {
    const lossy = fc.constantFrom("9007199254740993", "1e-400", "1234567890123456.78");
    const spelled = fc.letrec<{ value: { text: string; value: unknown }; leaf: { text: string; value: unknown } }>(
      (tie) => ({
        leaf: fc.oneof(
          fc
            .jsonValue({ maxDepth: 0 })
            .map((value) => ({ text: JSON.stringify(value), value: JSON.parse(JSON.stringify(value)) as unknown })),
          lossy.map((text) => ({ text, value: { lost: text } })),
        ),
        value: fc.oneof(
          { maxDepth: 4 },
          tie("leaf"),
          fc.array(tie("value"), { maxLength: 4 }).map((items) => ({
            text: `[ ${items.map(({ text }) => text).join(" , ")} ]`,
            value: items.map(({ value }) => value),
          })),
          fc
            .array(fc.tuple(fc.constantFrom("a", "b", '"', "\\", "__proto__", "0"), tie("value")), { maxLength: 5 })
            .map((members) => ({
              text: `{${members.map(([key, { text }]) => `${JSON.stringify(key)} : ${text}`).join(",")}}`,
              value: Object.fromEntries(
                members.map(([key, { value }]) => [
                  key,
                  members.filter(([other]) => other === key).length > 1 ? TWICE : value,
                ]),
              ),
            })),
        ),
      }),
    ).value;
    fc.assert(
      fc.property(spelled, ({ text, value }) => {
        expect(parsed(text)).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  test("does not reach the prototype of any object", () => {
    parseLossless('{"a":{"__proto__":{"polluted":1e400}},"a":{}}');
    parseLossless('{"a":{"__proto__":{"toString":1,"toString":2}},"a":[]}');
    expect({}).not.toHaveProperty("polluted");
    expect(Object.prototype.toString.call([])).toBe("[object Array]");
  });

  test("takes nesting of any depth, as JSON.parse does", () => {
    const deep = 200_000;
    const text = `${"[".repeat(deep)}1e400${"]".repeat(deep)}`;
    expect(() => parseLossless(text)).not.toThrow();
    expect(() => parseLossless(`{"a":${text},"a":1}`)).not.toThrow();
  });
});
