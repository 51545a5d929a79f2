import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { AuditService } from "../../src/audit/service.js";
import { openGateway, type Gateway } from "../../src/http/gateway.js";
import { openTestService } from "../engine/test-log.js";

const MAX_BODY_BYTES = 1000;
const JSON_TYPE = "application/json";
const json = { "content-type": JSON_TYPE };

let folder: string;
let service: AuditService;
let gateway: Gateway;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-http-"));
  await writeFile(join(folder, "index.html"), "<!doctype html><title>GraphiQL</title>");
  service = await openTestService();
  gateway = await openGateway({
    service,
    ...{ host: "127.0.0.1", port: 0, compileAtHit: Infinity, maxBodyBytes: MAX_BODY_BYTES },
    logger: pino({ level: "silent" }),
    graphiqlFolder: folder,
  });
});

afterAll(async () => {
  await gateway.close(1000);
  await service.close();
  await rm(folder, { recursive: true });
});

async function request(path: string, init: RequestInit = {}) {
  const response = await fetch(gateway.url + path, { redirect: "manual", ...init });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

const post = (body: string | Buffer, headers: Record<string, string> = json) =>
  request("/graphql", { method: "POST", headers, body });

/** The code of the one error of an answer. */
function code(body: string): unknown {
  const { errors } = JSON.parse(body) as { errors: readonly { readonly extensions: { readonly code: string } }[] };
  return errors.length === 1 ? errors[0]?.extensions.code : errors;
}

/** Sends bytes that no HTTP client would, and answers the first line of what comes back. */
async function raw(text: string): Promise<string> {
  return (await rawAnswer(text)).split("\r\n", 1)[0] ?? "";
}

async function rawAnswer(text: string): Promise<string> {
  const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  await once(socket, "connect");
  socket.write(text);
  const [chunk] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return chunk.toString();
}

describe("GraphQL over HTTP", () => {
  test("answers a POST, not to be kept or guessed at by a browser", async () => {
    const { status, headers, body } = await post('{"query":"{ __typename }"}');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({ data: { __typename: "Query" } });
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("answers a GET only to clients that a foreign page cannot make a browser be", async () => {
    const path = "/graphql?query=%7B__typename%7D";
    expect((await request(path)).status).toBe(400);
    expect((await request(path, { headers: { authorization: "Basic YTpi" } })).status).toBe(400);
    for (const [name, value] of [
      ["apollo-require-preflight", "1"],
      ["x-apollo-operation-name", "Size"],
      ["authorization", "Bearer any"],
    ] as const)
      expect((await request(path, { headers: { [name]: value } })).status).toBe(200);
  });

  test("shows GraphiQL to who opens its address in a browser", async () => {
    const accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    const { status, headers } = await request("/graphql", { headers: { accept }, redirect: "manual" });
    expect([status, headers.get("location")]).toEqual([303, "/graphiql/"]);
    const asked = await request("/graphql?query=%7B__typename%7D", { headers: { accept }, redirect: "manual" });
    expect(asked.status).toBe(400);
  });

  test("does nothing for who would not take the answer", async () => {
    const body = JSON.stringify({ query: 'mutation { log(event: { message: "m" }) { root { treeSize } } }' });
    const { status, body: answer } = await post(body, { ...json, accept: "text/html" });
    expect([status, code(answer)]).toEqual([406, "NOT_ACCEPTABLE"]);
    expect((await service.root("default")).treeSize).toBe(0);
  });

  test("refuses a mutation by GET", async () => {
    const query = encodeURIComponent('mutation { log(event: { message: "m" }) { root { treeSize } } }');
    const init = { headers: { "apollo-require-preflight": "1" } };
    const { status, headers, body } = await request(`/graphql?query=${query}`, init);
    expect({ status, allow: headers.get("allow"), code: code(body) }).toEqual({
      status: 405,
      allow: "POST",
      code: "METHOD_NOT_ALLOWED",
    });
  });

  test.each<[string, number, string | Buffer, Record<string, string>?]>([
    ["what is no JSON", 400, '{"query":'],
    ["bytes that are not UTF-8", 400, Buffer.from([0x7b, 0xff, 0x7d])],
    ["a batch of operations", 400, '[{"query":"{__typename}"}]'],
    ["a body without a query", 400, "{}"],
    ["plain text, which a foreign page could send", 415, '{"query":"{__typename}"}', { "content-type": "text/plain" }],
    ["a document without JSON around it", 415, "{__typename}", { "content-type": "application/graphql" }],
    ["JSON that is not in UTF-8", 415, '{"query":"{__typename}"}', { "content-type": `${JSON_TYPE}; charset=utf-16` }],
    ["bytes of no type", 415, Buffer.from('{"query":"{__typename}"}'), {}],
    ["a compressed body", 415, "x", { ...json, "content-encoding": "gzip" }],
  ])("refuses %s", async (...[, status, body, headers = json]) => {
    expect((await post(body, headers)).status).toBe(status);
  });

  test.each(["", "; charset=utf-8", '; Charset="UTF-8"'])("takes application/json%s", async (parameter) => {
    const { status } = await post('{"query":"{__typename}"}', { "content-type": `${JSON_TYPE}${parameter}` });
    expect(status).toBe(200);
  });

  test("says what is wrong with the type of a body", async () => {
    const { body } = await post("{}", { "content-type": `${JSON_TYPE}; charset=latin1` });
    expect(JSON.parse(body)).toEqual({
      errors: [
        {
          message: "send the operation as application/json in UTF-8",
          extensions: { code: "UNSUPPORTED_MEDIA_TYPE" },
        },
      ],
    });
  });

  test("says of a batch of operations what to do instead", async () => {
    const { body } = await post('[{"query":"{__typename}"},{"query":"{__typename}"}]');
    expect(body).toContain(
      "a batch of operations is not taken, here one of 2: send each in a request of its own, or many events with logBulk",
    );
  });

  test("takes a body up to the limit", async () => {
    const query = JSON.stringify({ query: "{__typename}" });
    expect((await post(query.padEnd(MAX_BODY_BYTES))).status).toBe(200);
    expect(code((await post(query.padEnd(MAX_BODY_BYTES + 1))).body)).toBe("PAYLOAD_TOO_LARGE");
  });

  test("counts the bytes of a body that does not say its length", async () => {
    const chunk = `${"1".padStart(500)}\r\n`;
    const head =
      "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    const line = await raw(`${head}${`1f6\r\n${chunk}\r\n`.repeat(3)}0\r\n\r\n`);
    expect(line).toBe("HTTP/1.1 413 Payload Too Large");
  });

  test("refuses other methods, naming those it has", async () => {
    const { status, headers, body } = await request("/graphql", { method: "PUT", body: "{}" });
    expect({ status, allow: headers.get("allow"), code: code(body) }).toEqual({
      status: 405,
      allow: "GET, POST",
      code: "METHOD_NOT_ALLOWED",
    });
  });
});

describe("GraphiQL", () => {
  test("is at /graphiql/ under a strict policy, and / and /graphiql lead there", async () => {
    const { status, headers, body } = await request("/graphiql/");
    expect(status).toBe(200);
    expect(body).toContain("<title>GraphiQL</title>");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    for (const path of ["/", "/graphiql"]) {
      expect((await request(path)).headers.get("location")).toBe("/graphiql/");
    }
  });

  test("has nothing outside of its folder", async () => {
    for (const path of [
      "/graphiql/../package.json",
      "/graphiql/%2e%2e/package.json",
      "//graphiql/",
      "/graphiql/x.js",
    ]) {
      expect(await raw(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`)).toBe("HTTP/1.1 404 Not Found");
    }
  });
});

describe("what is no request", () => {
  const POST = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

  test.each([
    ["other bytes", "\u0016\u0003\u0001 hello\r\n\r\n", "400 Bad Request", "BAD_REQUEST"],
    [
      "a body of two lengths",
      `${POST}content-length: 5\r\ncontent-length: 6\r\n\r\n{}`,
      "400 Bad Request",
      "BAD_REQUEST",
    ],
    [
      "a body framed in two ways, of which a proxy may read the other",
      `${POST}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n`,
      "400 Bad Request",
      "BAD_REQUEST",
    ],
    ["a folded header", `${POST}a: b\r\n c\r\ntransfer-encoding : chunked\r\n\r\n`, "400 Bad Request", "BAD_REQUEST"],
    [
      "a head that is too long",
      `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${"x".repeat(20_000)}\r\n\r\n`,
      "431 Request Header Fields Too Large",
      "HEADERS_TOO_LARGE",
    ],
  ])("is refused in the shape of all refusals, and its connection closed: %s", async (...[, text, line, expected]) => {
    const [head = "", body = ""] = (await rawAnswer(text)).split("\r\n\r\n", 2);
    expect(head).toContain(`HTTP/1.1 ${line}\r\n`);
    expect(head).toContain("connection: close");
    expect(code(body)).toBe(expected);
  });
});

describe("the rest of the gateway", () => {
  test("answers a health check by GET and HEAD", async () => {
    expect(JSON.parse((await request("/healthz")).body)).toEqual({ status: "up" });
    expect((await request("/healthz", { method: "HEAD" })).body).toBe("");
  });

  test("is ready while the log answers", async () => {
    expect((await request("/readyz")).status).toBe(200);
  });

  test("answers an unknown path in JSON", async () => {
    const { status, body } = await request("/nope");
    expect(status).toBe(404);
    expect(code(body)).toBe("NOT_FOUND");
  });
});

test("a gateway without credentials answers no page that made its own name mean this machine", async () => {
  const body = '{"query":"{__typename}"}';
  const head = `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const lineFor = (host: string) => raw(`POST /graphql HTTP/1.1\r\nhost: ${host}\r\n${head}${body}`);
  expect(await lineFor("evil.example:4000")).toBe("HTTP/1.1 403 Forbidden");
  expect(await lineFor("localhost:4000")).toBe("HTTP/1.1 200 OK");
});

test("a gateway without credentials is not opened where other machines reach it", async () => {
  const options = { host: "0.0.0.0", port: 0, compileAtHit: Infinity, graphiqlFolder: "/nonexistent" };
  await expect(openGateway({ service, ...options, logger: pino({ level: "silent" }) })).rejects.toThrow(
    /^refusing to listen on 0\.0\.0\.0 without authentication/,
  );
});

test("a gateway whose log does not answer is up and not ready", async () => {
  const down: AuditService = { ...service, root: () => Promise.reject(new Error("down")) };
  const other = await openGateway({
    service: down,
    ...{ host: "127.0.0.1", port: 0, compileAtHit: Infinity, graphiqlFolder: "/nonexistent" },
    logger: pino({ level: "silent" }),
  });
  const statuses = await Promise.all(["/healthz", "/readyz", "/graphiql/"].map((path) => fetch(other.url + path)));
  expect(statuses.map(({ status }) => status)).toEqual([200, 503, 404]);
  await other.close(1000);
});
