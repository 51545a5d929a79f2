import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { Pgbouncer } from "../test/stores/postgres/pgbouncer.js";
import { OwnPostgres, sql } from "../test/stores/postgres/server.js";
import { entryAt } from "./events.js";
import { fill, untilIdle } from "./gateway/filled.js";
import { load, post } from "./gateway/load.js";
import { LOG, logBulk, search } from "./gateway/operations.js";
import { type Served, servePostgres, treeProcessorMs } from "./gateway/served.js";
import { ratio } from "./gateway/table.js";
import { figure, machine, median, perSecond } from "./machine.js";

/**
 * Usage: node build/bench/postgres-gateways.js [events] [seconds] [rounds]
 * Logs on a PostgreSQL of its own, each written through 1, 2 or 4 gateways, and again through pgbouncer in mode `transaction`: bulk requests beside
 * a bare COPY of as many rows, and single events, `rounds` (3) by turns, so that the medians of the rounds' ratios hold whatever else the
 * machine does; and who spends how much processor time on an event. Then a search at `events` (100,000) entries; `seconds` (3) of load per figure. Clients, gateways and database
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
/** Requests that each gateway answers before it is measured. */
const WARM_UP = 10_000;
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

/** Processor time so far, in milliseconds, by who spends it. */
interface Spent {
  /** The threads of the gateways that answer requests. */
  readonly main: number;
  /** Their other threads: garbage collection, the search index. */
  readonly others: number;
  readonly PostgreSQL: number;
  readonly pgbouncer: number;
  /** This process. */
  readonly clients: number;
}

function spent({ gateways }: Fleet): Spent {
  const main = gateways.reduce((sum, gateway) => sum + gateway.mainThreadMs(), 0);
  const { user, system } = process.cpuUsage();
  return {
    main,
    others: gateways.reduce((sum, gateway) => sum + gateway.processorMs(), 0) - main,
    PostgreSQL: treeProcessorMs(server.pid),
    pgbouncer: treeProcessorMs(pooler.pid),
    clients: (user + system) / 1_000,
  };
}

interface Appended {
  readonly rate: number;
  /** Microseconds of processor time for an event. */
  readonly micros: Spent;
}

interface Round {
  readonly bulk: Appended;
  readonly single: Appended;
  readonly p99Ms: number;
}

async function round(fleet: Fleet): Promise<Round> {
  const { gateways } = fleet;
  const measured = async (append: () => Promise<{ readonly rate: number; readonly events: number }>) => {
    const before = spent(fleet);
    const { rate, events } = await append();
    return { rate, micros: perEvent(events, before, spent(fleet)) };
  };
  const bulk = await measured(async () => ({ rate: await bulkRate(gateways, 0, BATCHES), events: BATCHES * BULK }));
  // What is left to index would slow the single events down.
  await Promise.all(gateways.map(untilIdle));
  let p99Ms = 0;
  const single = await measured(async () => {
    const { rate, p99Ms: slowest } = await singles(gateways);
    p99Ms = slowest;
    return { rate, events: rate * seconds };
  });
  return { bulk, single, p99Ms };
}

/**
 * Each gateway of a fleet compiles its own code: with as many requests in all, four would be measured while they compile, one would not.
 */
async function warmUp({ count, gateways }: Fleet): Promise<void> {
  for (let i = 0; i < count; i++) await bulkRate(gateways, 0, BATCHES);
  for (let logged = 0; logged < WARM_UP * count;) logged += seconds * (await singles(gateways)).rate;
  await Promise.all(gateways.map(untilIdle));
}

function perEvent(events: number, before: Spent, after: Spent): Spent {
  const of = (who: keyof Spent): number => (1_000 * (after[who] - before[who])) / events;
  return {
    main: of("main"),
    others: of("others"),
    PostgreSQL: of("PostgreSQL"),
    pgbouncer: of("pgbouncer"),
    clients: of("clients"),
  };
}

/** Each number of gateways by turns, all of them warm. */
async function writeRows(way: string, urls: readonly string[], bare: number): Promise<void> {
  const fleets: Fleet[] = [];
  try {
    for (const [i, count] of GATEWAYS.entries()) fleets.push(await startFleet(count, urls[i] ?? ""));
    for (const fleet of fleets) await warmUp(fleet);
    const all: Round[][] = fleets.map(() => []);
    for (let i = 0; i < rounds; i++) for (const [at, fleet] of fleets.entries()) all[at]?.push(await round(fleet));
    for (const [at, { count }] of fleets.entries()) {
      const [those = [], alone = []] = [all[at], all[0]];
      const name = `${way}, ${count} gateways`;
      const bulk = row(those, alone, ({ bulk: of }) => of);
      const single = row(those, alone, ({ single: of }) => of);
      const beside = ratio(median(those.map((one) => one.bulk.rate)), bare);
      print(`${name}, logBulk of 1,000`, `${bulk}, ${beside} the bare COPY`);
      print(`${name}, log`, `${single}, p99 ${figure(median(those.map(({ p99Ms }) => p99Ms)))} ms`);
    }
  } finally {
    for (const fleet of fleets) await fleet.close();
  }
}

function row(those: readonly Round[], alone: readonly Round[], pick: (round: Round) => Appended): string {
  const times = median(those.map((one, i) => pick(one).rate / pick(alone[i] ?? one).rate));
  const micros = (who: keyof Spent): number => median(those.map((one) => pick(one).micros[who]));
  const roles = ["main", "others", "PostgreSQL", "pgbouncer", "clients"] as const;
  const sum = roles.reduce((all, who) => all + micros(who), 0);
  const shares = roles.map((who) => `${who} ${figure(micros(who))}`).join(", ");
  const rate = figure(median(those.map((one) => pick(one).rate)));
  return `${rate}/s, ${figure(times)}x one${times >= BAR ? "" : ", MISSED"}, µs an event: ${figure(sum)} (${shares})`;
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
