import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saveEvidence } from "../../src/cli/save.js";
import { searchLog, type SearchFlags } from "../../src/cli/search.js";
import { parseSchema } from "../../src/core/event-schema.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { recordedOutput } from "./recorded-output.js";
import { HAS_PYTHON, verified, verifiedByPython } from "./verifiers.js";

jest.setTimeout(60_000);

const SCHEMA = {
  save_malformed: "all",
  fields: [
    { id: "message", type: "string", required: true },
    { id: "amount", type: "integer" },
  ],
};

let folder: string;
let gateway: TestGateway;
let key: string;
let schema: string;
let other: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "auditql-proven-schema-"));
  const file = (name: string, value: unknown): string => {
    writeFileSync(join(folder, name), JSON.stringify(value));
    return join(folder, name);
  };
  schema = file("schema.json", SCHEMA);
  other = file("other.json", { ...SCHEMA, fields: [SCHEMA.fields[0], { id: "sum", type: "integer" }] });
  const parsed = parseSchema(SCHEMA, "");
  if (parsed.kind === "invalid") throw new Error("no schema");
  const service = await openTestService({ logs: [{ log: "default", format: "pangea", schema: parsed.schema }] });
  const events = Array.from({ length: 40 }, (_, i) => ({
    event: { message: `order ${i}`, amount: i % 8 === 0 ? "7" : i % 10 },
  }));
  await service.append({ log: "default", events, sign: false, path: "events" });
  ({ verifierKey: key } = await service.identity("default"));
  gateway = await testGateway(service);
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

async function saved(query: string): Promise<readonly string[]> {
  const recorded = recordedOutput();
  const flags = { url: `${gateway.url}/graphql`, key, query, prove: true };
  expect(await saveEvidence(flags, undefined, recorded.output)).toBe(0);
  return recorded.written().trimEnd().split("\n");
}

interface Judged {
  readonly code: number;
  readonly question: string | undefined;
}

/** What both verifiers say of evidence, which must be the same. */
async function judged(lines: readonly string[], schemaFile?: string): Promise<Judged> {
  const text = `${lines.join("\n")}\n`;
  const said = await verified(text, { key, ...(schemaFile !== undefined && { schema: schemaFile }) });
  const question = said.lines.find((line) => line.includes(" question "));
  if (HAS_PYTHON) {
    const args = ["--key", key, ...(schemaFile === undefined ? [] : ["--schema", schemaFile])];
    const [python] = await verifiedByPython([{ text, args }]);
    expect([python?.code, python?.lines.find((line) => line.includes(" question "))]).toEqual([said.code, question]);
    if (said.code === 2) expect(python?.note).toContain("--schema");
  }
  if (said.code === 2) expect(said.note).toContain("amount may be a field of the log's own schema");
  return { code: said.code, question };
}

test("evidence of a search by a field of the log's own is proven to who has the schema, and to nobody else", async () => {
  const lines = await saved("amount:7");
  expect(lines.length).toBeGreaterThan(3);
  expect(await judged(lines, schema)).toEqual({ code: 0, question: "completeness[0] question VALID" });
  expect((await judged(lines)).code).toBe(2);
  // Under another schema the query says something else.
  expect(await judged(lines, other)).toEqual({
    code: 1,
    question: "completeness[0] question INVALID QUESTION_MISMATCH",
  });
  expect((await judged(await saved("order"))).code).toBe(0);
});

test("an answer of a gateway that lies about the fields is refused", async () => {
  const lines = await saved("amount 7");
  const [head = "", ...rest] = lines;
  const lied = head.replace('"query":"amount 7"', '"query":"amount:7"');
  expect(lied).not.toBe(head);
  expect((await judged([lied, ...rest], schema)).code).toBe(1);
  expect((await judged([lied, ...rest])).code).toBe(2);
});

test("evidence in which what did not fit was changed is refused", async () => {
  const lines = await saved("order");
  const changed = lines.map((line) => line.replace(String.raw`\"value\":\"7\"`, String.raw`\"value\":\"8\"`));
  expect(changed).not.toEqual(lines);
  expect((await judged(changed)).code).toBe(1);
});

test("search --prove needs the schema for its fields", async () => {
  const search = async (query: string, more: Partial<SearchFlags>) => {
    const recorded = recordedOutput();
    const flags: SearchFlags = {
      url: `${gateway.url}/graphql`,
      limit: 100,
      order: "newest",
      style: "ndjson",
      prove: true,
      key,
      ...more,
    };
    const code = await searchLog(query, flags, { token: undefined, output: recorded.output });
    return { code, lines: recorded.written().split("\n").length - 1, note: recorded.notes() };
  };
  expect(await search("amount:7", { schema })).toMatchObject({
    code: 0,
    lines: 4,
    note: expect.stringContaining("proven: amount:7"),
  });
  expect(await search("amount:7", {})).toMatchObject({
    code: 2,
    lines: 0,
    note: expect.stringContaining("give that with --schema"),
  });
  expect(await search("amount:7", { schema: other })).toMatchObject({ code: 1, lines: 0 });
  expect((await search("order", {})).code).toBe(0);
});
