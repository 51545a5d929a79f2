import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { importEvents } from "../../src/cli/import.js";
import { logEvent } from "../../src/cli/log.js";
import { searchLog } from "../../src/cli/search.js";
import { parseSchema } from "../../src/core/event-schema.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { postWire } from "../http/pangea/sdk.js";
import { recordedOutput } from "./recorded-output.js";

const FIELDS = [
  { id: "message", type: "string", required: true },
  { id: "amount", type: "integer" },
  { id: "is_paid", type: "boolean" },
  { id: "note", type: "text" },
];

function schemaOf(save_malformed: string) {
  const parsed = parseSchema({ save_malformed, fields: FIELDS }, "");
  if (parsed.kind === "invalid") throw new Error("no schema");
  return parsed.schema;
}

let folder: string;
let gateway: TestGateway;
let url: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "auditql-custom-"));
  const own = ["default", "copy"].map((log) => ({ log, format: "pangea", schema: schemaOf("reject") }) as const);
  const kept = { log: "kept", format: "pangea", schema: schemaOf("all") } as const;
  const service = await openTestService({ logs: [...own, kept, { log: "plain", format: "rfc6962" }] });
  gateway = await testGateway(service, { pangeaLogs: ["default", "copy", "kept"] });
  url = `${gateway.url}/graphql`;
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

const LOG = `mutation ($event: AuditEventInput!, $log: ID) {
  log(event: $event, log: $log) { entry { event { message actor custom } malformed } verification { hash { status } membership { status } } }
}`;

test("GraphQL takes and shows custom fields, with their types, and finds by them", async () => {
  const event = {
    message: "paid",
    custom: { amount: 9_007_199_254_740_991, is_paid: true, note: "by card", gone: null },
  };
  const { data, errors } = await gateway.text(LOG, { event });
  expect(errors).toBeUndefined();
  expect(data).toEqual({
    log: {
      entry: {
        event: {
          message: "paid",
          actor: null,
          custom: { amount: 9_007_199_254_740_991, is_paid: true, note: "by card" },
        },
        malformed: null,
      },
      verification: { hash: { status: "VALID" }, membership: { status: "VALID" } },
    },
  });
  await gateway.text(LOG, { event: { message: "plain" } });
  const found = await gateway.text(
    '{ search(query: "is_paid:true note=\\"by card\\"") { totalCount nodes { event { custom } } } }',
  );
  expect(found.data).toEqual({
    search: {
      totalCount: 1,
      nodes: [{ event: { custom: { amount: 9_007_199_254_740_991, is_paid: true, note: "by card" } } }],
    },
  });
  const none = await gateway.text('{ search(query: "message:plain") { nodes { event { custom } } } }');
  expect(none.data).toEqual({ search: { nodes: [{ event: { custom: null } }] } });
});

test("GraphQL names every bad path where the caller wrote it", async () => {
  const bad = { message: "m", actor: "a", custom: { amount: "7", more: 1, "x-y": 1 } };
  const { extensions } = await gateway.error(LOG, { event: bad });
  expect((extensions?.["problems"] as { path: string }[]).map(({ path }) => path)).toEqual([
    "event.custom.amount",
    "event.custom.more",
    'event.custom["x-y"]',
    "event.actor",
  ]);
  const paths = async (custom: unknown, log = "default") => {
    const { message } = await gateway.error(LOG, { event: { message: "m", custom }, log });
    return message;
  };
  expect(await paths([])).toBe("event.custom: expected an object, got a list");
  expect(await paths({ actor: "a", tenant_id: "t" })).toMatch(/^event\.custom\.actor: .*; event\.custom\.tenantId: /);
  expect(await paths({ amount: 1 }, "plain")).toMatch(
    /^event\.custom\.amount: expected one of message, .* got an unknown field$/,
  );
  const bulk = await gateway.error(
    'mutation { logBulk(events: [{ message: "m" }, { message: "m", custom: { is_paid: 1 } }]) { root { treeSize } } }',
  );
  expect(bulk.message).toBe("events[1].custom.is_paid: expected true or false, got a number");
});

test("GraphQL shows what did not fit beside the event", async () => {
  const { data } = await gateway.text(LOG, { event: { message: "odd", custom: { amount: "7" } }, log: "kept" });
  expect(data).toMatchObject({
    log: {
      entry: {
        event: { message: "odd", custom: null },
        malformed: [{ error: "expected an integer of at most 2^53 - 1, got text", field: "amount", value: "7" }],
      },
      verification: { hash: { status: "VALID" } },
    },
  });
});

