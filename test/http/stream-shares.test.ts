import { describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { join } from "node:path";
import { WebSocket } from "ws";
import { createKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import { MAX_STRANGERS } from "../../src/http/streams/strangers.js";
import { fill } from "../engine/test-log.js";
import { RawSocket } from "./raw-socket.js";
import { transports } from "./tail-clients.js";
import { FOLLOW, nextOf, tailTest } from "./tail-test.js";

const tails = tailTest();
const TRY_AGAIN_LATER = 1013;
const FROM_THE_FIRST = "subscription { entryLogged(fromLeafIndex: 0) { leafIndex } }";

/** A gateway that asks for keys, and some that it knows. */
async function keyed(maxStreams: number) {
  const path = join(await tails.folder(), "keys.json");
  const key = async (name: string) => {
    const { text } = await createKey(path, { name, scopes: ["audit:read"] }, new Date());
    return { authorization: `Bearer ${text}` };
  };
  const keys = [await key("first"), await key("second")] as const;
  const access = await openAccess({ host: "127.0.0.1", apiKeys: path });
  const gateway = await tails.opened({ access, streamLimits: { maxStreams } });
  return { gateway, keys };
}

async function opened(url: string, headers: Readonly<Record<string, string>> = {}): Promise<RawSocket> {
  const socket = await RawSocket.open(url, headers);
  tails.after(() => {
    socket.socket.terminate();
  });
  return socket;
}

describe("clients of WebSockets that have not said who they are", () => {
  test("give way to each other, the oldest first, and take no place of those that have", async () => {
    const { gateway, keys } = await keyed(1);
    const silent: RawSocket[] = [];
    for (let count = 0; count < MAX_STRANGERS; count++) silent.push(await opened(gateway.url));
    const genuine = await opened(gateway.url);
    expect(await silent[0]?.closed).toBe(TRY_AGAIN_LATER);
    await genuine.initialise(keys[0]);
    // One that is known is none of them any more: the next of them finds a place.
    await opened(gateway.url);
    expect(silent.slice(1).map(({ socket }) => socket.readyState)).toEqual(
      Array.from({ length: MAX_STRANGERS - 1 }, () => WebSocket.OPEN),
    );
    await opened(gateway.url);
    expect(await silent[1]?.closed).toBe(TRY_AGAIN_LATER);
    expect(genuine.socket.readyState).toBe(WebSocket.OPEN);
  });
});

describe("one credential", () => {
  test.each(transports)("has a tenth of the streams over %s, and leaves the others to others", async (transport) => {
    await fill(tails.service, 1);
    const { gateway, keys } = await keyed(20);
    const open = (key: (typeof keys)[number]) =>
      tails.client(transport, gateway, key).iterate({ query: FOLLOW, variables: { from: 0 } });
    await nextOf(open(keys[0]));
    await nextOf(open(keys[0]));
    await expect(open(keys[0]).next()).rejects.toBeDefined();
    expect((await nextOf(open(keys[1]))).data?.entryLogged.leafIndex).toBe(0);
  });

  test("is told so when it subscribes over one WebSocket, and may again when a stream has ended", async () => {
    await fill(tails.service, 1);
    const { gateway, keys } = await keyed(10);
    const socket = await opened(gateway.url, keys[0]);
    await socket.initialise();
    socket.subscribe("1", FROM_THE_FIRST);
    await socket.until(({ id }) => id === "1");
    socket.subscribe("2", FROM_THE_FIRST);
    const { type, payload } = await socket.until(({ id }) => id === "2");
    expect([type, payload]).toEqual([
      "error",
      [
        {
          message: "one caller may have 1 streams open here: end one, or try again later",
          extensions: { code: "UNAVAILABLE", retryAfterMs: 1_000 },
        },
      ],
    ]);
    socket.send({ id: "1", type: "complete" });
    socket.subscribe("3", FROM_THE_FIRST);
    expect((await socket.until(({ id }) => id === "3")).type).toBe("next");
  });

  test("has a tenth of the WebSockets, whether its headers or its first message have it", async () => {
    const { gateway, keys } = await keyed(10);
    const first = await opened(gateway.url, keys[0]);
    const second = await opened(gateway.url);
    second.send({ type: "connection_init", payload: keys[0] });
    expect(await second.closed).toBe(TRY_AGAIN_LATER);
    await expect(opened(gateway.url, keys[0])).rejects.toThrow("503");
    await (await opened(gateway.url, keys[1])).initialise();
    first.socket.close();
    await first.closed;
    await (await opened(gateway.url, keys[0])).initialise();
  });
});

test("where nobody has a credential, one address has a tenth of the streams", async () => {
  await fill(tails.service, 1);
  const { url } = await tails.opened({ streamLimits: { maxStreams: 10 } });
  const from = async (localAddress: string) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, "graphql-transport-ws", { localAddress });
    tails.after(() => {
      socket.terminate();
    });
    const [kind] = await Promise.race([
      once(socket, "open").then(() => ["open"]),
      once(socket, "unexpected-response").then(() => ["refused"]),
    ]);
    return kind;
  };
  expect([await from("127.0.0.1"), await from("127.0.0.1"), await from("127.0.0.2")]).toEqual([
    "open",
    "refused",
    "open",
  ]);
});

test("a subscription's id may have 128 characters, and a longer one is refused", async () => {
  await fill(tails.service, 1);
  const socket = await opened((await tails.opened()).url);
  await socket.initialise();
  for (const length of [128, 129]) socket.subscribe("i".repeat(length), FROM_THE_FIRST);
  expect((await socket.until(({ id }) => id?.length === 128)).type).toBe("next");
  expect(await socket.until(({ id }) => id?.length === 129)).toMatchObject({
    type: "error",
    payload: [{ message: "id: expected at most 128 characters, got 129", extensions: { code: "BAD_REQUEST" } }],
  });
});
