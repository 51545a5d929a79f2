import { describe, expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { nobleSha256 } from "../../src/core/bytes.js";
import { parseSchema, schemaDigest, type EventSchema } from "../../src/core/event-schema.js";

const MESSAGE = { id: "message", type: "string", required: true };

function schemaOf(input: unknown): EventSchema {
  const parsed = parseSchema(input, "schema");
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return parsed.schema;
}

const digest = (input: unknown): string => schemaDigest(schemaOf(input), nobleSha256);
const problems = (input: unknown): readonly string[] => {
  const parsed = parseSchema(input, "schema");
  return parsed.kind === "valid" ? [] : parsed.problems.map(({ path, got }) => `${path}: ${got}`);
};

test("a schema has the protocol's defaults", () => {
  expect(schemaOf({ fields: [MESSAGE] })).toEqual({
    ...{ client_signable: true, tamper_proofing: true, save_malformed: "reject" },
    fields: [MESSAGE],
  });
});

test("every bad path of a schema is named", () => {
  expect(
    problems({
      client_signable: "yes",
      tamper_proofing: false,
      save_malformed: "some",
      vendor_id: "auth0",
      fields: [
        { id: "message", type: "integer", required: true },
        { id: "Upper", type: "string" },
        { id: "received_at", type: "string" },
        { id: "constructor", type: "string" },
        { id: "a", type: "float", size: 0, required: 1, name: "n".repeat(65), description: 1, more: true },
        { id: "a", type: "integer", size: 5, redact: true },
        { type: "text" },
        { id: "actor", type: "datetime" },
        "field",
      ],
    }),
  ).toEqual([
    "schema.client_signable: other text",
    "schema.tamper_proofing: false",
    "schema.save_malformed: other text",
    "schema.vendor_id: an unknown member",
    "schema.fields[0].type: integer",
    "schema.fields[1].id: other text",
    "schema.fields[2].id: other text",
    "schema.fields[3].id: other text",
    "schema.fields[4].type: other text",
    "schema.fields[4].size: 0",
    "schema.fields[4].required: 1",
    "schema.fields[4].name: other text",
    "schema.fields[4].description: 1",
    "schema.fields[4].more: an unknown member",
    "schema.fields[5].size: one",
    "schema.fields[5].redact: true",
    "schema.fields[6].id: nothing",
    "schema.fields[7].type: datetime",
    "schema.fields[8]: other text",
    "schema.fields[5].id: one that was there before",
  ]);
});

test.each([
  ["no object", [], ["schema: a list"]],
  ["no fields", {}, ["schema.fields: nothing"]],
  ["an empty list", { fields: [] }, ["schema.fields: a list"]],
  ["no message", { fields: [{ id: "a", type: "string", required: true }] }, ["schema.fields: none"]],
  ["a message that may be absent", { fields: [{ id: "message", type: "string" }] }, ["schema.fields: none"]],
  ["too many", { fields: Array.from({ length: 129 }, () => MESSAGE) }, ["schema.fields: a list"]],
])("a schema with %s is refused", (_, input, expected) => {
  expect(problems(input)).toEqual(expected);
});

describe("the digest of a schema", () => {
  const own = { id: "n", type: "integer" };
  const base = digest({ fields: [MESSAGE, own] });

  test("is that of its canonical JSON", () => {
    const text =
      '{"client_signable":true,"fields":[' +
      '{"id":"message","partitioned":false,"redact":false,"size":32766,"type":"string"},' +
      '{"id":"n","partitioned":false,"redact":false,"type":"integer"}],' +
      '"save_malformed":"reject","tamper_proofing":true}';
    expect(base).toBe(createHash("sha256").update(text).digest("hex"));
  });

  test.each([
    ["the order", { fields: [own, MESSAGE] }],
    [
      "visibility, names and descriptions",
      { fields: [MESSAGE, { ...own, name: "N", description: "d", ui_default_visible: true }] },
    ],
    ["what is required", { fields: [MESSAGE, { ...own, required: true }] }],
    ["a default that is written out", { save_malformed: "reject", fields: [{ ...MESSAGE, size: 32_766 }, own] }],
  ])("does not change with %s", (_, changed) => {
    expect(digest(changed)).toBe(base);
  });

  test.each([
    ["a type", { fields: [MESSAGE, { ...own, type: "boolean" }] }],
    ["a size", { fields: [{ ...MESSAGE, size: 100 }, own] }],
    ["a field more", { fields: [MESSAGE, own, { id: "m", type: "text" }] }],
    ["a field less", { fields: [MESSAGE] }],
    ["what becomes of malformed events", { save_malformed: "all", fields: [MESSAGE, own] }],
    ["whether events may be signed", { client_signable: false, fields: [MESSAGE, own] }],
    ["what is redacted", { fields: [{ ...MESSAGE, redact: true }, own] }],
  ])("changes with %s", (_, changed) => {
    expect(digest(changed)).not.toBe(base);
  });
});
