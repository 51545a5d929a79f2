import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";

/**
 * What scanners such as graphql-cop try on every endpoint, with what they take for a finding. A gateway without credentials
 * shows its schema, and so suggests names of it: `AUDITQL_INTROSPECTION` decides.
 */
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await testGateway(await openTestService());
});
afterAll(async () => {
  await gateway.close();
});

const JSON_TYPE = { "content-type": "application/json" };

interface Answer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly extensions?: Readonly<Record<string, unknown>> }[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

async function posted(body: unknown, headers: Readonly<Record<string, string>> = JSON_TYPE): Promise<Answer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return (await fetch(`${gateway.url}/graphql`, { method: "POST", headers, body: text })).json() as Promise<Answer>;
}

const got = async (search: string): Promise<Answer> =>
  (await fetch(`${gateway.url}/graphql?${search}`)).json() as Promise<Answer>;

test("101 aliases are not executed", async () => {
  const aliases = Array.from({ length: 101 }, (_, i) => `alias${i}:__typename`).join("\n");
  expect((await posted({ query: `query cop { ${aliases} }` })).data).toBeUndefined();
});

test("a batch of ten operations is not executed", async () => {
  const batch = Array.from({ length: 10 }, () => ({ query: "query cop { __typename }" }));
  expect(Array.isArray(await posted(batch))).toBe(false);
});

test("ten directives at one place are one error", async () => {
  const { errors } = await posted({ query: `query cop { __typename ${"@aa".repeat(10)} }` });
  expect(errors).toHaveLength(1);
});

test("500 repeated fields do not make an answer larger", async () => {
  const answer = await posted({ query: `query cop { ${"__typename ".repeat(500)} }` });
  expect(JSON.stringify(answer).length).toBeLessThan(1_000);
});

test("fragments in a circle are refused", async () => {
  const query = "query cop { ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
  expect((await posted({ query })).data).toBeUndefined();
});

test("fields of the schema inside each other are not executed", async () => {
  const depth = 10;
  const inside = `${"type { fields { ".repeat(depth)}name${" } }".repeat(depth)}`;
  expect((await posted({ query: `query cop { __schema { types { fields { ${inside} } } } }` })).data).toBeUndefined();
});

test("a query by GET from any page is not executed, nor a mutation", async () => {
  expect((await got("query=query+cop+{__typename}")).data).toBeUndefined();
  expect((await got("query=mutation+cop+{__typename}")).data).toBeUndefined();
});

test("a form is not executed", async () => {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  expect((await posted("query=query+cop+{__typename}", form)).data).toBeUndefined();
});

test("there is no trace in an answer", async () => {
  expect((await posted({ query: "query cop { __typename }" })).extensions).toBeUndefined();
});

test("an error shows nothing of the inside", async () => {
  const { errors = [] } = await posted({ query: "qwerty cop { abc }" });
  expect(errors).toHaveLength(1);
  expect(Object.keys(errors[0]?.extensions ?? {})).toEqual(["code"]);
});

test("there is no page for queries at the endpoint itself: browsers are sent on", async () => {
  const page = await fetch(`${gateway.url}/graphql`, { headers: { accept: "text/html" }, redirect: "manual" });
  expect([page.status, page.headers.get("location"), await page.text()]).toEqual([303, "/graphiql/", ""]);
});
