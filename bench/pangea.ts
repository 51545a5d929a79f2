import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventAt } from "./events.js";
import { load, type Load } from "./gateway/load.js";
import { LOG, search } from "./gateway/operations.js";
import { serveInFront, servePangea } from "./gateway/served.js";
import { figure, machine, median } from "./machine.js";

/**
 * Usage: node build/bench/pangea.js [rounds] [seconds]
 * What the gateway costs in front of a service of the Pangea protocol, which is this project's own door over a log in
 * SQLite: `log` through the gateway beside the same event at the door itself, where the client is told the hash, or asks
 * for the proofs too (`verbose`), or then searches for the place of the event, and so has the receipt that the gateway gives;
 * `log` of the protocol beside `log` of GraphQL over the same kind of log; and a page of 50 with its verdicts, all roots known, beside
 * one without. Each round loads all of them in turn; medians of the rounds' ratios are printed. Three programs share the processors: on a
 * machine that others load, the ratios say more of those than of the gateway.
 */
const [rounds = "5", seconds = "3"] = process.argv.slice(2);
const CONNECTIONS = 64;
const ENTRIES = 2_000;

const folder = await mkdtemp(join(tmpdir(), "auditql-bench-"));
const door = await servePangea(folder);
const front = await serveInFront(folder, door);

async function perSecond(url: string, operation: object, how: Partial<Load> = {}): Promise<number> {
  return (await load({ url, operation, connections: CONNECTIONS, seconds: Number(seconds), ...how })).perSecond;
}

/** The protocol's events hold text only: its SDKs send objects as their JSON. */
function textEvent(i: number): object {
  const members = Object.entries(eventAt(i)).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return Object.fromEntries(members) as object;
}

async function round(): Promise<Readonly<Record<string, number>>> {
  const event = textEvent(1);
  const at = new URL("/v1/log", door.url).href;
  const graphql = front.url;
  // The newest event takes what the place of its own would take.
  const newest = { path: "/v1/search", operation: { query: "", limit: 1, verbose: true } };
  return {
    "log at the door": await perSecond(at, { event }),
    "log at the door, verbose": await perSecond(at, { event, verbose: true }),
    "log at the door, verbose, then a search": await perSecond(at, { event, verbose: true }, { then: newest }),
    "log of GraphQL at the door": await perSecond(door.url, { ...LOG, variables: { event } }),
    "log in front of it": await perSecond(graphql, LOG),
    "page of 50": await perSecond(graphql, search(false, ""), { connections: 8 }),
    "page of 50 with verdicts": await perSecond(graphql, search(true, ""), { connections: 8 }),
  };
}

try {
  const events = Array.from({ length: 1_000 }, (_, i) => ({ event: textEvent(i) }));
  for (let i = 0; i < ENTRIES; i += events.length) {
    await fetch(new URL("/v2/log", door.url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ events }),
    });
  }
  const measured: Readonly<Record<string, number>>[] = [];
  await round(); // compiles what the rounds below run
  for (let i = 0; i < Number(rounds); i++) measured.push(await round());
  console.log(machine());
  const names = Object.keys(measured[0] ?? {});
  for (const name of names) console.log(`${name}: ${figure(median(measured.map((one) => one[name] ?? NaN)))} a second`);
  const ratio = (one: string, other: string): string =>
    median(measured.map((figures) => (figures[one] ?? NaN) / (figures[other] ?? NaN))).toFixed(2);
  console.log(`in front / door: ${ratio("log in front of it", "log at the door")}`);
  console.log(
    `in front / door, the same receipt: ${ratio("log in front of it", "log at the door, verbose, then a search")}`,
  );
  console.log(`door / GraphQL: ${ratio("log at the door", "log of GraphQL at the door")}`);
  console.log(`door, verbose / GraphQL: ${ratio("log at the door, verbose", "log of GraphQL at the door")}`);
  console.log(`in front / door, verbose: ${ratio("log in front of it", "log at the door, verbose")}`);
  console.log(`time of a page with verdicts / without: ${ratio("page of 50", "page of 50 with verdicts")}`);
} finally {
  await front.stop();
  await door.stop();
  await rm(folder, { recursive: true });
}
