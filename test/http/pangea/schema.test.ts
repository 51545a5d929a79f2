import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AuditService } from "../../../src/audit/service.js";
import { parseSchema, type EventSchema } from "../../../src/core/event-schema.js";
import { openTestService } from "../../engine/test-log.js";
import type { TestGateway } from "../../graphql/gateway.js";
import { clientOf, failureOf, pangeaGateway, postWire, stubArweave, type AuditClient } from "./sdk.js";

const FIELDS = [
  { id: "message", type: "string", required: true },
  { id: "actor", type: "string", size: 40, name: "Who" },
  { id: "field_int", type: "integer" },
  { id: "field_bool", type: "boolean" },
  { id: "field_time", type: "datetime" },
  { id: "field_short", type: "string", size: 8, redact: true },
  { id: "field_blob", type: "string-unindexed" },
  { id: "field_text", type: "text", description: "Anything" },
];

function schemaOf(save_malformed: string): EventSchema {
  const parsed = parseSchema({ save_malformed, fields: FIELDS }, "");
  if (parsed.kind === "invalid") throw new Error("no schema");
  return parsed.schema;
}

const LOGS = ["reject", "all", "unredacted"];
let service: AuditService;
let gateway: TestGateway;
let restore: () => void;
const client = (config: string): AuditClient => clientOf(gateway.url, "token", { config });

beforeAll(async () => {
  restore = stubArweave();
  const own = LOGS.map((log) => ({ log, format: "pangea", schema: schemaOf(log) }) as const);
  service = await openTestService({ logs: [...own, { log: "standard", format: "pangea" }] });
  gateway = await pangeaGateway(service, { pangeaLogs: [...LOGS, "standard"] });
});
afterAll(async () => {
  restore();
  await gateway.close();
});

const EVENT = {
  ...{ message: "first of all", actor: "alice", field_int: 9_007_199_254_740_991, field_bool: true },
  ...{ field_time: "2026-01-02T03:04:05Z", field_short: "café 7", field_blob: '{"b": 1, "a": [2]}' },
  field_text: "the quick brown fox",
};
const OTHER = { message: "second", field_int: -5, field_bool: false, field_text: "a lazy dog" };

describe("the Node SDK with a custom schema", () => {
  test("logs every type, and verifies hash and proofs", async () => {
    const log = client("reject");
    const first = (await log.log(EVENT, { verbose: true, verify: true })).result;
    expect(first.envelope?.event).toEqual(EVENT);
    expect(first.membership_verification).toBe("pass");
    const second = (await log.log(OTHER, { verify: true })).result;
    expect([second.membership_verification, second.consistency_verification]).toEqual(["pass", "pass"]);
  });

  test.each([
    ["field_int:9007199254740991", [0]],
    ['field_int="-5"', [1]],
    ["field_bool:true", [0]],
    ["field_bool=false", [1]],
    ['field_time:"2026-01-02"', [0]],
    ['field_short="café 7"', [0]],
    ["field_short:cafe*", []],
    ["field_short:*", [0]],
    ['field_text:"quick brown"', [0]],
    ["field_text:quick field_int:*", [0]],
    ["-field_text:quick", [1]],
    ["field_text:(fox OR dog)", [1, 0]],
    ["lazy", [1]],
    ["actor:alice", [0]],
    ["actor_id:alice", []],
  ])("finds by %s, each event verified", async (query, leaves) => {
    const { events, count } = (await client("reject").search(query, {}, { verifyConsistency: true })).result;
    expect(events.map(({ leaf_index }) => leaf_index)).toEqual(leaves);
    expect(count).toBe(leaves.length);
    for (const event of events) expect(event.membership_verification).toBe("pass");
  });

  test("restricts a search to values of its own fields, and asserts that", async () => {
    const restricted = { search_restriction: { field_int: ["-5", "1"], field_bool: ["false"] } };
    const { id, events } = (await client("reject").search("", restricted, {})).result;
    expect(events.map(({ leaf_index }) => leaf_index)).toEqual([1]);
    const page = (assert_search_restriction: object) =>
      postWire(`${gateway.url}/v1/results`, { id, config_id: "reject", assert_search_restriction });
    expect((await page(restricted.search_restriction)).status).toBe(200);
    expect((await page({ field_int: ["-5"] })).body.result).toMatchObject({ errors: [{ code: "InvalidConst" }] });
    const other = await failureOf(client("standard").search("", restricted, {}));
    expect(other.errors.map(({ source }) => source)).toEqual([
      "/search_restriction/field_int",
      "/search_restriction/field_bool",
    ]);
  });

  test("is told every bad path of an event", async () => {
    const bad = { field_int: 1.5, field_bool: "yes", field_time: "now", field_short: "too long for it", status: "ok" };
    const { errors } = await failureOf(client("reject").log(bad));
    expect(errors.map(({ code, source }) => `${source} ${code}`).sort()).toEqual([
      "/event/field_bool InvalidBool",
      "/event/field_int InvalidInteger",
      "/event/field_short AboveMaxLength",
      "/event/field_time BadFormatDateTime",
      "/event/message FieldRequired",
      "/event/status UnexpectedProperty",
    ]);
    const bulk = await failureOf(client("reject").logBulk([{ message: "m" }, { message: "m", field_int: 2 ** 53 }]));
    expect(bulk.errors.map(({ code, source }) => `${source} ${code}`)).toEqual(["/events/1/event/field_int IsTooBig"]);
    const standard = await failureOf(client("standard").log({ message: "m", field_int: 1 }));
    expect(standard.errors.map(({ source }) => source)).toEqual(["/event/field_int"]);
  });

  test("is told which orders there are", async () => {
    const { errors } = await failureOf(client("reject").search("", { order_by: "field_int" }, {}));
    expect(errors).toMatchObject([{ source: "/order_by", code: "NotEnumMember" }]);
  });
});

