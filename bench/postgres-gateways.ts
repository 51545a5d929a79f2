import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { Pgbouncer } from "../test/stores/postgres/pgbouncer.js";
import { OwnPostgres, sql } from "../test/stores/postgres/server.js";
import { entryAt } from "./events.js";
import { fill, untilIdle } from "./gateway/filled.js";
import { load, post } from "./gateway/load.js";
import { LOG, logBulk, search } from "./gateway/operations.js";
import { type Served, servePostgres } from "./gateway/served.js";
import { ratio } from "./gateway/table.js";
import { figure, machine, median, perSecond } from "./machine.js";

/**
 * Usage: node build/bench/postgres-gateways.js [events] [seconds] [rounds]
 * Logs on a PostgreSQL of its own, each written through 1, 2 or 4 gateways, and again through pgbouncer in mode `transaction`: bulk requests beside
 * a bare COPY of as many rows, and single events, `rounds` (3) by turns, so that the medians of the rounds' ratios hold whatever else the
 * machine does. Then a search at `events` (100,000) entries; `seconds` (3) of load per figure. Clients, gateways and database
 * share the machine. The bar: 2 and 4 gateways append at 0.9 of the rate of one.
 */
const [events = 100_000, seconds = 3, rounds = 3] = process.argv.slice(2).map(Number);
const GATEWAYS = [1, 2, 4];
const BAR = 0.9;
const CONNECTIONS = 64;
const BULK = 1_000;
const BATCHES = 20;
/** Bulk requests in flight, over all gateways: one is parsed while another is committed. */
const IN_FLIGHT = 4;
/** Each gateway of a log that others write to may hold four of them. */
const POOL = 60;

/** The least that storing the rows could cost: COPY from a file of the server's, into a table of the same columns and key. */
async function copyRate(server: OwnPostgres, folder: string): Promise<number> {
  const url = await server.newDatabase();
  const file = join(folder, "rows");
  writeFileSync(file, Array.from({ length: BATCHES * BULK }, (_, place) => copyRow(place)).join(""));
  chmodSync(file, 0o644);
  const columns = "leaf_index bigint PRIMARY KEY, received_at text, leaf_hash bytea, canonical text";
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
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

/** Gateways on one log. */
interface Fleet {
  readonly count: number;
  readonly gateways: readonly Served[];
  readonly close: () => Promise<void>;
}

async function startFleet(count: number, url: string): Promise<Fleet> {
  const home = mkdtempSync(join(tmpdir(), "auditql-bench-"));
  const gateways: Served[] = [];
  for (let i = 0; i < count; i++) gateways.push(await servePostgres(home, url));
  const close = async (): Promise<void> => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    rmSync(home, { recursive: true, force: true });
  };
  return { count, gateways, close };
}

/** logBulk of 1,000 spread over the gateways, until all is durable. Events a second. */
async function bulkRate(gateways: readonly Served[], start: number, batches: number): Promise<number> {
  const bodies = Array.from({ length: batches }, (_, i) => JSON.stringify(logBulk(start + i * BULK, BULK)));
  const waiting = bodies.values();
  const lanes = Array.from({ length: IN_FLIGHT }, (_, lane) => gateways[lane % gateways.length]?.url ?? "");
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

interface Round {
  readonly bulk: number;
  readonly single: number;
  readonly p99Ms: number;
  /** Microseconds of processor time of all gateways, and of pgbouncer and the server not: for an event of a bulk request. */
  readonly bulkMicros: number;
}

async function round({ gateways }: Fleet): Promise<Round> {
  const spent = (): number => gateways.reduce((sum, gateway) => sum + gateway.processorMs(), 0);
  const before = spent();
  const bulk = await bulkRate(gateways, 0, BATCHES);
  const bulkMicros = (1_000 * (spent() - before)) / (BATCHES * BULK);
  // What is left to index would slow the single events down.
  await Promise.all(gateways.map(untilIdle));
  const { rate, p99Ms } = await singles(gateways);
  return { bulk, single: rate, p99Ms, bulkMicros };
}

/** Each number of gateways by turns, after a round that warms all up. */
async function writeRows(way: string, urls: readonly string[], bare: number): Promise<void> {
  const fleets: Fleet[] = [];
  try {
    for (const [i, count] of GATEWAYS.entries()) fleets.push(await startFleet(count, urls[i] ?? ""));
    for (const fleet of fleets) await round(fleet);
    const all: Round[][] = fleets.map(() => []);
    for (let i = 0; i < rounds; i++) for (const [at, fleet] of fleets.entries()) all[at]?.push(await round(fleet));
    const [alone = []] = all;
    for (const [at, { count }] of fleets.entries()) {
      const those = all[at] ?? [];
      const middle = (pick: (of: Round) => number): number => median(those.map(pick));
      const beside = (pick: (of: Round) => number): number =>
        median(those.map((one, i) => pick(one) / pick(alone[i] ?? one)));
      const [bulk, single] = [beside((one) => one.bulk), beside((one) => one.single)];
      const mark = (times: number): string => `${figure(times)}x one${times >= BAR ? "" : ", MISSED"}`;
      print(
        `${way}, ${count} gateways`,
        `logBulk ${figure(middle((one) => one.bulk))} events/s, ${mark(bulk)}, ${ratio(
          middle((one) => one.bulk),
          bare,
        )} the bare COPY, ${figure(middle((one) => one.bulkMicros))} µs of the gateways each; log ${figure(middle((one) => one.single))}/s, p99 ${figure(middle((one) => one.p99Ms))} ms, ${mark(single)}`,
      );
    }
  } finally {
    for (const fleet of fleets) await fleet.close();
  }
}

async function searchRow(url: string): Promise<void> {
  const fleet = await startFleet(1, url);
  try {
    const [gateway] = fleet.gateways;
    if (gateway === undefined) return;
    await fill(gateway, 0, events);
    await untilIdle(gateway);
    const operation = search(false);
    const { perSecond: rate, p50Ms, p99Ms } = await load({ url: gateway.url, operation, connections: 4, seconds });
    const measured = `${figure(rate)}/s, p50 ${figure(p50Ms)} ms, p99 ${figure(p99Ms)} ms`;
    print(`search page of 50 in ${figure(events)} events, 4 connections`, measured);
  } finally {
    await fleet.close();
  }
}

function print(what: string, measured: string): void {
  console.log(`${what.padEnd(52)}  ${measured}  (load ${figure(loadavg()[0] ?? 0)})`);
}

const folder = mkdtempSync(join(tmpdir(), "auditql-bench-"));
chmodSync(folder, 0o755);
const server = await OwnPostgres.start(undefined, ["fsync=on"]);
const pooler = await Pgbouncer.start(server.url, { mode: "transaction", poolSize: POOL });
const newDatabases = (): Promise<string[]> => Promise.all(GATEWAYS.map(() => server.newDatabase()));
try {
  console.log(`${machine()}; PostgreSQL on loopback, fsync on`);
  const bare = await copyRate(server, folder);
  print("bare COPY of as many rows", `${figure(bare)} rows/s`);
  await writeRows("direct", await newDatabases(), bare);
  await writeRows(
    "pgbouncer",
    (await newDatabases()).map((url) => pooler.before(url)),
    bare,
  );
  await searchRow(await server.newDatabase());
} finally {
  await pooler.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
}
