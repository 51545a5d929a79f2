import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey } from "../../src/access/key-file.js";
import type { MetricsPolicy } from "../../src/access/metrics-policy.js";
import { openAccess } from "../../src/access/open-access.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { parsed } from "../operations/samples.js";

async function metrics({ url }: TestGateway, credential = "") {
  const headers = { ...(credential !== "" && { authorization: `Bearer ${credential}` }) };
  const response = await fetch(`${url}/metrics`, { headers });
  return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
}

describe("the metrics of a gateway on this machine", () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await testGateway(await openTestService());
  });

  afterAll(async () => {
    await gateway.close();
  });

  const operations = async (): Promise<readonly string[]> =>
    Object.keys(parsed((await metrics(gateway)).text)).filter((key) => key.includes("_duration_seconds_count"));

  test("are told to whoever is on it, with those of the process", async () => {
    const { status, type, text } = await metrics(gateway);
    expect({ status, type }).toEqual({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8" });
    expect(parsed(text)).toMatchObject({
      process_resident_memory_bytes: expect.any(Number),
      auditql_open_streams: 0,
    });
  });

  test("count an operation by name, type and how it ended", async () => {
    await gateway.text("query Alive { __typename }");
    await gateway.text("{ __typename }");
    await gateway.text('query Bad { search(query: "(", first: 1) { totalCount } }');
    const found = await operations();
    for (const labels of [
      'operation="Alive",type="query",code="OK"',
      'operation="anonymous",type="query",code="OK"',
      'operation="Bad",type="query",code="BAD_USER_INPUT"',
    ]) {
      expect(found).toContain(`auditql_operation_duration_seconds_count{${labels}}`);
    }
  });

  test("do not grow with the names that clients make up", async () => {
    for (let i = 0; i < 120; i += 1) await gateway.text(`query Made${i} { __typename }`);
    const found = await operations();
    expect(found.length).toBeLessThan(110);
    expect(found.some((key) => key.includes('operation="other"'))).toBe(true);
  });
});

describe("the metrics of a gateway that asks for credentials", () => {
  let folder: string;
  const keys = { reader: "", scraper: "", admin: "" };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "auditql-metrics-"));
    const path = join(folder, "keys.json");
    keys.reader = (await createKey(path, { name: "reader", scopes: ["audit:read"] }, new Date())).text;
    keys.scraper = (await createKey(path, { name: "scraper", scopes: ["audit:metrics"] }, new Date())).text;
    keys.admin = (await createKey(path, { name: "admin", scopes: ["audit:admin"] }, new Date())).text;
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  async function opened(metricsPolicy: MetricsPolicy): Promise<TestGateway> {
    const access = await openAccess({ host: "127.0.0.1", apiKeys: join(folder, "keys.json") });
    return testGateway(await openTestService(), { access, metricsPolicy });
  }

  async function status(policy: MetricsPolicy, credential: string): Promise<number> {
    const gateway = await opened(policy);
    const answer = await metrics(gateway, credential);
    await gateway.close();
    return answer.status;
  }

  test("are told to holders of audit:metrics alone, and those of audit:admin", async () => {
    expect(await status("admin", "")).toBe(401);
    expect(await status("admin", keys.reader)).toBe(403);
    expect(await status("admin", keys.scraper)).toBe(200);
    expect(await status("admin", keys.admin)).toBe(200);
  });

  test("are all that audit:metrics shows", async () => {
    const gateway = await opened("admin");
    const headers = { "content-type": "application/json", authorization: `Bearer ${keys.scraper}` };
    for (const query of [
      "{ root { treeSize } }",
      "{ search { totalCount } }",
      "{ entry(leafIndex: 0) { hash } }",
      'mutation { log(event: { message: "m" }) { root { treeSize } } }',
    ]) {
      const response = await fetch(`${gateway.url}/graphql`, {
        method: "POST",
        headers,
        body: JSON.stringify({ query }),
      });
      const { errors } = (await response.json()) as { errors?: readonly { extensions: { code: string } }[] };
      expect([query, errors?.map(({ extensions }) => extensions.code)]).toEqual([query, ["FORBIDDEN"]]);
    }
    await gateway.close();
  });

  test("are told to everyone where the operator says so", async () => {
    expect(await status("open", "")).toBe(200);
  });
});
