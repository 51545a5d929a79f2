import { describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createClient } from "graphql-sse";
import { WebSocket } from "ws";
import { createKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import { fill } from "../engine/test-log.js";
import { FOLLOW, tailTest } from "./tail-test.js";

const tails = tailTest();

describe("the door of the live tail", () => {
  const json = { "content-type": "application/json", accept: "text/event-stream" };
  const get = `?query=${encodeURIComponent(FOLLOW)}`;

  test.each([
    { what: "a GET that a page of another site could make", method: "GET", headers: {}, status: 400 },
    {
      what: "a POST that a page of another site could make",
      method: "POST",
      headers: { "content-type": "text/plain" },
      status: 415,
    },
    {
      what: "a POST by a name that is not this machine's",
      method: "POST",
      headers: { ...json, host: "evil.example" },
      status: 403,
    },
    { what: "a body that is no JSON", method: "POST", headers: json, status: 400 },
  ])("refuses $what", async ({ method, headers, status }) => {
    const { url } = await tails.opened();
    expect(await statusOf(`${url}/graphql${method === "GET" ? get : ""}`, { method, headers, body: "{" })).toBe(status);
  });

  test("opens a stream for a GET that a browser had to ask leave for", async () => {
    await fill(tails.service, 1);
    const { url } = await tails.opened();
    const headers = { accept: "text/event-stream", "apollo-require-preflight": "1" };
    const variables = `&variables=${encodeURIComponent('{"from":0}')}`;
    const response = await fetch(`${url}/graphql${get}${variables}`, { headers });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const reader = (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("leafIndex")) text += (await reader.read()).value ?? "";
    expect(text).toBe(':\n\nevent: next\ndata: {"data":{"entryLogged":{"leafIndex":0}}}\n\n');
    await reader.cancel();
  });

  test("refuses the single connection mode of graphql-sse at once, and the client does not repeat it", async () => {
    const { url } = await tails.opened();
    const client = createClient({ singleConnection: true, url: `${url}/graphql` });
    tails.after(() => {
      client.dispose();
    });
    const refused = client.iterate({ query: "{ __typename }" }).next();
    await expect(refused).rejects.toMatchObject({ response: { status: 405 } });
    await expect(refused).rejects.toHaveProperty("message", "Server responded with 405: Method Not Allowed");
  });

  test("leaves a client that takes JSON as well to the ordinary endpoint", async () => {
    const { url } = await tails.opened();
    const headers = { ...json, accept: "application/json, text/event-stream" };
    const response = await fetch(`${url}/graphql`, { method: "POST", headers, body: '{"query":"{ __typename }"}' });
    expect(await response.json()).toEqual({ data: { __typename: "Query" } });
  });

  const own = "/graphql";

  test.each<{ what: string; path?: string; headers: Readonly<Record<string, string>>; status: number }>([
    { what: "opens for a program", headers: {}, status: 101 },
    { what: "is closed to a page of another site", headers: { origin: "https://evil.example" }, status: 403 },
    { what: "is closed to a page of another port", headers: { origin: "http://127.0.0.1:3000" }, status: 403 },
    { what: "is closed to a page without a site", headers: { origin: "null" }, status: 403 },
    { what: "is closed to a name that is not this machine's", headers: { host: "evil.example" }, status: 403 },
    { what: "is not elsewhere", path: "/", headers: {}, status: 404 },
  ])("a WebSocket $what", async ({ path = own, headers, status }) => {
    const { url } = await tails.opened();
    const socket = new WebSocket(`${url.replace("http", "ws")}${path}`, "graphql-transport-ws", { headers });
    expect(await upgraded(socket)).toBe(status);
  });

  describe("a WebSocket opens for a page", () => {
    const APP = "https://app.example.com";
    const HOME = "https://audit.example.com";

    test("that this gateway sent", async () => {
      const { url } = await tails.opened();
      const headers = { origin: url };
      expect(await upgradeOf(url, headers)).toBe(101);
    });

    test.each([
      { origin: APP, status: 101 },
      { origin: HOME, status: 101 },
      { origin: "https://evil.example", status: 403 },
      { origin: "http://app.example.com", status: 403 },
      { origin: `${APP}.evil.example`, status: 403 },
      { origin: "null", status: 403 },
    ])(
      "of a site that is listed, or the gateway's public one, and of no other: $origin $status",
      async ({ origin, status }) => {
        const { url } = await tails.opened({ corsOrigins: [APP], publicUrl: HOME });
        const headers = { origin };
        expect(await upgradeOf(url, headers)).toBe(status);
      },
    );

    test("of every site, where the list says so and a credential is asked for", async () => {
      const { url } = await tails.opened({ corsOrigins: ["*"], access: { kind: "required" } });
      const headers = { origin: "https://any.example" };
      expect(await upgradeOf(url, headers)).toBe(101);
    });

    test("of a listed site alone, where a credential is asked for too", async () => {
      const { url } = await tails.opened({ access: { kind: "required" } });
      const headers = { origin: "https://any.example" };
      expect(await upgradeOf(url, headers)).toBe(403);
    });
  });

  const SPOKEN = "graphql-transport-ws";
  const INIT = '{"type":"connection_init"}';
  const EARLY = '{"id":"1","type":"subscribe","payload":{"query":"{a}"}}';

  test.each<{ what: string; protocols?: string[]; sent: readonly string[]; code: number }>([
    { what: "no protocol that is known here", protocols: [], sent: [], code: 4406 },
    { what: "a subscription before it said who it is", sent: [EARLY], code: 4401 },
    { what: "two first messages", sent: [INIT, INIT], code: 4429 },
    { what: "what is no message", sent: ["hello"], code: 4400 },
    { what: "a message too large", sent: [`"${"x".repeat(300_000)}"`], code: 1009 },
  ])("closes a WebSocket of $what", async ({ protocols = [SPOKEN], sent, code }) => {
    const { url } = await tails.opened();
    const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, protocols);
    const closed = once(socket, "close");
    await once(socket, "open");
    for (const message of sent) socket.send(message);
    expect((await closed)[0]).toBe(code);
  });

  test("checks a credential in a WebSocket's headers before it opens", async () => {
    const apiKeys = join(await tails.folder(), "keys.json");
    const { text } = await createKey(apiKeys, { name: "reader", scopes: ["audit:read"] }, new Date());
    const { url } = await tails.opened({ access: await openAccess({ host: "127.0.0.1", apiKeys }) });
    const open = (authorization: string) => upgradeOf(url, { authorization });
    expect([await open(`Bearer ${text}`), await open("Bearer wrong")]).toEqual([101, 401]);
  });
});

