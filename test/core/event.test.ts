import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { canonicalJson, type Json } from "../../src/core/json.js";
import { DEFAULT_VALUE_BYTES, eventRules, MAX_EVENT_BYTES } from "../../src/core/event-rules.js";
import { EVENT_FIELDS, exceedsCharacters, parseEvent, type FieldProblem } from "../../src/core/event.js";
import { FORMAT_NAMES } from "../../src/core/format.js";
import { parseLossless } from "../../src/core/lossless-json.js";

const RFC6962 = eventRules("rfc6962");
const PANGEA = eventRules("pangea");

function problems(input: unknown, rules = RFC6962): readonly FieldProblem[] {
  const parsed = parseEvent(input, "event", rules);
  return parsed.kind === "invalid" ? parsed.problems : [];
}

function badPaths(input: unknown, rules = RFC6962): readonly string[] {
  return problems(input, rules).map(({ path }) => path);
}

function nested(depth: number): Json {
  return depth === 0 ? {} : { a: nested(depth - 1) };
}

describe.each(FORMAT_NAMES)("parseEvent for a log of the format %s", (format) => {
  const rules = eventRules(format);

  test("takes all ten fields, with objects as message, new and old", () => {
    const event = Object.fromEntries(EVENT_FIELDS.map((field) => [field, `some ${field}`]));
    const input = { ...event, message: { b: [1, { z: null }], a: true }, new: {}, old: { eur: 100 } };
    expect(parseEvent(input, "event", rules)).toEqual({ kind: "valid", event: input, malformed: [] });
  });

  test("drops null members of the event and keeps null inside objects", () => {
    const parsed = parseEvent({ message: { a: null }, actor: null, new: null, old: undefined }, "event", rules);
    expect(parsed).toEqual({ kind: "valid", event: { message: { a: null } }, malformed: [] });
  });

  test("names every bad path at once", () => {
    const input = { message: "", actor: 5, action: "a".repeat(1_025), new: [NaN], colour: "red", target: "\ud800" };
    expect(badPaths(input, rules)).toEqual([
      "event.message",
      "event.actor",
      "event.action",
      format === "rfc6962" ? "event.new[0]" : "event.new",
      "event.target",
      "event.colour",
    ]);
  });

  test.each([
    ["no message", {}, "event.message", "nothing"],
    ["a null message", { message: null }, "event.message", "nothing"],
    ["an object where only text may stand", { message: "m", actor: {} }, "event.actor", "an object"],
    ["a number where only text may stand", { message: "m", status: 200 }, "event.status", "a number"],
    ["half an emoji", { message: "\ud83d" }, "event.message", "a lone surrogate"],
    ["a lone surrogate in a key", { message: { "\ud800": 1 } }, 'event.message["\\ud800"]', "a lone surrogate"],
    ["NaN", { message: { a: NaN } }, "event.message.a", "NaN"],
    ["a Date", { message: new Date(0) }, "event.message", "an object that is not plain JSON"],
    ["a function", { message: { a: () => 1 } }, "event.message.a", "a function"],
    ["a member that is undefined", { message: { a: undefined } }, "event.message.a", "nothing"],
    ["a key named __proto__", JSON.parse('{"message":"m","__proto__":1}'), "event.__proto__", "an unknown field"],
    ["a rounded number", parseLossless('{"message":{"a":1e-400}}'), "event.message.a", "1e-400"],
    ["a repeated key", parseLossless('{"message":{"a":1,"a":2}}'), "event.message.a", "a key that occurs twice"],
    ["a list for an event", [], "event", "a list"],
    ["null for an event", null, "event", "null"],
  ])("refuses %s", (...[, input, path, got]: readonly [string, unknown, string, string]) => {
    expect(problems(input, rules)).toEqual([expect.objectContaining({ path, got })]);
  });

  test("takes objects 64 levels deep and no deeper, a cycle included", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    expect(badPaths({ message: nested(63) }, rules)).toEqual([]);
    expect(problems({ message: nested(64) }, rules)).toEqual([expect.objectContaining({ got: "deeper nesting" })]);
    expect(problems({ message: cycle }, rules)).toEqual([expect.objectContaining({ got: "deeper nesting" })]);
  });

  test("never throws, and what it accepts has a canonical form", () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.record({ message: fc.anything(), new: fc.anything() })), (input) => {
        const parsed = parseEvent(input, "event", rules);
        if (parsed.kind === "valid") expect(() => canonicalJson({ ...parsed.event })).not.toThrow();
        else expect(parsed.problems.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe("parseEvent for a log of the format rfc6962", () => {
  test.each([
    [0],
    [-1.5],
    [6.02e23],
    [2 ** 53],
    [true],
    [false],
    [[]],
    [["a", { b: null }, 7]],
    ["\0"],
    [{ "\0": "\0" }],
  ])("takes %j as message, new and old", (value) => {
    const event = { message: value, new: value, old: value };
    expect(parseEvent(event, "event", RFC6962)).toEqual({ kind: "valid", event, malformed: [] });
  });

  test("takes a timestamp as text in any spelling, or as a number", () => {
    const times = [
      1767225600000,
      1767225600.123,
      "1767225600000",
      "2026-01-31T09:00Z",
      "2026-01-31 09:00:00+0000",
      "t",
    ];
    expect(times.flatMap((timestamp) => problems({ message: "m", timestamp }))).toEqual([]);
    expect(problems({ message: "m", timestamp: true })).toEqual([
      { path: "event.timestamp", expected: "text or a number of 0 to 128 characters", got: "a boolean" },
    ]);
  });

  test("counts the characters of names, not their UTF-16 units", () => {
    expect(badPaths({ message: "m", status: "😀".repeat(1_024) })).toEqual([]);
    expect(problems({ message: "m", status: "😀".repeat(1_025) })).toEqual([
      { path: "event.status", expected: "text of 0 to 1024 characters", got: "1025 characters" },
    ]);
  });

  test("counts the bytes of values: of text its UTF-8, of other JSON its canonical text", () => {
    expect(badPaths({ message: "é".repeat(DEFAULT_VALUE_BYTES / 2) })).toEqual([]);
    expect(problems({ message: `${"é".repeat(DEFAULT_VALUE_BYTES / 2)}x` })).toEqual([
      { path: "event.message", expected: "text or other JSON of 1 to 262144 bytes", got: "262145 bytes" },
    ]);
    expect(badPaths({ message: "m", old: ["x".repeat(DEFAULT_VALUE_BYTES - 4)] })).toEqual([]);
    expect(badPaths({ message: "m", old: ["x".repeat(DEFAULT_VALUE_BYTES - 3)] })).toEqual(["event.old"]);
  });

  test("refuses a value far beyond its limit by its length, whatever else is wrong inside", () => {
    const got = `more than ${DEFAULT_VALUE_BYTES} bytes`;
    const far = 2 * DEFAULT_VALUE_BYTES + 1;
    const large = [
      ["x".repeat(far)],
      { ["k".repeat(far)]: 1 },
      Array<number>(far).fill(1),
      [{ a: "\ud800".repeat(far) }],
    ];
    for (const message of large) expect(problems({ message })).toEqual([expect.objectContaining({ got })]);
    expect(problems({ message: "\ud800".repeat(4 * DEFAULT_VALUE_BYTES + 1) })).toEqual([
      expect.objectContaining({ got }),
    ]);
    expect(problems({ message: "m", actor: "a".repeat(4 * 1_024 + 1) })).toEqual([
      expect.objectContaining({ got: "more than 1024 characters" }),
    ]);
  });

  test.each<[string, (n: number) => Json, number]>([
    ["text", (n) => "x".repeat(n), 40],
    ["a list of empty texts", (n) => Array<string>(n).fill(""), 19],
    ["a list of a text", (n) => ["x".repeat(n)], 18],
    ["a list of two texts", (n) => ["y", "x".repeat(n)], 16],
    ["a list of numbers", (n) => Array<number>(n).fill(1), 9],
    ["a list of null, true and an empty list", (n) => [null, true, [], ...Array<string>(n).fill("")], 13],
    ["an object of a text", (n) => ({ k: "x".repeat(n) }), 14],
    ["an object of a number with a long key", (n) => ({ ["k".repeat(n)]: 1 }), 14],
    ["an object of two texts", (n) => ({ a: "", b: "x".repeat(n) }), 9],
    ["an object in an object", (n) => ({ a: { b: "x".repeat(n) } }), 8],
  ])("tells how large %s is as long as it may be a little too large", (_, make, most) => {
    const rules = eventRules("rfc6962", 10);
    const size = canonicalJson(make(most)).length - (typeof make(0) === "string" ? 2 : 0);
    expect(problems({ message: make(most) }, rules)).toEqual([expect.objectContaining({ got: `${size} bytes` })]);
    expect(problems({ message: make(most + 1) }, rules)).toEqual([
      expect.objectContaining({ got: "more than 10 bytes" }),
    ]);
  });

  test.each([
    ["lists", (inner: Json): Json => [inner]],
    ["objects", (inner: Json): Json => ({ a: inner })],
  ])("refuses what is far too large inside of %s, as deep as an event may be", (_, around) => {
    for (const [levels, got] of [
      [64, `more than ${DEFAULT_VALUE_BYTES} bytes`],
      [20, `more than ${DEFAULT_VALUE_BYTES} bytes`],
    ] as const) {
      let message: Json = "x".repeat(3 * DEFAULT_VALUE_BYTES);
      for (let level = 0; level < levels; level++) message = around(message);
      expect(problems({ message })).toEqual([expect.objectContaining({ got })]);
    }
  });

  test("counts what stands behind a member that fills the room", () => {
    const full = { a: "x".repeat(14), b: "" };
    const got = "more than 10 bytes";
    expect(problems({ message: full }, eventRules("rfc6962", 10))).toEqual([expect.objectContaining({ got })]);
    const list = ["x".repeat(18), ""];
    expect(problems({ message: list }, eventRules("rfc6962", 10))).toEqual([expect.objectContaining({ got })]);
  });

  test("counts characters of two units where a text may have too many", () => {
    const most = (text: string): boolean => exceedsCharacters(text, 3);
    expect(["", "abc", "😀😀😀", "ab😀"].map(most)).toEqual([false, false, false, false]);
    expect(["abcd", "😀😀😀a", "😀😀😀😀", "abc😀"].map(most)).toEqual([true, true, true, true]);
  });

  test("takes values as large as the log is declared for, and events of 1 MiB of canonical JSON in all", () => {
    const rules = eventRules("rfc6962", MAX_EVENT_BYTES);
    const room = MAX_EVENT_BYTES - canonicalJson({ message: "" }).length;
    expect(badPaths({ message: "x".repeat(room) }, rules)).toEqual([]);
    expect(problems({ message: "x".repeat(room + 1) }, rules)).toEqual([
      { path: "event", expected: "an event of at most 1048576 bytes as canonical JSON", got: "1048577 bytes" },
    ]);
    expect(badPaths({ message: "\0".repeat(DEFAULT_VALUE_BYTES) })).toEqual(["event"]);
    expect(badPaths({ message: "xy" }, eventRules("rfc6962", 1))).toEqual(["event.message"]);
  });
});

describe("parseEvent for a log of the format pangea", () => {
  test.each([
    ["message", 32_766],
    ["new", 32_766],
    ["old", 32_766],
    ["actor", 128],
    ["action", 32],
    ["source", 128],
    ["status", 32],
    ["target", 128],
    ["timestamp", 128],
    ["tenant_id", 128],
  ])("takes as %s up to %d characters", (field, most) => {
    expect(badPaths({ message: "m", [field]: "é".repeat(most) }, PANGEA)).toEqual([]);
    expect(problems({ message: "m", [field]: "é".repeat(most + 1) }, PANGEA)).toEqual([
      expect.objectContaining({ path: `event.${field}`, got: `${most + 1} characters` }),
    ]);
  });

  test.each([
    ["a list as message", { message: ["a"] }, "event.message", "a list"],
    ["a number as new", { message: "m", new: 5 }, "event.new", "a number"],
    ["a boolean as old", { message: "m", old: false }, "event.old", "a boolean"],
    ["a number as timestamp", { message: "m", timestamp: 5 }, "event.timestamp", "a number"],
    ["U+0000", { message: "a\0b" }, "event.message", "U+0000"],
    ["U+0000 deep inside", { message: { a: ["b", "\0"] } }, "event.message.a[1]", "U+0000"],
  ])("refuses %s", (...[, input, path, got]: readonly [string, unknown, string, string]) => {
    expect(problems(input, PANGEA)).toEqual([expect.objectContaining({ path, got })]);
  });

  test.each([
    ["action", 32],
    ["status", 32],
    ["actor", 128],
    ["source", 128],
    ["target", 128],
    ["tenant_id", 128],
    ["timestamp", 128],
    ["new", 32_766],
    ["old", 32_766],
  ])("takes %s of %d characters and no more", (field, most) => {
    expect(badPaths({ message: "m", [field]: "😀".repeat(most) }, PANGEA)).toEqual([]);
    expect(problems({ message: "m", [field]: "😀".repeat(most + 1) }, PANGEA)).toEqual([
      expect.objectContaining({ path: `event.${field}`, got: `${most + 1} characters` }),
    ]);
  });

  test("measures an object by its canonical text", () => {
    const room = 32_766 - canonicalJson({ a: "" }).length;
    expect(badPaths({ message: { a: "x".repeat(room) } }, PANGEA)).toEqual([]);
    expect(badPaths({ message: { a: "x".repeat(room + 1) } }, PANGEA)).toEqual(["event.message"]);
  });
});
