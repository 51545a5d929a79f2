import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { openTestService, fill } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { published } from "../published.js";
import { join } from "node:path";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";

/** The parts of @urql/core that the tests use, as its own declarations have them. */
interface Urql {
  readonly Client: new (options: object) => {
    query(
      query: string,
      variables: object,
    ): { toPromise(): Promise<{ readonly data?: unknown; readonly error?: Error }> };
  };
  readonly fetchExchange: unknown;
}

const SEARCH = "query ($query: String!) { search(query: $query) { totalCount } }";

let folder: string;
let key: string;
let gateway: TestGateway;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-urql-"));
  const apiKeys = join(folder, "keys.json");
  key = (await createKey(apiKeys, { name: "front end", scopes: ["audit:read"] }, new Date())).text;
  const service = await openTestService();
  await fill(service, 3);
  gateway = await testGateway(service, { access: await openAccess({ host: "127.0.0.1", apiKeys }) });
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

describe("urql with its default options, which sends queries by GET", () => {
  const query = async (headers: Readonly<Record<string, string>>) => {
    const { Client, fetchExchange } = published("@urql/core") as Urql;
    const methods: string[] = [];
    const watched: typeof fetch = (url, init) => {
      methods.push(init?.method ?? "GET");
      return fetch(url, init);
    };
    const options = {
      url: `${gateway.url}/graphql`,
      exchanges: [fetchExchange],
      fetch: watched,
      fetchOptions: { headers },
    };
    const { data, error } = await new Client(options).query(SEARCH, { query: "" }).toPromise();
    return { data, error: error?.message, methods };
  };

  test("reads with a bearer token", async () => {
    expect(await query({ authorization: `Bearer ${key}` })).toEqual({
      data: { search: { totalCount: 3 } },
      error: undefined,
      methods: ["GET"],
    });
  });
});
