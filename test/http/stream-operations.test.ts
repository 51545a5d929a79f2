import { describe, expect, test } from "@jest/globals";
import { join } from "node:path";
import { pino } from "pino";
import { createKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import type { AuditService } from "../../src/audit/service.js";
import type { Gateway } from "../../src/http/gateway.js";
import { fill } from "../engine/test-log.js";
import { replaced } from "../graphql/watched.js";
import { RawSocket } from "./raw-socket.js";
import { transports, type Subscribing, type Transport } from "./tail-clients.js";
import { FOLLOW, tailTest } from "./tail-test.js";

const tails = tailTest();
const LOG = "mutation Log($message: AuditEventValue!) { log(event: { message: $message }) { entry { leafIndex } } }";
const ROOT = "query Size { root { treeSize } }";

type Credential = Readonly<Record<string, string>>;

/** What a client of the transport is told: every result, or what it is refused with. */
async function told(
  transport: Transport | "POST",
  gateway: Gateway,
  { credential = {}, ...sent }: Subscribing & { readonly credential?: Credential },
): Promise<unknown> {
  if (transport === "POST") {
    const headers = { "content-type": "application/json", ...credential };
    const response = await fetch(`${gateway.url}/graphql`, { method: "POST", headers, body: JSON.stringify(sent) });
    return response.json();
  }
  const results: unknown[] = [];
  try {
    for await (const result of tails.client(transport, gateway, credential).iterate(sent)) results.push(result);
  } catch (errors) {
    return { errors };
  }
  expect(results).toHaveLength(1);
  return results[0];
}

describe.each(transports)("over %s", (transport) => {
  test("a query has one result, and so has a mutation", async () => {
    const gateway = await tails.opened();
    expect(await told(transport, gateway, { query: LOG, variables: { message: "m" } })).toEqual({
      data: { log: { entry: { leafIndex: 0 } } },
    });
    expect(await told(transport, gateway, { query: ROOT })).toEqual({ data: { root: { treeSize: 1 } } });
  });

  test.each([
    { what: "an unknown field", query: "{ nope }" },
    { what: "too high a cost", query: "{ search { nodes { a: search { nodes { canonical } } } } }" },
    { what: "a variable of another type", query: "query ($i: AuditLeafIndex!) { entry(leafIndex: $i) { canonical } }" },
    { what: "an event that is no event", query: LOG, variables: { message: null } },
  ])("the errors of $what are those of POST", async ({ query, variables = {} }) => {
    const gateway = await tails.opened();
    const post = await told("POST", gateway, { query, variables });
    expect(post).toHaveProperty("errors");
    expect(await told(transport, gateway, { query, variables })).toEqual(post);
  });

  test("a credential may do what it may by POST, and its events count against one rate", async () => {
    const path = join(await tails.folder(), "keys.json");
    const keyOf = async (scopes: readonly ("audit:read" | "audit:log")[]) => {
      const { text } = await createKey(path, { name: "key", scopes: [...scopes] }, new Date());
      return { authorization: `Bearer ${text}` };
    };
    const [reader, writer] = [await keyOf(["audit:read"]), await keyOf(["audit:log"])];
    const access = await openAccess({ host: "127.0.0.1", apiKeys: path });
    const gateway = await tails.opened({ access, eventRate: { capacity: 2, eventsPerSecond: 0.001 } });
    const log = { query: LOG, variables: { message: "m" } };
    expect(await told(transport, gateway, { ...log, credential: reader })).toMatchObject({
      errors: [{ extensions: { code: "FORBIDDEN" } }],
    });
    expect(await told("POST", gateway, { ...log, credential: writer })).toHaveProperty("data.log.entry");
    expect(await told(transport, gateway, { ...log, credential: writer })).toHaveProperty("data.log.entry");
    expect(await told(transport, gateway, { ...log, credential: writer })).toMatchObject({
      errors: [{ extensions: { code: "RATE_LIMITED" } }],
    });
  });

  test("leaves the line in the log that it leaves over POST", async () => {
    const lines: string[] = [];
    const logger = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
    const gateway = await tails.opened({ logger });
    for (const by of ["POST", transport] as const) await told(by, gateway, { query: ROOT });
    const [first, second] = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === "operation")
      .map(({ operation, type, code, credential }) => ({ operation, type, code, credential }));
    expect(second).toEqual({ operation: "Size", type: "query", code: "OK", credential: "loopback" });
    expect(first).toEqual(second);
  });

  test("an operation has the deadline of a request", async () => {
    const never = replaced(tails.service, { root: () => new Promise(() => undefined) });
    const gateway = await tails.opened({ requestTimeoutMs: 50 }, never);
    const late = await told(transport, gateway, { query: ROOT });
    expect(JSON.stringify(late)).toContain("took longer than 50 ms");
  });
});

