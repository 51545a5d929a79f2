import { expect, test } from "@jest/globals";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { Socket } from "node:net";
import { setImmediate as turn, setTimeout as passed } from "node:timers/promises";
import { pino } from "pino";
import { RawSocket } from "./raw-socket.js";
import { tailTest } from "./tail-test.js";

const tails = tailTest();

async function opened(url: string): Promise<RawSocket> {
  const socket = await RawSocket.open(url);
  tails.after(() => {
    socket.socket.terminate();
  });
  await socket.initialise();
  return socket;
}

test("a pong has the payload of its ping, and none where that had none", async () => {
  const socket = await opened((await tails.opened()).url);
  const payload = { sentAt: 1, name: "a" };
  socket.send({ type: "ping", payload });
  socket.send({ type: "ping" });
  await socket.until((message) => message.type === "pong" && message.payload === undefined);
  expect(socket.received.slice(1)).toEqual([{ type: "pong", payload }, { type: "pong" }]);
});

test("messages that come at once are handled one by one, and the gateway does other things in between", async () => {
  let handled = 0;
  const write = (line: string): void => {
    if (line.includes('"operation"')) handled++;
  };
  const logger = pino({ level: "info" }, { write });
  const socket = await opened((await tails.opened({ logger })).url);
  for (let i = 0; i < 20_000; i++) socket.subscribe(String(i), "{nope}");
  expect(await mostInOneTurn(() => handled, 1_000)).toBeLessThanOrEqual(4);
});

test("pings of WebSocket itself are answered one by one too", async () => {
  const arrival = nextSocket();
  const socket = await opened((await tails.opened()).url);
  const { connection, sent } = { connection: await arrival, sent: "x".repeat(100) };
  for (let i = 0; i < 5_000; i++) socket.socket.ping(sent);
  const bytes = await mostInOneTurn(() => connection.bytesWritten, 100_000);
  expect(bytes).toBeLessThan(1_000);
});

test("a client that reads nothing is read from no further, and from where it stopped when it reads", async () => {
  const COUNT = 400;
  const arrival = nextSocket();
  const socket = await opened((await tails.opened()).url);
  const connection = await arrival;
  const payload = { filler: "x".repeat(100_000) };
  socket.socket.pause();
  let sent = 0;
  for (let i = 0; i < COUNT; i++) socket.socket.send(JSON.stringify({ type: "ping", payload }), () => sent++);
  let [read, most] = [-1, 0];
  for (let still = 0; still < 20; still = read === connection.bytesRead ? still + 1 : 0) {
    read = connection.bytesRead;
    most = Math.max(most, connection.writableLength);
    await passed(25);
  }
  expect(sent).toBeLessThan(COUNT);
  expect(connection.isPaused()).toBe(true);
  expect(most).toBeLessThan(1_000_000);
  socket.socket.resume();
  const pongs = () => socket.received.filter(({ type }) => type === "pong").length;
  while (pongs() < COUNT) await once(socket.socket, "message");
});

/** By how much a count grows at most from one turn of the event loop to the next, until it has grown to `end`. */
async function mostInOneTurn(count: () => number, end: number): Promise<number> {
  let most = 0;
  for (let before = count(); before < end; before = count()) {
    await turn();
    most = Math.max(most, count() - before);
  }
  return most;
}

/** The gateway's side of the next connection. */
function nextSocket(): Promise<Socket> {
  return new Promise((resolve) => {
    const arrived = (message: unknown): void => {
      unsubscribe("net.server.socket", arrived);
      resolve((message as { readonly socket: Socket }).socket);
    };
    subscribe("net.server.socket", arrived);
  });
}
