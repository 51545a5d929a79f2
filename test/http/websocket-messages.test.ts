import { expect, test } from "@jest/globals";
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
