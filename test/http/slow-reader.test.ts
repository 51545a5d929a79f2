import { beforeEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as passed } from "node:timers/promises";
import { WebSocket } from "ws";
import { messages } from "../engine/test-log.js";
import { nextConnection } from "./next-connection.js";
import { revocableKey } from "./revoked-keys.js";
import { tailGateway } from "./tail-clients.js";
import { tailTest, watching } from "./tail-test.js";

const tails = tailTest();
const query = "subscription { entryLogged(fromLeafIndex: 0) { canonical } }";
const ALL_BYTES = 18_000_000;

interface Asking {
  readonly query: string;
  readonly accept: string;
  readonly authorization?: string;
}

/** Asks and reads nothing. */
function unread(url: string, { query, ...headers }: Asking): Socket {
  const body = JSON.stringify({ query });
  const socket = connect(Number(new URL(url).port), "127.0.0.1").pause();
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join("")}connection: close\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  tails.after(() => socket.destroy());
  return socket;
}

/** Follows the log and reads nothing. */
const eventStream = (url: string, credential = {}) =>
  unread(url, { query, accept: "text/event-stream", ...credential });

/** Follows the log and reads nothing. */
async function webSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
  await once(socket, "open");
  socket.send('{"type":"connection_init"}');
  await once(socket, "message");
  socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query } }));
  socket.pause();
  tails.after(() => {
    socket.terminate();
  });
  return socket;
}

describe("a reader that does not read", () => {
  beforeEach(async () => {
    for (let i = 0; i < 6; i++) {
      const events = messages(100, "x".repeat(30_000));
      await tails.service.append({ log: "default", events, sign: false, path: "events" });
    }
  });

  /** A gateway's address, and a promise that its first stream ended. */
  async function impatient() {
    const { watched, begun } = watching(tails.service);
    const { url } = await tails.opened({ streamLimits: { slowMs: 600 } }, watched);
    return { url, cut: begun.then((signal) => once(signal, "abort")) };
  }

  test("is cut over SSE, told so behind what it has not read, and sent no more", async () => {
    const { url, cut } = await impatient();
    const socket = eventStream(url);
    await cut;
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk)).resume();
    await once(socket, "close");
    const answer = Buffer.concat(chunks);
    expect(answer.length).toBeLessThan(ALL_BYTES);
    expect(answer.subarray(-400).toString()).toContain("SLOW_READER");
  });

  test("is cut over WebSocket, told so by the close code, and sent no more", async () => {
    const { url, cut } = await impatient();
    const socket = await webSocket(url);
    await cut;
    let bytes = 0;
    socket.on("message", (data: Buffer) => (bytes += data.length)).resume();
    expect((await once(socket, "close"))[0]).toBe(1013);
    expect(bytes).toBeLessThan(ALL_BYTES);
  });

  test.each([
    ["an ordinary answer", { query: "{ search(first: 1000) { nodes { canonical } } }", accept: "application/json" }],
    ["a stream whose credential was revoked", { query, accept: "text/event-stream" }],
  ])("does not keep %s in memory", async (_what, asking) => {
    const { access, authorization, revoke } = await revocableKey(await tails.folder());
    const { url } = await tails.opened({ access, streamLimits: { slowMs: 600, recheckMs: 50 } });
    const arrival = nextConnection();
    unread(url, { ...asking, authorization });
    const connection = await arrival;
    const closed = once(connection, "close");
    while (connection.bytesWritten < 100_000) await passed(10);
    await revoke();
    await closed;
  });

  test("does not keep a gateway from stopping in its grace", async () => {
    const { watched, begun } = watching(tails.service);
    const gateway = await tailGateway(watched);
    await webSocket(gateway.url);
    await begun;
    await once(eventStream(gateway.url), "readable");
    await gateway.close(300);
    await expect(fetch(gateway.url)).rejects.toThrow();
  });

  test("is not alone in this: neither does a client that was refused and stays", async () => {
    const gateway = await tailGateway(tails.service);
    const refused = connect({ port: Number(new URL(gateway.url).port), host: "127.0.0.1", allowHalfOpen: true });
    tails.after(() => refused.destroy());
    refused.write("GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
    await once(refused.resume(), "end");
    await gateway.close(300);
    await expect(fetch(gateway.url)).rejects.toThrow();
  });
});
