import { afterAll, expect, test } from "@jest/globals";
import { setTimeout as passed } from "node:timers/promises";
import { gatewayFolder, graphqlData, removeFolder, startGateway } from "../gateway.js";

const CLIENTS = 16;
/** So many events are logged before the gateway is told to stop. */
const BEFORE = 10 * CLIENTS;
const LIMIT_MS = 60_000;
const folder = gatewayFolder();

afterAll(() => {
  removeFolder(folder);
});

const LOG = "mutation($text: AuditEventValue!) { log(event: { message: $text }) { entry { leafIndex } } }";

interface Logged {
  readonly text: string;
  readonly leafIndex: number;
}

interface Answered {
  readonly data?: { readonly log: { readonly entry: { readonly leafIndex: number } } };
}

/**
 * Logs one event after the other until the gateway says that it is stopping; returns the event that it left unanswered, if it
 * closed the connection instead: a client that the machine keeps waiting may ask when nobody listens any more.
 */
async function logUntilTurnedAway(url: string, client: number, logged: Logged[]): Promise<string | undefined> {
  for (let number = 0; ; number++) {
    const text = `client-${client}-event-${number}`;
    const body = JSON.stringify({ query: LOG, variables: { text } });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/graphql`, { method: "POST", headers, body }).catch(() => undefined);
    if (response === undefined) return text;
    const { data } = (await response.json()) as Answered;
    if (response.status === 503) return undefined;
    if (data === undefined) throw new Error(`${response.status} is no answer to expect`);
    logged.push({ text, leafIndex: data.log.entry.leafIndex });
  }
}

async function messageAt(url: string, leafIndex: number): Promise<unknown> {
  const query = "query($leafIndex: AuditLeafIndex) { entry(leafIndex: $leafIndex) { event { message } } }";
  const { entry } = await graphqlData<{ entry: { event: { message: unknown } } | null }>(url, query, { leafIndex });
  return entry?.event.message;
}

async function isLogged(url: string, text: string): Promise<boolean> {
  const query = "query($query: String!) { search(query: $query) { totalCount } }";
  const { search } = await graphqlData<{ search: { totalCount: number } }>(url, query, { query: `message="${text}"` });
  return search.totalCount > 0;
}

test(
  "a gateway that is told to stop under load breaks off no request that it executes, and keeps every event it acknowledged",
  async () => {
    const gateway = await startGateway({ folder });
    const logged: Logged[] = [];
    const clients = Array.from({ length: CLIENTS }, (_, client) => logUntilTurnedAway(gateway.url, client, logged));
    const turnedAway = Promise.all(clients);
    const isUnderLoad = async () => {
      while (logged.length < BEFORE) await passed(10);
    };
    await Promise.race([isUnderLoad(), turnedAway]);
    expect(await gateway.stop("SIGTERM")).toBe(0);
    const unanswered = (await turnedAway).filter((text) => text !== undefined);
    const again = await startGateway({ folder });
    const found = await Promise.all(logged.map(({ leafIndex }) => messageAt(again.url, leafIndex)));
    const executed = await Promise.all(unanswered.map((text) => isLogged(again.url, text)));
    await again.stop();
    expect(found).toEqual(logged.map(({ text }) => text));
    expect(executed).not.toContain(true);
  },
  LIMIT_MS,
);