describe("save_malformed", () => {
  const MALFORMED = { message: "odd", field_int: "1", field_short: "a secret that is long", more: true };

  test.each([
    ["all", ["1", "a secret that is long", "true"]],
    ["unredacted", ["1", undefined, "true"]],
  ])("%s keeps what does not fit in err, which the SDK's hash covers", async (log, values) => {
    const { envelope } = (await client(log).log(MALFORMED, { verbose: true, verify: true })).result;
    const err = [
      { error: "expected an integer of at most 2^53 - 1, got text", field: "field_int", value: values[0] },
      {
        ...{ error: "expected text of 0 to 8 characters, got more", field: "field_short" },
        ...(values[1] !== undefined && { value: values[1] }),
      },
      { error: expect.stringMatching(/got an unknown field$/), field: "more", value: values[2] },
    ];
    expect(envelope).toMatchObject({ event: { message: "odd" }, err });
    expect(Object.keys(envelope?.event ?? {})).toEqual(["message"]);
    const { events } = (await client(log).search("message:odd", {}, { verifyConsistency: true })).result;
    expect(events.map(({ envelope: found }) => found)).toEqual([envelope]);
    const text = JSON.stringify(events);
    expect(text.includes("a secret")).toBe(log === "all");
  });

  test("keeps nothing of an event without a message", async () => {
    const { errors } = await failureOf(client("all").log({ field_int: "1" }));
    expect(errors.map(({ code, source }) => `${source} ${code}`)).toEqual([
      "/event/message FieldRequired",
      "/event/field_int BadFormat",
    ]);
  });

  test("logs a malformed event once, however often its request is repeated", async () => {
    const request = { config_id: "all", event: { message: "once", more: 1 } };
    const first = await postWire(`${gateway.url}/v1/log`, request);
    const again = await postWire(`${gateway.url}/v1/log`, request, {
      "x-pangea-retried-request-ids": first.body.request_id,
    });
    expect(again.body.result).toEqual(first.body.result);
    const other = await postWire(
      `${gateway.url}/v1/log`,
      { config_id: "all", event: { message: "once", more: 2 } },
      { "x-pangea-retried-request-ids": first.body.request_id },
    );
    expect(other.body.result).toMatchObject({ errors: [{ code: "BadState" }] });
  });
});

describe("what a log says of its schema", () => {
  test("/v1/schema is what was declared", async () => {
    const { body } = await postWire(`${gateway.url}/v1/schema`, { config_id: "all" });
    expect(body.result).toEqual({
      ...{ client_signable: true, tamper_proofing: true, save_malformed: "all" },
      fields: FIELDS,
    });
  });

  test("/v1/openapi.json is the document alone, with the log's events", async () => {
    const ask = async (config_id: string) => {
      const { body } = await postWire(`${gateway.url}/v1/openapi.json`, { config_id, event: EVENT, verbose: true });
      return body as unknown as { openapi: string; components: { schemas: { AuditEvent: object } } };
    };
    const own = await ask("reject");
    expect(own.openapi).toBe("3.1.0");
    expect(own.components.schemas.AuditEvent).toEqual({
      ...{ type: "object", required: ["message"], additionalProperties: false },
      properties: {
        message: { type: "string", minLength: 1, maxLength: 32_766 },
        actor: { type: "string", maxLength: 40 },
        field_int: { type: "integer", minimum: -(2 ** 53 - 1), maximum: 2 ** 53 - 1 },
        field_bool: { type: "boolean" },
        field_time: { type: "string", maxLength: 128, format: "date-time" },
        field_short: { type: "string", maxLength: 8 },
        field_blob: { type: "string", maxLength: 32_766 },
        field_text: { type: "string", maxLength: 32_766, description: "Anything" },
      },
    });
    const standard = await ask("standard");
    expect(Object.keys((standard.components.schemas.AuditEvent as { properties: object }).properties)).toHaveLength(10);
    const missing = await postWire(`${gateway.url}/v1/openapi.json`, { config_id: "none" });
    expect(missing.body.result).toMatchObject({ errors: [{ code: "ConfigNotExist" }] });
  });

  test("/v1/log_stream needs the standard fields", async () => {
    const data = { date: "2026-01-01T00:00:00Z", type: "s" };
    const { body } = await postWire(`${gateway.url}/v1/log_stream`, { config_id: "all", logs: [{ data }] });
    expect(body.result).toMatchObject({ errors: [{ code: "ConfigServiceMismatch", source: "/config_id" }] });
  });
});
