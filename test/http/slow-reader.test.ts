import { beforeEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { WebSocket } from "ws";
import type { Gateway } from "../../src/http/gateway.js";
import { messages } from "../audit/test-log.js";
import { tailTest, watching } from "./tail-test.js";

const tails = tailTest();

describe("a reader that does not read", () => {
  const query = "subscription { entryLogged(fromLeafIndex: 0) { canonical } }";
  let gateway: Gateway;
  let cut: Promise<unknown>;
  beforeEach(async () => {
    const { watched, begun } = watching(tails.service);
    gateway = await tails.opened({ streamLimits: { slowMs: 600 } }, watched);
    for (let i = 0; i < 6; i++) {
      const events = messages(100, "x".repeat(30_000));
      await tails.service.append({ log: "default", events, sign: false, path: "events" });
    }
    cut = begun.then((signal) => once(signal, "abort"));
  });
  const ALL_BYTES = 18_000_000;

  test("is cut over SSE, told so behind what it has not read, and sent no more", async () => {
    const body = JSON.stringify({ query });
    const socket = connectTcp(Number(new URL(gateway.url).port), "127.0.0.1").pause();
    socket.write(
      "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\nconnection: close\r\n" +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await cut;
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk)).resume();
    await once(socket, "close");
    const answer = Buffer.concat(chunks);
    expect(answer.length).toBeLessThan(ALL_BYTES);
    expect(answer.subarray(-400).toString()).toContain("SLOW_READER");
  });

  test("is cut over WebSocket, told so by the close code, and sent no more", async () => {
    const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
    await once(socket, "open");
    socket.send('{"type":"connection_init"}');
    await once(socket, "message");
    socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query } }));
    socket.pause();
    await cut;
    let bytes = 0;
    socket.on("message", (data: Buffer) => (bytes += data.length)).resume();
    expect((await once(socket, "close"))[0]).toBe(1013);
    expect(bytes).toBeLessThan(ALL_BYTES);
  });
});
