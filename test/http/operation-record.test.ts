import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { keptLines } from "./kept-lines.js";

const SECRET = "hunter2";

describe("the log of operations", () => {
  let gateway: TestGateway;
  const { logger, lines, text, forget } = keptLines();

  beforeAll(async () => {
    gateway = await testGateway(await openTestService(), { logger });
  });

  beforeEach(forget);

  afterAll(async () => {
    await gateway.close();
  });

  async function send(query: string, headers: Readonly<Record<string, string>> = {}, variables = {}) {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ query, variables }),
    });
    await response.text();
    return response.headers.get("x-request-id");
  }

  test("has one line for an operation: which, how it ended, how long it took, for whom and in which request", async () => {
    await send("query Alive { __typename }", { "x-request-id": "edge-7:42" });
    expect(lines()).toMatchObject([
      { operation: "Alive", type: "query", code: "OK", credential: "loopback", requestId: "edge-7:42" },
    ]);
    expect(lines()[0]?.["ms"]).toBeGreaterThan(0);
  });

  test.each([
    [64, "A".repeat(64)],
    [65, "A".repeat(64)],
    [100_000, "A".repeat(64)],
  ])("has no more than 64 characters of a name of %i", async (length, kept) => {
    await send(`query ${"A".repeat(length)} { __typename }`);
    expect(lines()).toMatchObject([{ operation: kept }]);
    expect(await (await fetch(`${gateway.url}/metrics`)).text()).not.toContain("A".repeat(65));
  });

  test("names an anonymous operation by the hash of its document", async () => {
    await send("{ __typename }");
    expect(lines()).toMatchObject([{ hash: expect.stringMatching(/^[0-9a-f]{64}$/), type: "query" }]);
  });

  test("has the code of the first error", async () => {
    await send('query Bad { search(query: "(", first: 1) { totalCount } }');
    await send("query { nothing }");
    await send("{");
    expect(lines().map(({ code, type }) => [code, type])).toEqual([
      ["BAD_USER_INPUT", "query"],
      ["GRAPHQL_VALIDATION_FAILED", "unknown"],
      ["GRAPHQL_PARSE_FAILED", "unknown"],
    ]);
  });

  test("holds nothing of what was logged, searched for or refused", async () => {
    const log = "mutation Log($e: AuditEventInput!) { log(event: $e) { entry { canonical } } }";
    await send(log, {}, { e: { message: SECRET } });
    await send(log, {}, { e: { message: SECRET, actor: SECRET.repeat(100) } });
    await send(log, {}, { e: { message: SECRET, [SECRET]: SECRET } });
    await send(`mutation { log(event: { message: "${SECRET}" }) { entry { canonical } } }`);
    await send(`{ search(query: "${SECRET} (", first: 1) { totalCount } }`);
    await send(`{ search(query: "${SECRET}", first: 1) { nodes { canonical } } }`, { authorization: SECRET });
    await send(`{ ${SECRET} }`);
    await send("{ __typename }", { "x-request-id": `${SECRET} "}` });
    expect(lines()).toHaveLength(8);
    expect(text()).not.toContain(SECRET);
  });

  test.each([
    ["one that is too long", "x".repeat(129)],
    ["one that could break a line apart", 'a" b'],
    ["an empty one", ""],
  ])("gives a request another id than %s", async (_what, sent) => {
    expect(await send("{ __typename }", { "x-request-id": sent })).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("keeps an id of the longest kind", async () => {
    const id = "x".repeat(128);
    expect(await send("{ __typename }", { "x-request-id": id })).toBe(id);
  });
});