test("a request that offers HTTP/2 on the way is answered as if it did not", async () => {
  const { url } = await tails.opened();
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const body = JSON.stringify({ query: "{ __typename }" });
  socket.write(
    "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n" +
      `http2-settings: AAEAAEAAAAIAAAAB\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n` +
      body.slice(0, 5),
  );
  // The rest comes when the server has read the beginning.
  setTimeout(() => socket.write(body.slice(5)), 50);
  expect(await answerOn(socket)).toMatch(/^HTTP\/1\.1 200 OK[^]*{"data":{"__typename":"Query"}}/);
  socket.write("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
  expect(await answerOn(socket)).toMatch(/^HTTP\/1\.1 200 OK[^]*"up"/);
  await once(socket, "close");
});

test.each([
  { what: "that offers HTTP/2 before another", order: ["h2c", "last"], statuses: ["200", "200"] },
  // The answer to the offer closes the connection, so that the client sends what came behind it again.
  {
    what: "that offers HTTP/2 behind others",
    order: ["plain", "plain", "h2c", "last"],
    statuses: ["200", "200", "200"],
  },
  { what: "that asks for a WebSocket behind another", order: ["plain", "websocket"], statuses: ["200", "404"] },
])("a request $what is answered, and so are they", async ({ order, statuses }) => {
  const { url } = await tails.opened();
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const text: string[] = [];
  const heads = new Map([
    ["plain", ""],
    ["last", "connection: close\r\n"],
  ]);
  for (const name of order) {
    const head = heads.get(name) ?? `connection: Upgrade\r\nupgrade: ${name}\r\n`;
    text.push(`GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n${head}\r\n`);
  }
  socket.write(text.join(""));
  let answers = "";
  for await (const chunk of socket) answers += String(chunk);
  expect([...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(statuses);
  expect(answers.toLowerCase().lastIndexOf("connection: close")).toBeGreaterThan(answers.lastIndexOf("HTTP/1.1"));
});

async function answerOn(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, "data")) as [Buffer];
  return chunk.toString();
}

/** By node:http, for fetch does not let a program choose its Host. */
async function statusOf(url: string, { method, headers, body }: { method: string; headers: object; body: string }) {
  const sent = request(url, { method, headers: { accept: "text/event-stream", ...headers } });
  sent.end(method === "GET" ? undefined : body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.destroy();
  return response.statusCode;
}

/** The status that a WebSocket is answered with. */
const upgradeOf = (url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> =>
  upgraded(new WebSocket(`${url.replace("http", "ws")}/graphql`, "graphql-transport-ws", { headers }));

async function upgraded(socket: WebSocket): Promise<number | undefined> {
  tails.after(() => {
    socket.terminate();
  });
  return new Promise((resolve) => {
    socket.on("open", () => {
      resolve(101);
    });
    socket.on("error", () => undefined);
    socket.on("unexpected-response", (_, response) => {
      resolve(response.statusCode);
    });
  });
}
