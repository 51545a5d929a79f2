import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { Metrics } from "../../src/operations/metrics.js";
import { openTestService } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "../graphql/gateway.js";
import { keptLines } from "./kept-lines.js";

const SECRET = "hunter2";
const ID = "edge-7:42";
const JSON_TYPE = { "content-type": "application/json" };

describe("a request that is refused before an operation begins", () => {
  const metrics = new Metrics();
  const { logger, lines, text, forget } = keptLines();
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await testGateway(await openTestService(), {
      ...{ logger, metrics, maxBodyBytes: 1_000 },
      access: { kind: "required" },
      metricsPolicy: "open",
    });
  });

  beforeEach(forget);

  afterAll(async () => {
    await gateway.close();
  });

  const refused = async (entrance: string, code: string): Promise<number> => {
    const line = new RegExp(`^auditql_refused_requests_total{entrance="${entrance}",code="${code}"} (\\d+)$`, "m");
    return Number(line.exec(await metrics.text())?.[1] ?? 0);
  };

  const send = async (path: string, init: RequestInit): Promise<number> => {
    const headers = { "x-request-id": ID, ...Object.fromEntries(new Headers(init.headers)) };
    const response = await fetch(`${gateway.url}${path}`, { ...init, headers });
    await response.text();
    return response.status;
  };

  test.each<{ what: string; path?: string; init: RequestInit; entrance: string; code: string; status: number }>([
    {
      what: "without a credential",
      init: { method: "POST", headers: JSON_TYPE, body: `{"query":"{ ${SECRET} }"}` },
      ...{ entrance: "graphql", code: "UNAUTHENTICATED", status: 401 },
    },
    {
      what: "with a credential that is not accepted",
      init: { method: "POST", headers: { ...JSON_TYPE, authorization: `Bearer ${SECRET}` }, body: "{}" },
      ...{ entrance: "graphql", code: "UNAUTHENTICATED", status: 401 },
    },
    {
      what: "by a method that is not possible",
      init: { method: "DELETE" },
      ...{ entrance: "graphql", code: "METHOD_NOT_ALLOWED", status: 405 },
    },
    {
      what: "for a stream, without a credential",
      init: { method: "POST", headers: { ...JSON_TYPE, accept: "text/event-stream" }, body: "{}" },
      ...{ entrance: "graphql", code: "UNAUTHENTICATED", status: 401 },
    },
    {
      what: "for a file, by a link that is none",
      path: `/downloads/${SECRET}`,
      init: {},
      ...{ entrance: "downloads", code: "NOT_FOUND", status: 404 },
    },
    {
      what: "for a page that is not there",
      path: `/wp-login.php?${SECRET}`,
      init: {},
      ...{ entrance: "page", code: "NOT_FOUND", status: 404 },
    },
  ])("$what leaves a line and is counted", async ({ path = "/graphql", init, entrance, code, status }) => {
    const before = await refused(entrance, code);
    expect(await send(path, init)).toBe(status);
    expect(lines()).toMatchObject([
      { level: 30, entrance, code, status, requestId: ID, address: "127.0.0.1", msg: "refused" },
    ]);
    expect(text()).not.toContain(SECRET);
    expect(await refused(entrance, code)).toBe(before + 1);
  });

  test.each(["application/json", "text/event-stream"])(
    "is told so before any of its body comes (%s)",
    async (accept) => {
      const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
      socket.write(
        `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: ${accept}\r\n` +
          "content-type: application/json\r\ncontent-length: 900\r\n\r\n",
      );
      const [chunk] = (await once(socket, "data")) as [Buffer];
      expect(chunk.toString()).toMatch(/^HTTP\/1\.1 401 /);
      socket.destroy();
    },
  );

  test("on its way to a WebSocket leaves a line and is counted, and is answered with its id", async () => {
    const headers = { authorization: `Bearer ${SECRET}`, "x-request-id": ID };
    const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/graphql`, "graphql-transport-ws", { headers });
    socket.on("error", () => undefined);
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
    expect([response.statusCode, response.headers["x-request-id"]]).toEqual([401, ID]);
    const recorded = { entrance: "websocket", code: "UNAUTHENTICATED", status: 401, requestId: ID };
    expect(lines()).toMatchObject([{ ...recorded, msg: "refused" }]);
    expect(await refused("websocket", "UNAUTHENTICATED")).toBe(1);
    socket.terminate();
  });

  test("by the first message of a WebSocket leaves a line and is counted", async () => {
    const options = { headers: { "x-request-id": ID } };
    const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/graphql`, "graphql-transport-ws", options);
    await once(socket, "open");
    socket.send(JSON.stringify({ type: "connection_init", payload: { authorization: `Bearer ${SECRET}` } }));
    expect((await once(socket, "close"))[0]).toBe(4403);
    expect(lines()).toMatchObject([{ entrance: "websocket", code: "UNAUTHENTICATED", requestId: ID }]);
    expect(text()).not.toContain(SECRET);
    expect(await refused("websocket", "UNAUTHENTICATED")).toBe(2);
  });
});

describe("the address of a refused request", () => {
  const lineBehind = async (trustedProxies: readonly string[]): Promise<unknown> => {
    const { logger, lines } = keptLines();
    const gateway = await testGateway(await openTestService(), { logger, trustedProxies });
    await fetch(`${gateway.url}/nothing`, { headers: { "x-forwarded-for": "198.51.100.9, 203.0.113.7" } });
    await gateway.close();
    return lines()[0];
  };

  test("is what a trusted proxy says, as far as it saw it", async () => {
    expect(await lineBehind(["127.0.0.0/8"])).toMatchObject({ address: "203.0.113.7" });
  });

  test("is the connection's where nobody is trusted, or another", async () => {
    expect(await lineBehind([])).toMatchObject({ address: "127.0.0.1" });
    expect(await lineBehind(["10.0.0.0/8"])).toMatchObject({ address: "127.0.0.1" });
  });
});

