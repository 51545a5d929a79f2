import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { apiKeyText, newApiKey } from "../../src/access/api-key.js";
import { createKey, revokeKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import type { Principal } from "../../src/audit/principal.js";
import { sealLink } from "../../src/downloads/link.js";
import { AUDIENCE, ISSUER, issuerKey, signed, type IssuerKey } from "../access/issuer.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { sealer } from "./download-client.js";
import { keptLines, type Line } from "./kept-lines.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLED = { "x-request-id": "edge-7:42", traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
const JSON_TYPE = { "content-type": "application/json" };
const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` });

const { logger, lines, text, forget } = keptLines();
let folder: string;
let gateway: TestGateway;
let issuer: IssuerKey;
const keys = { reader: { id: "", text: "" }, revoked: { id: "", text: "" }, expired: { id: "", text: "" } };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-senders-"));
  const apiKeys = join(folder, "keys.json");
  for (const name of ["reader", "revoked", "expired"] as const) {
    const end = name === "expired" ? { expiresAt: "2020-01-01T00:00:00Z" } : {};
    const made = await createKey(apiKeys, { name, scopes: ["audit:read"], ...end }, new Date());
    keys[name] = { id: made.stored.id, text: made.text };
  }
  await revokeKey(apiKeys, keys.revoked.id, new Date());
  issuer = await issuerKey("EdDSA", "ed-1");
  const jwks = join(folder, "jwks.json");
  await writeFile(jwks, JSON.stringify({ keys: [issuer.publicJwk] }));
  const access = await openAccess({ host: "127.0.0.1", apiKeys, jwt: { jwks, issuer: ISSUER, audience: AUDIENCE } });
  const log = { log: "pangea", format: "pangea" } as const;
  const service = await openTestService({ logs: [{ log: "default", format: "rfc6962" }, log] });
  gateway = await testGateway(service, { logger, access, sealer, pangeaLogs: ["pangea"], maxBodyBytes: 1_000 });
});

beforeEach(forget);

afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

interface Sent {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The one line of a request that is refused. */
async function lineOf(path: string, init: Sent): Promise<Line> {
  const response = await fetch(gateway.url + path, { ...init, headers: { ...CALLED, ...init.headers } });
  await response.text();
  expect(lines()).toHaveLength(1);
  return lines()[0] ?? {};
}

const readerId = () => keys.reader.id;

const ask = (authorization: Readonly<Record<string, string>>): Sent => ({
  ...{ method: "POST", body: '{"query":"{ __typename }"}' },
  headers: { ...JSON_TYPE, ...authorization },
});

describe("the line of a request whose credential is not accepted", () => {
  test("says that it had none", async () => {
    const line = await lineOf("/graphql", ask({}));
    expect(line).toMatchObject({ code: "UNAUTHENTICATED", reason: "missing", traceId: TRACE });
    expect(line).not.toHaveProperty("credential");
  });

  test.each([
    { what: "a revoked key", sent: () => keys.revoked.text, reason: "wrong", id: () => keys.revoked.id },
    { what: "a key that has expired", sent: () => keys.expired.text, reason: "expired", id: () => keys.expired.id },
    { what: "a key cut in copying", sent: () => keys.reader.text.slice(0, -9), reason: "damaged", id: readerId },
    { what: "a good key's id with another secret", sent: () => otherSecret(readerId()), reason: "wrong", id: readerId },
  ])("names $what, and has nothing of its secret", async ({ sent, reason, id }) => {
    const credential = sent();
    const line = await lineOf("/graphql", ask(bearer(credential)));
    const sender = { credential: `api-key:${id()}`, address: "127.0.0.1", requestId: "edge-7:42", traceId: TRACE };
    expect(line).toMatchObject({ msg: "refused", entrance: "graphql", code: "UNAUTHENTICATED", reason, ...sender });
    expect(text()).not.toContain(credential.slice(17, 40));
  });

  test("names the subject of a token that has expired, for its issuer vouched for it", async () => {
    const line = await lineOf("/graphql", ask(bearer(await signed(issuer, { sub: "deploy", exp: 1 }))));
    expect(line).toMatchObject({ reason: "expired", credential: "jwt:deploy" });
  });

  test("names no subject that nobody vouched for", async () => {
    const stranger = await issuerKey("EdDSA", "ed-1");
    const line = await lineOf("/graphql", ask(bearer(await signed(stranger, { sub: "deploy", exp: 1 }))));
    expect(line).toMatchObject({ reason: "wrong" });
    expect(line).not.toHaveProperty("credential");
  });
});

function otherSecret(id: string): string {
  return apiKeyText({ id, secret: newApiKey().secret });
}

describe("the line of a refused request", () => {
  const known = () => ({ credential: `api-key:${keys.reader.id}`, address: "127.0.0.1", traceId: TRACE });
  const long = `{"query":"${"x".repeat(1_200)}"}`;

  test.each<{ what: string; path: string; init: Sent; entrance: string; code: string }>([
    {
      what: "to GraphQL",
      path: "/graphql",
      init: { method: "POST", body: long, headers: JSON_TYPE },
      ...{ entrance: "graphql", code: "PAYLOAD_TOO_LARGE" },
    },
    {
      what: "to GraphQL, by Apollo",
      path: "/graphql?query=%7B__typename%7D&extensions=x",
      init: { headers: { "apollo-require-preflight": "1" } },
      ...{ entrance: "graphql", code: "BAD_REQUEST" },
    },
    {
      what: "for a stream",
      path: "/graphql",
      init: { method: "POST", body: long, headers: { ...JSON_TYPE, accept: "text/event-stream" } },
      ...{ entrance: "graphql", code: "PAYLOAD_TOO_LARGE" },
    },
    {
      what: "of the Pangea protocol",
      path: "/v1/log",
      init: { method: "POST", body: "{}", headers: { "content-type": "text/plain" } },
      ...{ entrance: "pangea", code: "UNSUPPORTED_MEDIA_TYPE" },
    },
    { what: "for the metrics", path: "/metrics", init: {}, entrance: "metrics", code: "FORBIDDEN" },
  ])("$what names the credential that was accepted, and its trace", async ({ path, init, entrance, code }) => {
    const line = await lineOf(path, { ...init, headers: { ...bearer(keys.reader.text), ...init.headers } });
    expect(line).toMatchObject({ msg: "refused", entrance, code, ...known() });
    expect(line).not.toHaveProperty("reason");
  });

  test("for a file names the maker of its link", async () => {
    const { result } = await gateway.service.search({ log: "default", query: "" }, { first: 0 });
    const principal: Principal = { id: `api-key:${keys.revoked.id}`, kind: "api-key", scopes: new Set(["audit:read"]) };
    const claims = { principal, id: result.id, everyMatch: true, format: "NDJSON" } as const;
    const link = sealLink(sealer, { ...claims, expiresAtMs: Date.now() + 60_000 });
    const line = await lineOf(`/downloads/${link}`, {});
    expect(line).toMatchObject({ entrance: "downloads", code: "FORBIDDEN", credential: principal.id, traceId: TRACE });
  });

  test("by the first message of a WebSocket names the key in it", async () => {
    const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/graphql`, "graphql-transport-ws", {
      headers: CALLED,
    });
    await once(socket, "open");
    socket.send(JSON.stringify({ type: "connection_init", payload: bearer(keys.revoked.text) }));
    await once(socket, "close");
    const sender = { credential: `api-key:${keys.revoked.id}`, reason: "wrong", traceId: TRACE };
    expect(lines()).toMatchObject([{ entrance: "websocket", code: "UNAUTHENTICATED", ...sender }]);
  });

  test("that is none of HTTP names the address that it came from, and the id that it was answered with", async () => {
    const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
    socket.write("hello\r\n\r\n");
    const [chunk] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    const [, requestId = ""] = /^x-request-id: (\S+)\r$/m.exec(chunk.toString()) ?? [];
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(lines()).toMatchObject([{ entrance: "connection", code: "BAD_REQUEST", address: "127.0.0.1", requestId }]);
  });
});

test.each([
  ["no trace", "garbage"],
  ["the trace that stands for none", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`],
  ["a version that is none", `ff-${TRACE}-00f067aa0ba902b7-01`],
  ["text in place of a trace", `00-${"G".repeat(32)}-00f067aa0ba902b7-01`],
])("a line has no trace where the header has %s", async (_what, traceparent) => {
  const line = await lineOf("/graphql", { method: "DELETE", headers: { traceparent } });
  expect(line).toMatchObject({ code: "METHOD_NOT_ALLOWED" });
  expect(line).not.toHaveProperty("traceId");
});

test("the line of an operation has its trace too", async () => {
  const line = await lineOf("/graphql", ask(bearer(keys.reader.text)));
  expect(line).toMatchObject({ msg: "operation", credential: `api-key:${keys.reader.id}`, traceId: TRACE });
});
