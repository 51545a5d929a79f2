import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { createKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import type { AuditService, Receipt } from "../../src/audit/service.js";
import { globalId } from "../../src/graphql/global-id.js";
import { openGateway, type Gateway } from "../../src/http/gateway.js";
import { ALL, CREDENTIALS, EVENTS, NAMES, type Name } from "../audit/credentials.js";
import { openTestService } from "../audit/test-log.js";
import { compileAtHit } from "../graphql/gateway.js";
import { AUDIENCE, ISSUER, issuerKey, signed, type IssuerKey } from "./issuer.js";

let folder: string;
let service: AuditService;
let logged: Receipt;
let gateway: Gateway;
let issuer: IssuerKey;
const keys = new Map<Name, string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-gateway-"));
  service = await openTestService();
  logged = await service.append({ log: "default", events: EVENTS, sign: false, path: "events" });
  const apiKeys = join(folder, "keys.json");
  for (const name of NAMES) keys.set(name, await keyOf(name, apiKeys));
  issuer = await issuerKey("EdDSA", "ed-1");
  const jwks = join(folder, "jwks.json");
  await writeFile(jwks, JSON.stringify({ keys: [issuer.publicJwk] }));
  const jwt = { jwks, issuer: ISSUER, audience: AUDIENCE, tenantClaim: "tenant" };
  gateway = await openGateway({
    service,
    access: await openAccess({ host: "127.0.0.1", apiKeys, jwt }),
    eventRate: { capacity: 10, eventsPerSecond: 0.001 },
    ...{ host: "127.0.0.1", port: 0, compileAtHit, graphiqlFolder: "/nonexistent" },
    logger: pino({ level: "silent" }),
  });
});
afterAll(async () => {
  await gateway.close(1_000);
  await service.close();
  await rm(folder, { recursive: true });
});

/** An API key with all that the credential has; the clock is the real one, so an end is long past or far away. */
async function keyOf(name: Name, file: string): Promise<string> {
  const { scopes, tenant, restriction } = CREDENTIALS[name].principal;
  const end = { expiresAt: name === "expired" ? "2020-01-01T00:00:00Z" : "2099-01-01T00:00:00Z" };
  const bounds = { ...(tenant !== undefined && { tenant }), ...(restriction && { restriction }), ...end };
  return (await createKey(file, { name, scopes: [...scopes], ...bounds }, new Date())).text;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly data: unknown;
  readonly codes: readonly string[];
}

async function send(query: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const init = { method: "POST", headers: { "content-type": "application/json", ...headers } };
  const response = await fetch(`${gateway.url}/graphql`, { ...init, body: JSON.stringify({ query }) });
  const { data, errors = [] } = (await response.json()) as {
    data?: unknown;
    errors?: readonly { extensions: { code: string } }[];
  };
  return {
    status: response.status,
    headers: response.headers,
    data,
    codes: errors.map((error) => error.extensions.code),
  };
}

function ask(name: Name, query: string): Promise<Answer> {
  return send(query, { authorization: `Bearer ${keys.get(name) ?? ""}` });
}

const entryId = (leafIndex: number) => JSON.stringify(globalId({ type: "Entry", log: "default", place: leafIndex }));
const inEach = (field: (leafIndex: number) => string) => `{ ${ALL.map((at) => `e${at}: ${field(at)}`).join(" ")} }`;
const hashAt = (leafIndex: number) => JSON.stringify(logged.entries[leafIndex]?.hash);
const representations = ALL.map((at) => `{ __typename: "Entry", id: ${entryId(at)} }`).join(", ");

/** Every way through GraphQL to an entry; the leaf indexes in an answer are what it shows. */
const PATHS: Readonly<Record<string, () => string>> = {
  "search's nodes": () => "{ search { nodes { leafIndex } } }",
  "search's edges": () => "{ search { edges { node { leafIndex } } } }",
  "search for another's": () =>
    '{ search(query: "actor:alice OR -tenant_id:acme OR tenant_id:acme") { nodes { leafIndex } } }',
  "search with a restriction": () => '{ search(restriction: { actor: ["alice", "bob"] }) { nodes { leafIndex } } }',
  "entry by leaf index": () => inEach((at) => `entry(leafIndex: ${at}) { leafIndex }`),
  "entry by hash": () => inEach((at) => `entry(hash: ${hashAt(at)}) { leafIndex }`),
  node: () => inEach((at) => `node(id: ${entryId(at)}) { ... on Entry { leafIndex } }`),
  nodes: () => `{ nodes(ids: [${ALL.map(entryId).join(", ")}]) { ... on Entry { leafIndex } } }`,
  _entities: () => `{ _entities(representations: [${representations}]) { ... on Entry { leafIndex } } }`,
  "proofs of what is shown": () =>
    `{ nodes(ids: [${ALL.map(entryId).join(", ")}]) { ... on Entry { membershipProof { leafIndex } verification { membership { status } } } } }`,
};