test("a number that a double does not hold is refused in a message of a WebSocket too", async () => {
  const socket = await RawSocket.open((await tails.opened()).url);
  tails.after(() => {
    socket.socket.terminate();
  });
  await socket.initialise();
  const payload = JSON.stringify({ query: LOG, variables: { message: 0 } }).replace(":0}", ":12345678901234567890}");
  socket.socket.send(`{"id":"1","type":"subscribe","payload":${payload}}`);
  const { type, payload: errors } = await socket.until(({ id }) => id === "1");
  expect(type).toBe("next");
  expect(JSON.stringify(errors)).toContain("12345678901234567890");
});

test("a stopping gateway finishes the mutations of a WebSocket, and ends its subscriptions", async () => {
  await fill(tails.service, 1);
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const append: AuditService["append"] = async (...args) => {
    begin();
    await finished;
    return tails.service.append(...args);
  };
  const gateway = await tails.opened({}, replaced(tails.service, { append }));
  const socket = await RawSocket.open(gateway.url);
  await socket.initialise();
  socket.subscribe("tail", "subscription { entryLogged(fromLeafIndex: 0) { leafIndex } }");
  socket.subscribe("log", 'mutation { log(event: { message: "m" }) { entry { leafIndex } } }');
  await begun;
  const closing = gateway.close(5_000);
  await socket.until(({ id, type }) => id === "tail" && type === "complete");
  finish();
  await closing;
  expect(await socket.closed).toBe(1001);
  expect(socket.received.filter(({ id }) => id === "log").map(({ type }) => type)).toEqual(["next", "complete"]);
});

describe("a stream by GET", () => {
  const get = async (url: string, query: string, headers: Credential) =>
    fetch(`${url}/graphql?query=${encodeURIComponent(query)}`, {
      headers: { accept: "text/event-stream", ...headers },
    });

  test.each<{ what: string; headers: Credential; status: number }>([
    { what: "of a page that this gateway sent", headers: { "sec-fetch-site": "same-origin" }, status: 200 },
    {
      what: "of a listed site",
      headers: { origin: "https://app.example", "sec-fetch-site": "cross-site" },
      status: 200,
    },
    {
      what: "of another site",
      headers: { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
      status: 400,
    },
    { what: "of another site that hides its origin", headers: { "sec-fetch-site": "cross-site" }, status: 400 },
    { what: "of a neighbour that hides its origin", headers: { "sec-fetch-site": "same-site" }, status: 400 },
    { what: "of nobody knows whom", headers: {}, status: 400 },
  ])("$what is answered with $status", async ({ headers, status }) => {
    const { url } = await tails.opened({ corsOrigins: ["https://app.example"] });
    const response = await get(url, ROOT, headers);
    expect(response.status).toBe(status);
    const answered = 'data: {"data":{"root":{"treeSize":0}}}\n\nevent: complete';
    expect((await response.text()).includes(answered)).toBe(status === 200);
  });

  test("changes nothing, whoever asks", async () => {
    const { url } = await tails.opened();
    const log = 'mutation { log(event: { message: "m" }) { entry { leafIndex } } }';
    const response = await get(url, log, { "apollo-require-preflight": "1" });
    expect([response.status, response.headers.get("allow"), await response.json()]).toEqual([
      405,
      "POST",
      {
        errors: [{ message: "a mutation cannot be sent by GET: use POST", extensions: { code: "METHOD_NOT_ALLOWED" } }],
      },
    ]);
    expect((await tails.service.root("default")).treeSize).toBe(0);
  });

  test("follows the log for an EventSource", async () => {
    await fill(tails.service, 1);
    const { url } = await tails.opened();
    const from = `&variables=${encodeURIComponent('{"from":0}')}`;
    const response = await fetch(`${url}/graphql?query=${encodeURIComponent(FOLLOW)}${from}`, {
      headers: { accept: "text/event-stream", "sec-fetch-site": "same-origin" },
    });
    const reader = (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("leafIndex")) text += (await reader.read()).value ?? "";
    await reader.cancel();
  });
});
