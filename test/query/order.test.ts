import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { sortKey } from "../../src/query/order.js";
import { compareCodePoints } from "./code-points.js";

describe("the sort key of an event", () => {
  test("is the first 128 characters of the field, never half a character", () => {
    expect(sortKey({ message: "x", actor: "😀".repeat(200) }, "actor")).toBe("😀".repeat(128));
    expect(sortKey({ message: "a".repeat(127) + "😀😀" }, "message")).toBe("a".repeat(127) + "😀");
  });

  test("is the whole text where that is short", () => {
    expect(sortKey({ message: "😀".repeat(70) }, "message")).toBe("😀".repeat(70));
  });

  test("leaves U+0000 out, before it is cut", () => {
    expect(sortKey({ message: "\0a\0".repeat(128) + "b" }, "message")).toBe("a".repeat(128));
  });

  test("of an object is its canonical text", () => {
    expect(sortKey({ message: { b: 1, a: "é" } }, "message")).toBe('{"a":"é","b":1}');
  });

  test("of timestamp is the moment that it names, in whatever spelling, and empty where it names none", () => {
    const key = (timestamp: string | number): string => sortKey({ message: "x", timestamp }, "timestamp");
    const times = ["2026-03-01T12:00:00+02:00", 1_772_359_200_001, "2026-03-01T10:00:00.002Z", "2026-03-01 11:00Z"];
    expect(times.map(key)).toEqual([...times.map(key)].sort());
    expect(key("2026-03-01T12:00:00+02:00")).toBe(key("2026-03-01T10:00:00Z"));
    expect([key("yesterday"), key("")]).toEqual(["", ""]);
  });

  test("of an absent field is the empty text", () => {
    expect(sortKey({ message: "x" }, "status")).toBe("");
  });
});

describe("comparing by code point", () => {
  test("puts characters beyond 16 bits after all others", () => {
    expect(["😀", "～", "a", "", "ab", "\ue000"].sort(compareCodePoints)).toEqual([
      "",
      "a",
      "ab",
      "\ue000",
      "～",
      "😀",
    ]);
  });

  test("puts the first of them there too", () => {
    expect(compareCodePoints("\u{10000}", "\uffff")).toBeGreaterThan(0);
    expect(compareCodePoints("\ud7ff", "\u{10000}")).toBeLessThan(0);
  });

  test("is the order of the UTF-8 bytes", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "b", "é", "～", "\ue000", "\ud7ff", "\u{10000}", "\uffff", "😀", "😁", "\u{10ffff}"),
      maxLength: 6,
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});
