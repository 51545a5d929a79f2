import { afterAll, expect, test } from "@jest/globals";
import { setTimeout as passed } from "node:timers/promises";
import { gatewayFolder, graphqlData, removeFolder, startGateway } from "../gateway.js";

const CLIENTS = 16;
const LOAD_MS = 500;
/** The process has ten seconds to answer what is running. */
const GRACE_MS = 10_000;
const folder = gatewayFolder();

afterAll(() => {
  removeFolder(folder);
});

const LOG = "mutation($text: JSON!) { log(event: { message: $text }) { entry { leafIndex } } }";

interface Logged {
  readonly text: string;
  readonly leafIndex: number;
}

interface Answered {
  readonly data?: { readonly log: { readonly entry: { readonly leafIndex: number } } };
}

/** Logs one event after the other until the gateway says that it is stopping. Rejects if it breaks off instead. */
async function logUntilTurnedAway(url: string, client: number): Promise<readonly Logged[]> {
  const logged: Logged[] = [];
  for (;;) {
    const text = `client ${client} event ${logged.length}`;
    const body = JSON.stringify({ query: LOG, variables: { text } });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/graphql`, { method: "POST", headers, body });
    const { data } = (await response.json()) as Answered;
    if (response.status === 503) return logged;
    if (data === undefined) throw new Error(`${response.status} is no answer to expect`);
    logged.push({ text, leafIndex: data.log.entry.leafIndex });
  }
}

async function messageAt(url: string, leafIndex: number): Promise<unknown> {
  const query = "query($leafIndex: LeafIndex) { entry(leafIndex: $leafIndex) { event { message } } }";
  const { entry } = await graphqlData<{ entry: { event: { message: unknown } } | null }>(url, query, { leafIndex });
  return entry?.event.message;
}

test("a gateway that is told to stop under load breaks off no request, and keeps every event it acknowledged", async () => {
  const gateway = await startGateway({ folder });
  const clients = Array.from({ length: CLIENTS }, (_, client) => logUntilTurnedAway(gateway.url, client));
  await passed(LOAD_MS);
  const stoppedAt = performance.now();
  expect(await gateway.stop("SIGTERM")).toBe(0);
  expect(performance.now() - stoppedAt).toBeLessThan(GRACE_MS);
  const logged = (await Promise.all(clients)).flat();
  expect(logged.length).toBeGreaterThan(CLIENTS);
  const again = await startGateway({ folder });
  const found = await Promise.all(logged.map(({ leafIndex }) => messageAt(again.url, leafIndex)));
  await again.stop();
  expect(found).toEqual(logged.map(({ text }) => text));
});
