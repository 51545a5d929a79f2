import { describe, expect, test } from "@jest/globals";
import { utf8 } from "../../../src/core/bytes.js";
import { CanonicalScan } from "../../../src/core/words/canonical-scan.js";

const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

/** Each stands between other bytes, behind what ends a value in a container. */
const scanned = (value: string, behind: string): { readonly end: number; readonly plain: boolean } => {
  const scan = new CanonicalScan(utf8(`xx${value}${behind}`));
  return { end: scan.value(2) - 2, plain: scan.plain };
};

describe("a scan of canonical JSON", () => {
  test.each([
    ...['""', '"a"', '"a b~!"', "{}", "[]", "true", "false", "null", "0", "7", "-1", "-10", "123456789012345"],
    ...['[""]', "[[]]", "[{},[],1,true]", '["a","b"]', '{"a":1}', '{"a":1,"b":[{"c":null}]}', '{"":0,"a":-5}'],
    ...['{"a":1,"aa":2,"b":3}', '{"A":1,"a":2}', nested(64)],
  ])("vouches for %s, and stops behind it", (value) => {
    for (const behind of [",", "}", "]"]) expect(scanned(value, behind)).toEqual({ end: value.length, plain: true });
  });

  test.each([
    ...[
      "",
      "x",
      "tru",
      "nul",
      "{",
      "[",
      '"',
      '"a',
      '"\n"',
      '"\u001f"',
      "-",
      "-0",
      "00",
      "01",
      "-01",
      "1.5",
      "1e3",
      "+1",
    ],
    ...[
      "1234567890123456",
      "[,]",
      "[1,]",
      "[1 ]",
      "[1",
      "[1}",
      "{1}",
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '{"a":1',
      '{"a":1]',
    ],
    ...[
      '{"a";1}',
      '{"a":1;"b":2}',
      '{"b":1,"a":2}',
      '{"a":1,"a":2}',
      '{"aa":1,"a":2}',
      "{a:1}",
      '{"a":1,2}',
      nested(65),
    ],
    ...[
      '{"ä":1,"ö":2}',
      '{"a\\n":1,"a\\u0001":2}',
      '{"a":1,"ä":2}',
      '{"a\\n":1,"ab":2}',
      '{"ab":1,"a\\n":2}',
      '{"\u007f":1,"b":2}',
      '{"a":1,"\u007f":2}',
    ],
  ])("leaves %j to the slow way", (value) => {
    for (const behind of [",", ""]) expect(scanned(value, behind).end).toBe(-3);
  });

  test("leaves a number that nothing ends to the slow way", () => {
    for (const behind of ["", " ", "a", ":"]) expect(scanned("12", behind).end).toBe(-3);
  });

  test.each([
    ['"a%b"', false],
    ['"a\\nb"', false],
    ['"\\""', false],
    ['"ä"', false],
    ['"\u007f"', false],
    ['"~ !"', true],
    ['["a","b"]', true],
    ['["a","%"]', false],
    ['{"%":1}', false],
    ["[1,null]", true],
  ])("tells whether the texts of %j are plain", (value, plain) => {
    expect(scanned(value, ",")).toEqual({ end: utf8(value).length, plain });
  });

  test("tells of texts from where it begins again", () => {
    const scan = new CanonicalScan(utf8('"%""a"'));
    expect([scan.text(0), scan.plain]).toEqual([3, false]);
    scan.begin();
    expect([scan.text(3), scan.plain]).toEqual([6, true]);
    expect(scan.text(1)).toBe(-1);
  });

  test("has bytes where they stand alone", () => {
    const scan = new CanonicalScan(utf8("abc"));
    expect(["", "ab", "abc", "abcd", "b"].map((wanted) => scan.has(utf8(wanted), 0))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(scan.has(utf8("bc"), 1)).toBe(true);
  });
});
