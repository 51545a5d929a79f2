import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseEvent, type ParsedEvent } from "../../src/core/event.js";
import { parseSchema, type EventSchema } from "../../src/core/event-schema.js";
import { schemaRules } from "../../src/core/schema-event.js";

const FIELDS = [
  { id: "message", type: "string", required: true, size: 20 },
  { id: "when", type: "datetime" },
  { id: "ok", type: "boolean" },
  { id: "n", type: "integer" },
  { id: "short", type: "string", size: 3, redact: true },
  { id: "blob", type: "string-unindexed" },
  { id: "body", type: "text" },
  { id: "needed", type: "integer", required: true },
];

function schemaOf(save_malformed = "reject"): EventSchema {
  const parsed = parseSchema({ save_malformed, fields: FIELDS }, "");
  if (parsed.kind === "invalid") throw new Error("no schema");
  return parsed.schema;
}

const checked = (event: unknown, saved = "reject"): ParsedEvent =>
  parseEvent(event, "event", schemaRules(schemaOf(saved)));
const badPaths = (parsed: ParsedEvent): readonly string[] =>
  parsed.kind === "valid" ? [] : parsed.problems.map(({ path, got }) => `${path}: ${got}`);

const FITTING = {
  ...{ message: "m", when: "2026-01-31T09:00:00.5+01:00", ok: false, n: -(2 ** 53 - 1) },
  ...{ short: "äöü", blob: '{"a":1}', body: "", needed: 0 },
};

test("values keep their types", () => {
  expect(checked({ ...FITTING, body: null })).toEqual({
    ...{ kind: "valid", malformed: [] },
    event: Object.fromEntries(Object.entries(FITTING).filter(([name]) => name !== "body")),
  });
});

const MALFORMED = {
  ...{ message: "m", when: "yesterday", ok: "true", n: 2 ** 53, short: "four", blob: {}, body: ["x"] },
  ...{ needed: "7", actor: "alice", more: { a: 1.5 } },
};
const WRONG = [
  "event.when: other text",
  "event.ok: text",
  "event.n: 9007199254740992",
  "event.short: more",
  "event.blob: an object",
  "event.body: a list",
  "event.needed: text",
  "event.actor: an unknown field",
  "event.more: an unknown field",
];

test("a malformed event is refused, with every bad path", () => {
  expect(badPaths(checked(MALFORMED))).toEqual(WRONG);
  expect(badPaths(checked({ message: "" }))).toEqual(["event.message: empty text", "event.needed: nothing"]);
  expect(badPaths(checked({ message: 1, n: 1.5, needed: 1 }))).toEqual(["event.message: a number", "event.n: 1.5"]);
  expect(badPaths(checked("event"))).toEqual(["event: text"]);
});

describe("where malformed events are kept", () => {
  test("what does not fit moves beside the event, as text", () => {
    const kept = checked(MALFORMED, "all");
    expect(kept).toMatchObject({ kind: "valid", event: { message: "m" } });
    const malformed = kept.kind === "valid" ? kept.malformed : [];
    expect(malformed.map(({ field, value }) => [field, value])).toEqual([
      ...[
        ["when", "yesterday"],
        ["ok", "true"],
        ["n", "9007199254740992"],
        ["short", "four"],
        ["blob", "{}"],
      ],
      ...[
        ["body", '["x"]'],
        ["needed", "7"],
        ["actor", "alice"],
        ["more", '{"a":1.5}'],
      ],
    ]);
    expect(malformed[0]?.error).toBe("expected an RFC 3339 time such as 2026-01-31T09:00:00Z, got other text");
    expect(Object.keys(kept.kind === "valid" ? kept.event : {})).toEqual(["message"]);
  });

  test("a value that should have been redacted is dropped", () => {
    const kept = checked({ message: "m", needed: 1, short: "four" }, "unredacted");
    expect(kept).toMatchObject({ malformed: [{ field: "short" }] });
    expect(JSON.stringify(kept)).not.toContain("four");
  });

  test("a field that is missing is named without a value", () => {
    expect(checked({ message: "m" }, "all")).toMatchObject({
      malformed: [{ error: "expected an integer of at most 2^53 - 1, got nothing", field: "needed" }],
    });
  });

  test.each([
    ["no message", { needed: 1 }, ["event.message: nothing"]],
    [
      "a message that is too long, and more",
      { message: "m".repeat(21), n: "1" },
      ["event.message: more", "event.n: text", "event.needed: nothing"],
    ],
    ["a lone surrogate", { message: "m", needed: 1, more: "\ud800" }, ["event.more: a lone surrogate"]],
    ["U+0000 in a name", { message: "m", needed: 1, "a\0": 1 }, ['event["a\\u0000"]: U+0000']],
    ["a value beyond an event's size", { message: "m", needed: 1, more: "x".repeat(2 ** 20) }, ["event: more"]],
    [
      "a size that escapes exceed",
      { message: "m", needed: 1, more: "\u0001".repeat(2 ** 19) },
      ["event: 3145882 bytes"],
    ],
  ])("an event with %s is refused all the same", (_, event, problems) => {
    expect(badPaths(checked(event, "all"))).toEqual(problems);
  });
});

test("an event is kept whole: what fits in the event, the rest beside it", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom("when", "ok", "n", "short", "more"), fc.jsonValue({ maxDepth: 2 })),
      (own) => {
        const event = { message: "m", needed: 1, ...own };
        const kept = checked(event, "all");
        if (kept.kind === "invalid") return; // a text that nothing can write
        const beside = kept.malformed.map(({ field }) => field);
        const given = Object.entries<unknown>(event).filter(([, value]) => value !== null);
        expect([...Object.keys(kept.event), ...beside].sort()).toEqual(given.map(([name]) => name).sort());
        expect(checked(event).kind).toBe(beside.length === 0 ? "valid" : "invalid");
      },
    ),
    { seed: 11, numRuns: 500 },
  );
});
