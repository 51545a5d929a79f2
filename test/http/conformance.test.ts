import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { serverAudits, type AuditResult } from "graphql-http";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";

/** As a client does that is no browser page: a GET without this header could be a foreign page's (CSRF). */
const fetchFn: typeof fetch = (url, init) => {
  const headers = new Headers(init?.headers);
  if ((init?.method ?? "GET") === "GET") headers.set("apollo-require-preflight", "1");
  return fetch(url, { ...init, headers });
};

let gateway: TestGateway;

const audits = serverAudits({ url: () => `${gateway.url}/graphql`, fetchFn });

/** What an audit found, readable where a test fails. */
async function finding(result: AuditResult): Promise<string> {
  return result.status === "ok" ? "ok" : `${result.status}: ${result.reason}: ${await result.response.text()}`;
}

describe.each([
  ["compiled", 1],
  ["executed field by field", Infinity],
])("GraphQL over HTTP, %s", (_, compileAtHit) => {
  beforeAll(async () => {
    gateway = await testGateway(await openTestService(), { compileAtHit });
  });

  afterAll(() => gateway.close());

  test("has 61 rules", () => {
    expect(audits).toHaveLength(61);
  });

  test.each(audits.map((audit) => [`${audit.name} (${audit.id})`, audit] as const))("%s", async (...[, audit]) => {
    expect(await finding(await audit.fn())).toBe("ok");
  });
});
