import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { OwnPostgres, sql } from "../test/stores/postgres/server.js";
import { entryAt } from "./events.js";
import { ask, load, post } from "./gateway/load.js";
import { LOG, logBulk, NEWEST_MESSAGE, search } from "./gateway/operations.js";
import { type Served, servePostgres } from "./gateway/served.js";
import { ratio } from "./gateway/table.js";
import { figure, machine, median, perSecond } from "./machine.js";

/**
 * Usage: node build/bench/postgres-gateways.js [events] [seconds]
 * One log on a PostgreSQL of its own, written through 1, 2 and 4 gateways beside a bare COPY of as many rows, then searched at
 * `events` (100,000) entries; `seconds` (3) of load per figure. Clients, gateways and database share the machine.
 */
const events = Number(process.argv[2] ?? 100_000);
const seconds = Number(process.argv[3] ?? 3);
const GATEWAYS = [1, 2, 4];
const CONNECTIONS = 64;
const BULK = 1_000;
const BATCHES = 40;
/** Bulk requests in flight at each gateway: one is parsed while another is committed. */
const IN_FLIGHT = 4;
const ROUNDS = 3;

/** The least that storing the rows could cost: COPY from a file of the server's, into a table of the same columns and key. */
async function copyRate(server: OwnPostgres, folder: string): Promise<number> {
  const url = await server.newDatabase();
  const file = join(folder, "rows");
  writeFileSync(file, Array.from({ length: BATCHES * BULK }, (_, place) => copyRow(place)).join(""));
  chmodSync(file, 0o644);
  const columns = "leaf_index bigint PRIMARY KEY, received_at text, leaf_hash bytea, canonical text";
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await sql(url, `CREATE TABLE bare_${round} (${columns})`);
    const began = performance.now();
    await sql(url, `COPY bare_${round} FROM '${file}'`);
    rates.push(perSecond(BATCHES * BULK, performance.now() - began));
  }
  return median(rates);
}

function copyRow(place: number): string {
  const { receivedAt, leafHash, canonical } = entryAt(place);
  return `${place}\t${receivedAt}\t\\\\x${Buffer.from(leafHash).toString("hex")}\t${canonical.replaceAll("\\", "\\\\")}\n`;
}

async function withGateways<T>(
  count: number,
  url: string,
  use: (gateways: readonly Served[]) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "auditql-bench-"));
  const gateways: Served[] = [];
  try {
    for (let i = 0; i < count; i++) gateways.push(await servePostgres(folder, url));
    return await use(gateways);
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** logBulk of 1,000 spread over the gateways, until all is durable. Events a second. */
async function bulkRate(gateways: readonly Served[], start: number, batches: number): Promise<number> {
  const bodies = Array.from({ length: batches }, (_, i) => JSON.stringify(logBulk(start + i * BULK, BULK)));
  const waiting = bodies.values();
  const lanes = gateways.flatMap(({ url }) => Array.from({ length: IN_FLIGHT }, () => url));
  const began = performance.now();
  await Promise.all(
    lanes.map(async (url) => {
      for (const body of waiting) await post(url, body);
    }),
  );
  return perSecond(batches * BULK, performance.now() - began);
}

/** Single events from 64 connections in all. */
async function singles(gateways: readonly Served[]): Promise<{ readonly rate: number; readonly p99Ms: number }> {
  const connections = CONNECTIONS / gateways.length;
  const measured = await Promise.all(gateways.map(({ url }) => load({ url, operation: LOG, connections, seconds })));
  const rate = measured.reduce((sum, { perSecond: each }) => sum + each, 0);
  return { rate, p99Ms: Math.max(...measured.map(({ p99Ms }) => p99Ms)) };
}

async function writeRows(server: OwnPostgres, count: number, bare: number): Promise<void> {
  await withGateways(count, await server.newDatabase(), async (gateways) => {
    await bulkRate(gateways, 0, 2 * count);
    const bulk = await bulkRate(gateways, 0, BATCHES);
    // The index follows in the background: what is left of it would slow the singles down.
    await untilIndexed(gateways[0]?.url ?? "");
    await singles(gateways);
    const { rate, p99Ms } = await singles(gateways);
    print(`logBulk of 1,000, ${count} gateways`, `${figure(bulk)} events/s, ${ratio(bulk, bare)} the bare COPY`);
    print(`log from 64 connections, ${count} gateways`, `${figure(rate)}/s, p99 ${figure(p99Ms)} ms`);
  });
}

async function searchRow(server: OwnPostgres): Promise<void> {
  await withGateways(1, await server.newDatabase(), async (gateways) => {
    const [{ url } = { url: "" }] = gateways;
    await bulkRate(gateways, 0, Math.ceil(events / BULK));
    await untilIndexed(url);
    const { perSecond: rate, p50Ms, p99Ms } = await load({ url, operation: search(false), connections: 4, seconds });
    const measured = `${figure(rate)}/s, p50 ${figure(p50Ms)} ms, p99 ${figure(p99Ms)} ms`;
    print(`search page of 50 in ${figure(events)} events, 4 connections`, measured);
  });
}

/** A search that must find the newest entry waits for the index, 5 s at a time. */
async function untilIndexed(url: string): Promise<void> {
  while (!(await ask(url, NEWEST_MESSAGE).then(Boolean, () => false)));
}

function print(what: string, measured: string): void {
  console.log(`${what.padEnd(52)}  ${measured}  (load ${figure(loadavg()[0] ?? 0)})`);
}

const folder = mkdtempSync(join(tmpdir(), "auditql-bench-"));
chmodSync(folder, 0o755);
const server = await OwnPostgres.start(undefined, ["fsync=on"]);
try {
  console.log(`${machine()}; PostgreSQL on loopback, fsync on`);
  const bare = await copyRate(server, folder);
  print("bare COPY of as many rows", `${figure(bare)} rows/s`);
  for (const count of GATEWAYS) await writeRows(server, count, bare);
  await searchRow(server);
} finally {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}
