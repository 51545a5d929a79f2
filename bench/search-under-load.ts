import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, post } from "./gateway/load.js";
import { logBulk, search } from "./gateway/operations.js";
import { serveSqlite } from "./gateway/served.js";
import { figure, machine } from "./machine.js";

/**
 * Usage: node build/bench/search-under-load.js [entries] [seconds] [events a second]
 * How long searches take, and how soon they see what was logged, on an SQLite log of `entries` (200,000): idle for a minute, then while
 * `events a second` (2,000) are logged in requests of 100 for `seconds` (600), minute by minute. Searches are sent at fixed times, 20 a
 * second, whether or not earlier ones were answered, so that waiting counts. The bar: p99 within twice its idle value.
 */
const [entries = 200_000, seconds = 600, rate = 2_000] = process.argv.slice(2).map(Number);
const FILLING = 1_000;
const BATCH = 100;
/** Between two bulk requests, where as many of these are sent: a search that is due with one waits for all of its events. */
const SEARCHES = { perSecond: 20, phase: 0.5 };
const MINUTE_S = 60;
const QUERIES = ["failed", "renkami", "failed renkami", "failed login", "nowhere"].map((query) => search(false, query));

console.log(`${machine()}; load ${loadavg().map(Math.round).join(", ")}`);
const folder = mkdtempSync(join(tmpdir(), "auditql-under-load-"));
const server = await serveSqlite(folder);
let logged = 0;
let refused = 0;
try {
  for (; logged < entries; logged += FILLING) await post(server.url, JSON.stringify(logBulk(logged, FILLING)));
  await sleep(10_000); // what is behind is indexed
  await searching("idle", Math.min(MINUTE_S, seconds));
  const end = performance.now() + seconds * 1_000;
  const loading = atFixedTimes({ perSecond: rate / BATCH, phase: 0 }, end, logSome);
  for (let minute = 1; minute <= Math.ceil(seconds / MINUTE_S); minute++)
    await searching(`minute ${minute}`, Math.min(MINUTE_S, (end - performance.now()) / 1_000));
  await loading;
  console.log(
    `${figure(logged - entries)} events logged meanwhile, ${refused} requests refused; ${figure(server.memoryMiB())} MiB`,
  );
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function logSome(): Promise<void> {
  const first = logged;
  logged += BATCH;
  await post(server.url, JSON.stringify(logBulk(first, BATCH))).catch(() => (refused += 1));
}

async function searching(when: string, forSeconds: number): Promise<void> {
  const times: number[] = [];
  let turn = 0;
  await atFixedTimes(SEARCHES, performance.now() + forSeconds * 1_000, async (due) => {
    const query = QUERIES[turn++ % QUERIES.length];
    if (query !== undefined) await ask(server.url, query);
    times.push(performance.now() - due);
  });
  times.sort((a, b) => a - b);
  const at = (part: number): string => figure(times[Math.floor(part * (times.length - 1))] ?? NaN);
  console.log(`${when}: ${times.length} searches, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, the longest ${at(1)} ms`);
}

/** Calls at fixed times until the end, and waits for all calls; each is told when it was due. `phase`: the part of a period to wait first. */
async function atFixedTimes(
  { perSecond, phase }: { readonly perSecond: number; readonly phase: number },
  end: number,
  call: (due: number) => Promise<void>,
): Promise<void> {
  const period = 1_000 / perSecond;
  const calls: Promise<void>[] = [];
  for (let due = (Math.ceil(performance.now() / period) + phase) * period; due < end; due += period) {
    await sleep(Math.max(0, due - performance.now()));
    calls.push(call(due));
  }
  await Promise.all(calls);
}
