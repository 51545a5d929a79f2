import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { canonicalJson, type Json } from "../../src/core/json.js";
import { EVENT_FIELDS, FIELD_LIMITS, parseEvent, type FieldProblem } from "../../src/core/event.js";

function problems(input: unknown): readonly FieldProblem[] {
  const parsed = parseEvent(input, "event");
  return parsed.kind === "invalid" ? parsed.problems : [];
}

function badPaths(input: unknown): readonly string[] {
  return problems(input).map(({ path }) => path);
}

function nested(depth: number): Json {
  return depth === 0 ? {} : { a: nested(depth - 1) };
}

describe("parseEvent", () => {
  test("takes all ten fields, with objects where objects may stand", () => {
    const event = Object.fromEntries(EVENT_FIELDS.map((field) => [field, `some ${field}`]));
    const input = { ...event, message: { b: [1, { z: null }], a: true }, new: {} };
    expect(parseEvent(input, "event")).toEqual({ kind: "valid", event: input });
  });

  test("drops null members of the event and keeps null inside objects", () => {
    const parsed = parseEvent({ message: { a: null }, actor: null, old: undefined }, "event");
    expect(parsed).toEqual({ kind: "valid", event: { message: { a: null } } });
  });

  test("names every bad path at once", () => {
    const input = { message: "", actor: 5, action: "a".repeat(33), new: ["x"], colour: "red", target: "\ud800" };
    expect(badPaths(input)).toEqual([
      "event.message",
      "event.actor",
      "event.action",
      "event.new",
      "event.target",
      "event.colour",
    ]);
  });

  test.each([
    ["no message", {}, "event.message", "nothing"],
    ["a null message", { message: null }, "event.message", "nothing"],
    ["a list as message", { message: ["a"] }, "event.message", "a list"],
    ["an object where only text may stand", { message: "m", actor: {} }, "event.actor", "an object"],
    ["U+0000", { message: "a\0b" }, "event.message", "U+0000"],
    ["U+0000 deep inside", { message: { a: ["b", "\0"] } }, "event.message.a[1]", "U+0000"],
    ["a lone surrogate in a key", { message: { "\ud800": 1 } }, 'event.message["\\ud800"]', "a lone surrogate"],
    ["NaN", { message: { a: NaN } }, "event.message.a", "NaN"],
    ["an integer beyond 2^53", { message: { a: 2 ** 53 } }, "event.message.a", "9007199254740992"],
    ["a Date", { message: new Date(0) }, "event.message", "an object that is not plain JSON"],
    ["a function", { message: { a: () => 1 } }, "event.message.a", "a function"],
    ["a member that is undefined", { message: { a: undefined } }, "event.message.a", "nothing"],
    ["a key named __proto__", JSON.parse('{"message":"m","__proto__":1}'), "event.__proto__", "an unknown field"],
    ["a list for an event", [], "event", "a list"],
    ["null for an event", null, "event", "null"],
  ])("refuses %s", (...[, input, path, got]: readonly [string, unknown, string, string]) => {
    expect(problems(input)).toEqual([expect.objectContaining({ path, got })]);
  });

  test("counts characters, not UTF-16 units", () => {
    expect(badPaths({ message: "m", status: "😀".repeat(32) })).toEqual([]);
    expect(problems({ message: "m", status: "😀".repeat(33) })).toEqual([
      { path: "event.status", expected: "text of 0 to 32 characters", got: "33 characters" },
    ]);
  });

  test("measures an object by its canonical text", () => {
    const room = FIELD_LIMITS.message - canonicalJson({ a: "" }).length;
    expect(badPaths({ message: { a: "x".repeat(room) } })).toEqual([]);
    expect(badPaths({ message: { a: "x".repeat(room + 1) } })).toEqual(["event.message"]);
  });

  test("takes objects 64 levels deep and no deeper, a cycle included", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    expect(badPaths({ message: nested(63) })).toEqual([]);
    expect(problems({ message: nested(64) })).toEqual([expect.objectContaining({ got: "deeper nesting" })]);
    expect(problems({ message: cycle })).toEqual([expect.objectContaining({ got: "deeper nesting" })]);
  });

  test("never throws, and what it accepts has a canonical form", () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.record({ message: fc.anything(), new: fc.anything() })), (input) => {
        const parsed = parseEvent(input, "event");
        if (parsed.kind === "valid") expect(() => canonicalJson({ ...parsed.event })).not.toThrow();
        else expect(parsed.problems.length).toBeGreaterThan(0);
      }),
    );
  });
});