/** Every leafIndex in an answer. */
function leafIndexes(data: unknown): readonly number[] {
  return Array.from(JSON.stringify(data).matchAll(/"leafIndex":"?(\d+)/g), ([, digits]) => Number(digits)).sort();
}

const TRIED = NAMES.filter((name) => name !== "good for a millisecond more");

describe.each(Object.keys(PATHS))("%s over HTTP", (path) => {
  test.each(TRIED)("shows a key with %s what it may see and nothing else", async (name) => {
    const { sees } = CREDENTIALS[name];
    const answer = await ask(name, PATHS[path]?.() ?? "");
    if (sees === "UNAUTHENTICATED") expect(answer).toMatchObject({ status: 401, codes: ["UNAUTHENTICATED"] });
    else if (sees === "FORBIDDEN") {
      expect(new Set(answer.codes)).toEqual(new Set(["FORBIDDEN"]));
      expect(leafIndexes(answer.data ?? null)).toEqual([]);
    } else expect({ shown: leafIndexes(answer.data), codes: answer.codes }).toEqual({ shown: sees, codes: [] });
  });
});

describe("a result over HTTP", () => {
  const resultOf = async (name: Name) => {
    const { data } = await ask(name, "{ search(first: 1) { id totalCount edges { cursor } } }");
    return (data as { search: { id: string; totalCount: number; edges: readonly { cursor: string }[] } }).search;
  };

  test("counts only what its maker may see, and continues for its maker", async () => {
    const { id, totalCount } = await resultOf("acme");
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
    const { id, edges } = await resultOf(maker);
    expect((await ask(user, `{ results(id: "${id}") { totalCount } }`)).codes).toEqual(["BAD_USER_INPUT"]);
    const byCursor = await ask(user, `{ search(after: "${edges[0]?.cursor ?? ""}") { totalCount } }`);
    expect(byCursor.codes).toEqual(["BAD_USER_INPUT"]);
  });
});

describe("logging over HTTP", () => {
  const log = (tenant?: string) =>
    `mutation { log(event: { message: "m"${tenant === undefined ? "" : `, tenantId: "${tenant}"`} }) {
       entry { event { tenantId } membershipProof { treeSize }
               verification { hash { status } membership { status } consistency { status } } }
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
  const token = (changes: Record<string, unknown>) => signed(issuer, { exp: Date.now() / 1_000 + 60, ...changes });

  test("asks for a credential before it reads a body", async () => {
    const response = await fetch(`${gateway.url}/graphql`, { method: "POST", body: "not even JSON" });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="auditql"');
  });

  test("tells who came with a wrong credential that it is invalid", async () => {
    const { status, headers } = await send("{ __typename }", { authorization: "Bearer wrong" });
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toMatch(/error="invalid_token"/);
  });

  test("lets in a token, bound to its tenant", async () => {
    const authorization = `Bearer ${await token({ tenant: "globex" })}`;
    const { data } = await send('{ search(query: "actor:alice OR actor:bob") { nodes { leafIndex } } }', {
      authorization,
    });
    expect(leafIndexes(data)).toEqual([2, 3]);
  });

  test("refuses a token without the tenant that every token must have", async () => {
    expect((await send("{ __typename }", { authorization: `Bearer ${await token({})}` })).status).toBe(401);
  });

  test("asks nobody for a credential to say that the gateway is up", async () => {
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  });

  test("answers 503, and lets nobody in, while the key file cannot be read", async () => {
    const apiKeys = join(folder, "lost.json");
    const { text } = await createKey(apiKeys, { name: "lost", scopes: ["audit:admin"] }, new Date());
    const access = await openAccess({ host: "127.0.0.1", apiKeys });
    const other = await openGateway({
      ...{ service, access, host: "127.0.0.1", port: 0, compileAtHit, graphiqlFolder: "/nonexistent" },
      logger: pino({ level: "silent" }),
    });
    await rm(apiKeys);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    const headers = { "content-type": "application/json", authorization: `Bearer ${text}` };
    const response = await fetch(`${other.url}/graphql`, { method: "POST", headers, body: '{"query":"{__typename}"}' });
    expect([response.status, await response.text()]).toEqual([503, expect.not.stringContaining("lost.json")]);
    await other.close(1_000);
  });
});
