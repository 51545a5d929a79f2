import { join } from "node:path";
import { figure, median, perSecond } from "../machine.js";
import { bareAppend } from "./bare-append.js";
import { ask, load, post, type Measured } from "./load.js";
import { LOG, logBulk, NEWEST_MESSAGE } from "./operations.js";
import { serveNoOp, serveSqlite } from "./served.js";
import { ratio, type Row } from "./table.js";

const BULK = 1_000;
const BATCHES = 60;
/** Bulk requests in flight: one being parsed while another is being committed. */
const IN_FLIGHT = 4;

interface BulkRates {
  /** Until the last event was acknowledged, durable; the index followed meanwhile. */
  readonly logged: number;
  /** Until a search had to find the last event. */
  readonly found: number;
}

/** logBulk of 1,000 through GraphQL, against bare appends of as many entries. */
export async function bulkRow(folder: string): Promise<Row> {
  const bodies = Array.from({ length: BATCHES }, (_, i) => JSON.stringify(logBulk(i * BULK, BULK)));
  const rates: BulkRates[] = [];
  const bare: number[] = [];
  for (const round of [0, 1, 2]) {
    bare.push(await bareAppend(join(folder, `bare-${round}.db`), BATCHES));
    rates.push(await bulkRates(join(folder, `bulk-${round}`), bodies));
  }
  const [rate, bareRate] = [median(rates.map(({ logged }) => logged)), median(bare)];
  const found = median(rates.map((round) => round.found));
  return {
    what: "logBulk of 1,000, durable, index following",
    measured: `${figure(rate)} events/s (${figure(found)} until findable), ${ratio(rate, bareRate)} the bare append (${figure(bareRate)}/s)`,
    bar: "25,000/s and 0.4x",
    isReached: rate >= 25_000 && rate / bareRate >= 0.4,
  };
}

/** A search that must find the last event waits for the index. */
async function bulkRates(folder: string, bodies: readonly string[]): Promise<BulkRates> {
  const server = await serveSqlite(folder);
  try {
    await Promise.all([1, 2].map(() => post(server.url, JSON.stringify(logBulk(0, 10)))));
    const waiting = bodies.values();
    const began = performance.now();
    await Promise.all(
      Array.from({ length: IN_FLIGHT }, async () => {
        for (const body of waiting) await post(server.url, body);
      }),
    );
    const loggedMs = performance.now() - began;
    await ask(server.url, NEWEST_MESSAGE);
    const events = bodies.length * BULK;
    return { logged: perSecond(events, loggedMs), found: perSecond(events, performance.now() - began) };
  } finally {
    await server.stop();
  }
}

/** Single events from 64 connections, against the same mutation with nothing behind it, in turn. */
export async function singleRow(folder: string, seconds: number): Promise<Row> {
  const real = await serveSqlite(join(folder, "single"));
  const noOp = await serveNoOp();
  const logged: Measured[] = [];
  const idle: Measured[] = [];
  try {
    for (let round = 0; round < 4; round++) {
      const measure = (url: string) => load({ url, operation: LOG, connections: 64, seconds });
      const [a, b] = [await measure(noOp.url), await measure(real.url)];
      // The first round warms both up.
      if (round === 0) continue;
      idle.push(a);
      logged.push(b);
    }
  } finally {
    await Promise.all([real.stop(), noOp.stop()]);
  }
  const rate = median(logged.map((m) => m.perSecond));
  const noOpRate = median(idle.map((m) => m.perSecond));
  const p99Ms = median(logged.map((m) => m.p99Ms));
  return {
    what: "log from 64 connections, with proof and checkpoint",
    measured: `${figure(rate)}/s, p99 ${figure(p99Ms)} ms, ${ratio(rate, noOpRate)} a no-op mutation (${figure(noOpRate)}/s)`,
    bar: "5,000/s, p99 50 ms, 0.4x",
    isReached: rate >= 5_000 && p99Ms < 50 && rate / noOpRate >= 0.4,
  };
}
