import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ExecutionResult } from "graphql";
import { canonicalJson, type Json } from "../../src/core/json.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "./gateway.js";

const LOG = `mutation ($event: AuditEventInput!, $log: ID) {
  log(event: $event, log: $log) { entry { canonical event { message new old timestamp status } } }
}`;
const BULK = `mutation ($events: [AuditEventInput!]!, $skipInvalid: Boolean, $idempotencyKey: String) {
  logBulk(events: $events, skipInvalid: $skipInvalid, idempotencyKey: $idempotencyKey) {
    entries { leafIndex event { message } }
    refused { index problems { path expected got } }
    root { treeSize }
  }
}`;

interface Problem {
  readonly path: string;
  readonly got: string;
}

describe.each([
  ["compiled", 1],
  ["executed field by field", Infinity],
])("what happened is taken as it is, %s:", (_, compileAtHit) => {
  let gateway: TestGateway;

  beforeAll(async () => {
    const logs = [{ log: "default", format: "rfc6962" } as const, { log: "old", format: "pangea" } as const];
    gateway = await testGateway(await openTestService({ logs }), { compileAtHit });
  });
  afterAll(() => gateway.close());

  /** As a client that writes its JSON by itself would send it. */
  async function send(query: string, variables: string): Promise<ExecutionResult<Record<string, unknown>>> {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"query":${JSON.stringify(query)},"variables":${variables}}`,
    });
    return (await response.json()) as ExecutionResult<Record<string, unknown>>;
  }

  function problems({ errors }: ExecutionResult): readonly Problem[] {
    return (errors?.[0]?.extensions["problems"] ?? []) as readonly Problem[];
  }

  const values: readonly Json[] = [
    7,
    -0.5,
    6.02e23,
    2 ** 53,
    true,
    false,
    [],
    [1, ["a", { b: null }]],
    { a: "\0" },
    "a\0b",
  ];

  test.each(values)("%j, as variables and as literals", async (value) => {
    const event = { message: value, new: value, old: value };
    const { data } = await gateway.text(LOG, { event });
    expect(data).toMatchObject({ log: { entry: { event } } });
    const { entry } = data?.["log"] as { readonly entry: { readonly canonical: string } };
    expect(entry.canonical).toContain(`"event":${canonicalJson(event)}`);
    const literal = JSON.stringify(value).replaceAll(/"([a-z])":/g, "$1:");
    const written = `mutation { log(event: { message: ${literal}, new: ${literal} }) { entry { event { message new } } } }`;
    for (let time = 0; time < 3; time++) {
      expect(await gateway.text(written)).toEqual({
        data: { log: { entry: { event: { message: value, new: value } } } },
      });
    }
  });

  test("null as new and old is as if it were not given", async () => {
    const { data } = await gateway.text(LOG, { event: { message: "m", new: null, old: null } });
    expect(JSON.stringify(data)).not.toContain('\\"new\\"');
  });

  test.each([
    1767225600000,
    1767225600.5,
    "1767225600",
    "2026-01-31t09:00:00z",
    "2026-01-31 09:00:00+0000",
    "yesterday",
  ])("%j as a timestamp", async (timestamp) => {
    const { data } = await gateway.text(LOG, { event: { message: "m", timestamp } });
    expect(data).toMatchObject({ log: { entry: { event: { timestamp } } } });
    expect(JSON.stringify(data)).toContain(JSON.stringify(`"timestamp":${JSON.stringify(timestamp)}`).slice(1, -1));
    const literal = `mutation { log(event: { message: "m", timestamp: ${JSON.stringify(timestamp)} }) { entry { event { timestamp } } } }`;
    expect(await gateway.text(literal)).toEqual({ data: { log: { entry: { event: { timestamp } } } } });
  });

  test("other JSON as a timestamp is refused", async () => {
    const error = await gateway.error(LOG, { event: { message: "m", timestamp: ["x"] } });
    expect(error.message).toContain("AuditEventTime expects text or a number, got a list");
  });

  test("names and values as long as real ones", async () => {
    const event = {
      message: "x".repeat(126_000),
      action: "Microsoft.Storage/storageAccounts/write",
      status: "NoSuchPublicAccessBlockConfiguration",
      target: `/subscriptions/${"0".repeat(226)}`,
      actor: `arn:aws:sts::1:assumed-role/${"r".repeat(173)}`,
      new: { list: "y".repeat(71_000) },
    };
    const { data } = await gateway.text(LOG, { event });
    expect(data).toMatchObject({ log: { entry: { event: { message: event.message, new: event.new } } } });
  });

  test("a log of the format pangea keeps its protocol's limits and types", async () => {
    const event = { message: ["x"], action: "a".repeat(33), timestamp: 5, target: "a\0b", new: "n".repeat(32_767) };
    const refused = await send(LOG, JSON.stringify({ event, log: "old" }));
    expect(problems(refused)).toEqual([
      expect.objectContaining({ path: "event.message", got: "a list" }),
      expect.objectContaining({ path: "event.action", got: "33 characters" }),
      expect.objectContaining({ path: "event.new", got: "32767 characters" }),
      expect.objectContaining({ path: "event.target", got: "U+0000" }),
      expect.objectContaining({ path: "event.timestamp", got: "a number" }),
    ]);
  });

  test.each([
    ['{"message":"m","new":{"amount":100,"amount":900}}', "event.new.amount", "a key that occurs twice"],
    ['{"message":"m","new":1,"new":2}', "event.new", "a key that occurs twice"],
    ['{"message":"m","new":{"a":[1234567890123456.78]}}', "event.new.a[0]", "1234567890123456.78"],
    ['{"message":1e-400}', "event.message", "1e-400"],
    ['{"message":"m","old":9007199254740993}', "event.old", "9007199254740993"],
    ['{"message":"m","timestamp":17672256000000000001}', "event.timestamp", "17672256000000000001"],
  ])("what JSON.parse would change in %s is refused at its path, as it was sent", async (event, path, got) => {
    const refused = await send(LOG, `{"event":${event}}`);
    expect(problems(refused)).toEqual([expect.objectContaining({ path, got })]);
    expect(refused.errors?.[0]?.extensions["code"]).toBe("BAD_USER_INPUT");
  });

  test.each([
    ['{"event":{"message":"m","actor":"a","actor":"b"}}', "event.actor", "BAD_USER_INPUT"],
    ['{"event":{"message":"m"},"event":{"message":"n"}}', "variables.event: expected each key once", "BAD_REQUEST"],
    ['{"event":{"message":"m"}},"variables":{}', "variables: expected each key once", "BAD_REQUEST"],
    ['{"event":{"message":"m"}},"query":"{ root { hash } }"', "query: expected each key once", "BAD_REQUEST"],
  ])("a key that occurs twice in %s is refused", async (variables, path, code) => {
    const { errors } = await send(LOG, variables);
    expect(errors).toHaveLength(1);
    expect(errors?.[0]?.message).toContain(path);
    expect(errors?.[0]?.message).toContain("a key that occurs twice");
    expect(errors?.[0]?.extensions["code"]).toBe(code);
  });

  test("a number that was not kept is named as it was sent, whatever its place takes", async () => {
    const query =
      "query ($treeSize: AuditTreeSize, $first: Int) { root(treeSize: $treeSize) { hash } search(first: $first) { resultId } }";
    const { errors } = await send(query, '{"treeSize":9007199254740993,"first":1e400}');
    expect(errors?.map(({ message }) => message)).toEqual([
      expect.stringContaining("got 9007199254740993"),
      expect.stringContaining("got invalid value 1e400"),
    ]);
  });

  test("a literal that a double does not hold is refused as it was written", async () => {
    for (const number of ["1234567890123456.78", "9007199254740993", "1e-400"]) {
      const error = await gateway.error(`mutation { log(event: { message: { a: ${number} } }) { root { hash } } }`);
      expect(error.message).toContain(`got ${number}`);
    }
  });
});

describe("logBulk with skipInvalid", () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await testGateway(await openTestService());
  });
  afterAll(() => gateway.close());

  async function treeSize(): Promise<unknown> {
    return (await gateway.text("{ root { treeSize } }")).data?.["root"];
  }

  const mixed = [
    { message: "first" },
    { message: "" },
    { message: "m", tenantId: "t".repeat(1_025), new: { a: "\ud83d" } },
    { message: "last" },
  ];

  test("logs the valid events in their order, and lists the others by index with every bad path", async () => {
    const { data, errors } = await gateway.text(BULK, { events: mixed, skipInvalid: true });
    expect(errors).toBeUndefined();
    expect(data?.["logBulk"]).toMatchObject({
      entries: [{ event: { message: "first" } }, { event: { message: "last" } }],
      refused: [
        { index: 1, problems: [{ path: "events[1].message", got: "empty text" }] },
        {
          index: 2,
          problems: [
            { path: "events[2].new.a", got: "a lone surrogate" },
            { path: "events[2].tenantId", expected: "text of 0 to 1024 characters", got: "1025 characters" },
          ],
        },
      ],
    });
  });

  test("without it, or with false, nothing is logged for one that is invalid", async () => {
    const before = await treeSize();
    for (const skipInvalid of [undefined, null, false]) {
      const error = await gateway.error(BULK, { events: mixed, skipInvalid });
      expect(error.extensions?.["code"]).toBe("BAD_USER_INPUT");
    }
    expect(await treeSize()).toEqual(before);
  });

  test("refuses a request of which no event is valid, naming all", async () => {
    const before = await treeSize();
    const error = await gateway.error(BULK, { events: [{ message: "" }, { message: "" }], skipInvalid: true });
    expect(error.extensions).toMatchObject({
      code: "BAD_USER_INPUT",
      problems: [{ path: "events[0].message" }, { path: "events[1].message" }],
    });
    expect(await treeSize()).toEqual(before);
  });

  test("refuses the whole of a request whose key is wrong, though an event is valid", async () => {
    const before = await treeSize();
    const error = await gateway.error(BULK, { events: mixed, skipInvalid: true, idempotencyKey: "" });
    expect(JSON.stringify(error)).toContain("idempotencyKey");
    expect(await treeSize()).toEqual(before);
  });

  test("tells the same again to who repeats the request, and refuses the key for another one", async () => {
    const variables = { events: mixed, skipInvalid: true, idempotencyKey: "again" };
    const first = await gateway.text(BULK, variables);
    expect(first.data?.["logBulk"]).toMatchObject({ entries: [{}, {}], refused: [{ index: 1 }, { index: 2 }] });
    expect(await gateway.text(BULK, variables)).toEqual(first);
    const valid = [mixed[0], mixed[3]];
    for (const other of [
      { events: valid },
      { events: valid, skipInvalid: true },
      { events: [...mixed, { message: "" }] },
    ]) {
      const error = await gateway.error(BULK, { ...variables, skipInvalid: undefined, ...other });
      expect(["CONFLICT", "BAD_USER_INPUT"]).toContain(error.extensions?.["code"]);
    }
    const error = await gateway.error(BULK, { ...variables, events: [{ message: "" }, ...mixed] });
    expect(error.extensions?.["code"]).toBe("CONFLICT");
  });

  test("tells no more than ten problems of an event, with paths of a bounded length", async () => {
    const inexact = { ["k".repeat(64)]: Array.from({ length: 20 }, () => "\ud800") };
    const deep = Array.from({ length: 12 }).reduce<object>((inner) => ({ ["d".repeat(64)]: inner }), inexact);
    const { data } = await gateway.text(BULK, { events: [{ message: "m" }, { message: deep }], skipInvalid: true });
    const { refused } = data?.["logBulk"] as { readonly refused: readonly { readonly problems: readonly Problem[] }[] };
    expect(refused[0]?.problems).toHaveLength(10);
    expect(refused[0]?.problems.map(({ path }) => path.length)).toEqual(Array(10).fill(512));
  });

  test("a bulk request for later says what it skips, again when it is repeated", async () => {
    const LATER = `mutation ($events: [AuditEventInput!]!, $key: String) {
      logBulkAsync(events: $events, skipInvalid: true, idempotencyKey: $key) {
        bulkRequest { id } refused { index problems { path } }
      }
    }`;
    const POLL = `query ($id: ID!) {
      bulkRequest(id: $id) { entries { event { message } } }
    }`;
    const { data } = await gateway.text(LATER, { events: mixed, key: "later" });
    const { bulkRequest, refused } = data?.["logBulkAsync"] as {
      readonly bulkRequest: { readonly id: string };
      readonly refused: readonly unknown[];
    };
    expect(refused).toMatchObject([{ index: 1 }, { index: 2, problems: [{}, { path: "events[2].tenantId" }] }]);
    expect((await gateway.text(POLL, bulkRequest)).data?.["bulkRequest"]).toEqual({
      entries: [{ event: { message: "first" } }, { event: { message: "last" } }],
    });
    expect((await gateway.text(LATER, { events: mixed, key: "later" })).data?.["logBulkAsync"]).toEqual({
      bulkRequest,
      refused,
    });
  });
});