test("a file has a column for each field of the schema, and JSON the values", async () => {
  const link = await gateway.text(`{ search(query: "message:paid") { resultId } }`);
  const { resultId } = link.data?.["search"] as { resultId: string };
  const file = async (format: string): Promise<string> => {
    const made = await gateway.text(`mutation ($id: ID!) { downloadResults(id: $id, format: ${format}) { url } }`, {
      id: resultId,
    });
    const { url: place } = made.data?.["downloadResults"] as { url: string };
    return (await fetch(new URL(place, gateway.url))).text();
  };
  const [head = "", row = ""] = (await file("CSV")).replace("\ufeff", "").split("\r\n");
  const cells = row.split(",");
  const named = Object.fromEntries(head.split(",").map((column, at) => [column, cells[at]]));
  expect(head).toContain("tenantId,custom.amount,custom.is_paid,custom.note,signature,publicKey,error");
  expect(named).toMatchObject({
    "custom.amount": "9007199254740991",
    "custom.is_paid": "true",
    "custom.note": "by card",
  });
  expect(JSON.parse(await file("NDJSON"))).toMatchObject({
    event: { message: "paid", custom: { amount: 9_007_199_254_740_991, is_paid: true, note: "by card" } },
  });
});

test("the commands log, search and import them, also from an export of Pangea", async () => {
  const recorded = recordedOutput();
  const with_ = { token: undefined, output: recorded.output };
  expect(await logEvent("by hand", { url, custom: '{"amount": -3, "is_paid": false}' }, with_)).toBe(0);
  expect(await logEvent("by hand", { url, custom: "amount=3" }, with_)).toBe(2);
  expect(await logEvent("by hand", { url, custom: '{"amount": 9007199254740993}' }, with_)).toBe(2);
  expect(recorded.notes()).toContain("--custom: expected a JSON object");
  expect(recorded.notes()).toContain("--custom.amount: expected ");
  const listed = recordedOutput();
  const flags = { url, limit: 10, order: "newest", style: "ndjson" } as const;
  await searchLog("amount=-3", flags, { token: undefined, output: listed.output });
  const shown = JSON.parse(listed.written()) as { event: object };
  expect(shown.event).toEqual({ message: "by hand", custom: { amount: -3, is_paid: false } });

  const path = join(folder, "events.ndjson");
  writeFileSync(path, `${JSON.stringify(shown.event)}\n`);
  expect(await importEvents(path, { url, log: "copy" }, with_)).toBe(0);
  writeFileSync(path, `{"message":"m","custom":{"amount":1.5,"X":1}}\n{"message":"m","custom":7}\n`);
  const refused = recordedOutput();
  expect(await importEvents(path, { url, log: "copy" }, { token: undefined, output: refused.output })).toBe(1);
  expect(refused.written()).toBe(
    "line 1: event.custom.amount: expected text, true, false or an integer of at most 2^53 - 1, got a number\n" +
      "line 1: event.custom.X: expected a name that a custom field may have, got another\n" +
      "line 2: event: expected its own fields in an object, custom, got a number\n",
  );

  const { body } = await postWire(`${gateway.url}/v1/search`, {
    config_id: "default",
    query: "amount:*",
    order: "asc",
  });
  const exported = join(folder, "export.json");
  writeFileSync(exported, JSON.stringify(body));
  const run = async (more: object): Promise<{ code: number; notes: string }> => {
    const told = recordedOutput();
    const into = { url, log: "copy", from: "pangea-export", ...more } as const;
    const code = await importEvents(exported, into, { token: undefined, output: told.output });
    return { code, notes: told.notes() };
  };
  // The schema has no timestamp, which an import adds to what is not signed.
  expect((await run({})).notes).toMatch(
    /line 1\.timestamp: expected one of message, amount, is_paid, note, got an unknown/,
  );
  expect((await run({ timestamp: false })).code).toBe(0);
  const copied = await gateway.text(
    '{ search(log: "copy", query: "amount=9007199254740991") { nodes { event { message custom } } } }',
  );
  expect(copied.data).toEqual({
    search: {
      nodes: [
        { event: { message: "paid", custom: { amount: 9_007_199_254_740_991, is_paid: true, note: "by card" } } },
      ],
    },
  });

  const kept = await postWire(`${gateway.url}/v1/search`, { config_id: "kept", query: "message:odd" });
  writeFileSync(exported, JSON.stringify(kept.body));
  const malformed = recordedOutput();
  const into = { url, log: "kept", from: "pangea-export" } as const;
  expect(await importEvents(exported, into, { token: undefined, output: malformed.output })).toBe(1);
  expect(malformed.written()).toMatch(/^line 1: event: expected an event that fitted its schema, got one with err/);
});
