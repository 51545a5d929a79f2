import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { createKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import { openGateway } from "../../src/http/gateway.js";
import { compileAtHit } from "../graphql/gateway.js";
import type { Name } from "./credentials.js";
import { signed } from "./issuer.js";
import { leafIndexes, openKeyedGateway, type KeyedGateway } from "./keyed-gateway.js";

let keyed: KeyedGateway;
beforeAll(async () => {
  keyed = await openKeyedGateway();
});
afterAll(() => keyed.close());

const ask = (name: Name, query: string) => keyed.ask(name, query);

describe("a result over HTTP", () => {
  const resultOf = async (name: Name) => {
    const { data } = await ask(name, "{ search(first: 1) { resultId totalCount edges { cursor } } }");
    return (data as { search: { resultId: string; totalCount: number; edges: readonly { cursor: string }[] } }).search;
  };

  test("counts only what its maker may see, and continues for its maker", async () => {
    const { resultId: id, totalCount } = await resultOf("acme");
    expect(totalCount).toBe(2);
    const { data } = await ask("acme", `{ results(id: "${id}") { nodes { leafIndex } } }`);
    expect(leafIndexes(data)).toEqual([0, 1]);
  });

  test.each<[Name, Name]>([
    ["acme", "globex"],
    ["acme", "read only"],
    ["admin", "acme"],
    ["alice's entries", "alice's entries of acme"],
  ])("of %s is refused to %s, by id and by cursor", async (maker, user) => {
    const { resultId: id, edges } = await resultOf(maker);
    expect((await ask(user, `{ results(id: "${id}") { totalCount } }`)).codes).toEqual(["BAD_USER_INPUT"]);
    const byCursor = await ask(user, `{ search(after: "${edges[0]?.cursor ?? ""}") { totalCount } }`);
    expect(byCursor.codes).toEqual(["BAD_USER_INPUT"]);
  });
});

describe("a proof of completeness over HTTP", () => {
  const asked = "{ search { nodes { leafIndex } completeness { verdict { status } } root { index { treeSize } } } }";

  test("is for who may see every entry", async () => {
    const { data, codes } = await ask("read only", asked);
    expect(codes).toEqual([]);
    expect(data).toMatchObject({ search: { completeness: { verdict: { status: "VALID" } } } });
  });

  test.each<Name>(["acme", "globex", "alice's entries"])(
    "is not permitted for %s, whose page is shown",
    async (name) => {
      const { data, codes } = await ask(name, asked);
      expect(codes).toEqual(["PROOF_NOT_PERMITTED"]);
      expect(data).toMatchObject({ search: { completeness: null, root: { index: { treeSize: 0 } } } });
      expect(leafIndexes(data).length).toBeGreaterThan(0);
    },
  );
});

describe("logging over HTTP", () => {
  const log = (tenant?: string) =>
    `mutation { log(event: { message: "m"${tenant === undefined ? "" : `, tenantId: "${tenant}"`} }) {
       entry { event { tenantId } }
       membershipProof { treeSize } verification { hash { status } membership { status } consistency { status } }
       root { verification { checkpoint { status } consistency { status } } } } }`;

  test.each<[Name, string | undefined, string]>([
    ["no scope", undefined, "FORBIDDEN"],
    ["read only", undefined, "FORBIDDEN"],
    ["expired", undefined, "UNAUTHENTICATED"],
    ["acme", "globex", "FORBIDDEN"],
    ["log only, of acme", "globex", "FORBIDDEN"],
  ])("with %s an event of tenant %s is refused: %s", async (name, tenant, code) => {
    expect((await ask(name, log(tenant))).codes).toEqual([code]);
  });

  test("gives a writer who may not read a receipt that is verified to the end, in its tenant's name", async () => {
    const { data, codes } = await ask("log only, of acme", log());
    expect(codes).toEqual([]);
    expect(JSON.stringify(data)).toContain('"tenantId":"acme"');
    expect(JSON.stringify(data).match(/"VALID"/g)).toHaveLength(5);
  });

  test("is limited by events: a bulk of ten and then nothing, for this credential alone", async () => {
    const events = Array.from({ length: 10 }, () => '{ message: "m" }').join(", ");
    expect((await ask("log only", `mutation { logBulk(events: [${events}]) { root { treeSize } } }`)).codes).toEqual(
      [],
    );
    expect((await ask("log only", log())).codes).toEqual(["RATE_LIMITED"]);
    expect((await ask("globex", log())).codes).toEqual([]);
  });
});

describe("the door", () => {
  const token = (changes: Record<string, unknown>) =>
    signed(keyed.issuer, { exp: Date.now() / 1_000 + 60, ...changes });

  test("asks for a credential before it reads a body", async () => {
    const response = await fetch(`${keyed.url}/graphql`, { method: "POST", body: "not even JSON" });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="auditql"');
  });

  test("tells who came with a wrong credential that it is invalid", async () => {
    const { status, headers } = await keyed.send("{ __typename }", { authorization: "Bearer wrong" });
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toMatch(/error="invalid_token"/);
  });

  test("lets in a token, bound to its tenant", async () => {
    const authorization = `Bearer ${await token({ tenant: "globex" })}`;
    const { data } = await keyed.send('{ search(query: "actor:alice OR actor:bob") { nodes { leafIndex } } }', {
      authorization,
    });
    expect(leafIndexes(data)).toEqual([2, 3]);
  });

  test("refuses a token without the tenant that every token must have", async () => {
    expect((await keyed.send("{ __typename }", { authorization: `Bearer ${await token({})}` })).status).toBe(401);
  });

  test("shows a subject with a token of one tenant nothing of what it logged with that of another", async () => {
    const ofTenant = async (tenant: string, query: string) => {
      const authorization = `Bearer ${await token({ tenant, scope: "audit:log" })}`;
      return JSON.stringify((await keyed.send(query, { authorization })).data);
    };
    const accepted = await ofTenant(
      "acme",
      'mutation { logBulkAsync(events: [{ message: "secret" }]) { bulkRequest { id } } }',
    );
    const [, id = ""] = /"id":"([^"]+)"/.exec(accepted) ?? [];
    const asked = `{ bulkRequest(id: "${id}") { entries { event { message } } } }`;
    expect(await ofTenant("acme", asked)).toMatch(/"secret"/);
    expect(await ofTenant("globex", asked)).toBe('{"bulkRequest":null}');
  });

  test("asks nobody for a credential to say that the gateway is up", async () => {
    expect((await fetch(`${keyed.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${keyed.url}/readyz`)).status).toBe(200);
  });

  test("answers 503, and lets nobody in, while the key file cannot be read", async () => {
    const apiKeys = join(keyed.folder, "lost.json");
    const { text } = await createKey(apiKeys, { name: "lost", scopes: ["audit:admin"] }, new Date());
    const access = await openAccess({ host: "127.0.0.1", apiKeys });
    const other = await openGateway({
      ...{ service: keyed.service, access, host: "127.0.0.1", port: 0, compileAtHit, graphiqlFolder: "/nonexistent" },
      logger: pino({ level: "silent" }),
    });
    await rm(apiKeys);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    const headers = { "content-type": "application/json", authorization: `Bearer ${text}` };
    const response = await fetch(`${other.url}/graphql`, { method: "POST", headers, body: '{"query":"{__typename}"}' });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await response.text()).not.toContain("lost.json");
    await other.close(1_000);
  });
});
