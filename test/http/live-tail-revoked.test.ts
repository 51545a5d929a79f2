import { describe, expect, test } from "@jest/globals";
import { fill } from "../engine/test-log.js";
import { RawSocket } from "./raw-socket.js";
import { revocableKey } from "./revoked-keys.js";
import { tailTest } from "./tail-test.js";

const tails = tailTest();
const FORBIDDEN = 4403;
const FROM_THE_FIRST = "subscription { entryLogged(fromLeafIndex: 0) { leafIndex } }";

/** A socket that was let in, and follows a log of one entry. */
async function following(recheckMs: number) {
  await fill(tails.service, 1);
  const key = await revocableKey(await tails.folder());
  const { url } = await tails.opened({ access: key.access, streamLimits: { recheckMs } });
  const socket = await RawSocket.open(url, { authorization: key.authorization });
  tails.after(() => {
    socket.socket.terminate();
  });
  await socket.initialise();
  socket.subscribe("1", FROM_THE_FIRST);
  await socket.until(({ id }) => id === "1");
  const shownUnder = (name: string) => socket.received.filter(({ id, type }) => id === name && type === "next");
  return { ...key, socket, shownUnder };
}

describe("a WebSocket whose credential was revoked", () => {
  const NEVER = 600_000;

  test("is shown nothing by a further subscription, and closed", async () => {
    const { socket, revoke, shownUnder } = await following(NEVER);
    await revoke();
    socket.subscribe("2", FROM_THE_FIRST);
    expect(await socket.closed).toBe(FORBIDDEN);
    expect(shownUnder("2")).toEqual([]);
    expect(socket.received).toContainEqual({
      id: "2",
      type: "error",
      payload: [expect.objectContaining({ extensions: { code: "UNAUTHENTICATED" } })],
    });
  });

  test("ends the subscriptions that it has with the reason, once one finds out", async () => {
    const { socket, revoke, shownUnder } = await following(NEVER);
    await revoke();
    socket.subscribe("2", FROM_THE_FIRST);
    await socket.closed;
    const [first, last, ...more] = shownUnder("1");
    expect(first?.payload).toEqual({ data: { entryLogged: { leafIndex: 0 } } });
    expect(JSON.stringify(last?.payload)).toContain("UNAUTHENTICATED");
    expect(more).toEqual([]);
  });

  test("is closed when it asks for nothing more, at the next look", async () => {
    const { socket, revoke, shownUnder } = await following(20);
    await revoke();
    expect(await socket.closed).toBe(FORBIDDEN);
    expect(JSON.stringify(shownUnder("1").at(-1)?.payload)).toContain("UNAUTHENTICATED");
  });
});

test("a WebSocket whose credential is good may subscribe again, however often it is looked at", async () => {
  const { socket, shownUnder } = await following(20);
  for (const id of ["2", "3"]) {
    socket.subscribe(id, FROM_THE_FIRST);
    await socket.until((message) => message.id === id);
    expect(shownUnder(id).map(({ payload }) => payload)).toEqual([{ data: { entryLogged: { leafIndex: 0 } } }]);
  }
});

test("an id is taken while the credential is looked at", async () => {
  const { socket } = await following(600_000);
  for (let times = 0; times < 2; times++) socket.subscribe("2", FROM_THE_FIRST);
  expect(await socket.closed).toBe(4409);
});