describe("where nobody is asked for a credential, a request", () => {
  const metrics = new Metrics();
  const { logger, lines, text, forget } = keptLines();
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await testGateway(await openTestService(), { logger, metrics, maxBodyBytes: 1_000 });
  });

  beforeEach(forget);

  afterAll(async () => {
    await gateway.close();
  });

  test.each<{ what: string; init: RequestInit; code: string; status: number }>([
    {
      what: "whose body is too long",
      init: { method: "POST", headers: JSON_TYPE, body: `"${SECRET.repeat(200)}"` },
      ...{ code: "PAYLOAD_TOO_LARGE", status: 413 },
    },
    {
      what: "whose body is no JSON",
      init: { method: "POST", headers: JSON_TYPE, body: SECRET },
      ...{ code: "BAD_REQUEST", status: 400 },
    },
    {
      what: "of many operations",
      init: { method: "POST", headers: JSON_TYPE, body: `[{"query":"{ ${SECRET} }"}]` },
      ...{ code: "BAD_REQUEST", status: 400 },
    },
    {
      what: "that is packed",
      init: { method: "POST", headers: { ...JSON_TYPE, "content-encoding": "gzip" }, body: SECRET },
      ...{ code: "UNSUPPORTED_MEDIA_TYPE", status: 415 },
    },
    {
      what: "that a page of another site could send",
      init: { method: "POST", headers: { "content-type": "text/plain" }, body: `{"query":"{ ${SECRET} }"}` },
      ...{ code: "UNSUPPORTED_MEDIA_TYPE", status: 415 },
    },
    {
      what: "for a kind of answer that there is none of",
      init: {
        method: "POST",
        headers: { ...JSON_TYPE, accept: "image/png" },
        body: '{"query":"{ __typename }"}',
      },
      ...{ code: "NOT_ACCEPTABLE", status: 406 },
    },
  ])("$what leaves one line", async ({ init, code, status }) => {
    const response = await fetch(`${gateway.url}/graphql`, init);
    await response.text();
    expect(response.status).toBe(status);
    expect(lines()).toMatchObject([
      { entrance: "graphql", code, status, requestId: response.headers.get("x-request-id"), msg: "refused" },
    ]);
    expect(text()).not.toContain(SECRET);
  });

  test.each([
    ["is missing", '{"variables":{}}', "BAD_REQUEST"],
    ["is wrong", '{"query":"{ nothing }"}', "GRAPHQL_VALIDATION_FAILED"],
    ["is no GraphQL", '{"query":"{"}', "GRAPHQL_PARSE_FAILED"],
    [
      "is not known by its hash",
      `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"${"0".repeat(64)}"}}}`,
      "PERSISTED_QUERY_NOT_FOUND",
    ],
    [
      "has another hash than it says",
      `{"query":"{ root { hash } }","extensions":{"persistedQuery":{"version":1,"sha256Hash":"${"0".repeat(64)}"}}}`,
      "BAD_REQUEST",
    ],
    [
      "is named in another way than ours",
      `{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"${"0".repeat(64)}"}}}`,
      "BAD_REQUEST",
    ],
  ])("whose operation %s leaves the line of an operation, and no other", async (_what, body, code) => {
    await (await fetch(`${gateway.url}/graphql`, { method: "POST", headers: JSON_TYPE, body })).text();
    expect(lines()).toMatchObject([{ code, msg: "operation" }]);
  });

  test("whose sender leaves in the middle of the body is no failure of ours", async () => {
    const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nx-request-id: ${ID}\r\n` +
        "content-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    );
    await once(socket, "ready");
    setTimeout(() => socket.destroy(), 50);
    while (lines().length === 0) await sleep(5);
    expect(lines()).toMatchObject([{ level: 30, entrance: "graphql", code: "BAD_REQUEST", requestId: ID }]);
  });

  test("that is answered is none of them", async () => {
    for (const path of ["/healthz", "/readyz", "/"])
      await (await fetch(`${gateway.url}${path}`, { redirect: "manual" })).text();
    const post = { method: "POST", headers: JSON_TYPE, body: '{"query":"{ __typename }"}' };
    await (await fetch(`${gateway.url}/graphql`, post)).text();
    expect(lines()).toMatchObject([{ msg: "operation" }]);
    expect(await metrics.text()).not.toMatch(/^auditql_refused_requests_total{[^}]*page.* [1-9]/m);
  });

  test("is counted under a name from a list, whatever it was for", async () => {
    for (let i = 0; i < 20; i++) await (await fetch(`${gateway.url}/${SECRET}${i}`)).text();
    const counted = (await metrics.text()).match(/^auditql_refused_requests_total{entrance="page".*$/gm);
    expect(counted).toEqual([
      'auditql_refused_requests_total{entrance="page",code="UNAUTHENTICATED"} 0',
      'auditql_refused_requests_total{entrance="page",code="NOT_FOUND"} 20',
    ]);
  });

  test("is answered with an id that pages of other sites may read too", async () => {
    const sent = request(`${gateway.url}/nothing`, { headers: { "x-request-id": ID } }).end();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    response.resume();
    expect(response.headers["x-request-id"]).toBe(ID);
  });
});
