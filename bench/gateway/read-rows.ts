import { join } from "node:path";
import { figure, median } from "../machine.js";
import { ask, load, post, type Measured } from "./load.js";
import { logBulk, NEWEST_MESSAGE, ROOT, search, TYPENAME } from "./operations.js";
import { serveSqlite, type Served } from "./served.js";
import { ratio, type Row } from "./table.js";

const BULK = 1_000;

/** How often to ask a gateway whose index is still catching up; each time it waits five seconds itself. */
const MAX_ASKS = 60;

/** Fills a log with `events` events, starts the gateway on it anew, and measures reading. */
export async function readRows(folder: string, events: number, seconds: number): Promise<readonly Row[]> {
  const path = join(folder, "read");
  await fill(path, events);
  const server = await serveSqlite(path);
  try {
    return [startRow(server, events), await searchRow(server, events, seconds), await rootRow(server, seconds)];
  } finally {
    await server.stop();
  }
}

async function fill(path: string, events: number): Promise<void> {
  const server = await serveSqlite(path);
  try {
    for (let start = 0; start < events; start += BULK) await post(server.url, JSON.stringify(logBulk(start, BULK)));
    await indexed(server.url);
  } finally {
    await server.stop();
  }
}

/** Resolves when a search answers, which it does when the index has reached the log. */
async function indexed(url: string): Promise<void> {
  for (let asks = 1; ; asks++) {
    try {
      await ask(url, NEWEST_MESSAGE);
      return;
    } catch (error) {
      if (asks === MAX_ASKS) throw error;
    }
  }
}

function startRow({ startMs }: Served, events: number): Row {
  return {
    what: `start-up on ${figure(events)} entries`,
    measured: `${figure(startMs)} ms`,
    bar: "1,000 ms",
    isReached: startMs < 1_000,
  };
}

async function searchRow({ url }: Served, events: number, seconds: number): Promise<Row> {
  const [plain, verified] = await inTurn([search(false), search(true)], (operation) =>
    load({ url, operation, connections: 8, seconds }),
  );
  const times = plain.perSecond / verified.perSecond;
  return {
    what: `search page of 50, all fields, ${figure(events)} events`,
    measured: `${figure(plain.perSecond)}/s, p99 ${figure(plain.p99Ms)} ms; with verification ${figure(times)}x the time`,
    bar: "p99 30 ms, 3x",
    isReached: plain.p99Ms < 30 && times <= 3,
  };
}

async function rootRow({ url }: Served, seconds: number): Promise<Row> {
  const [typename, root] = await inTurn([TYPENAME, ROOT], (operation) =>
    load({ url, operation, connections: 32, seconds }),
  );
  return {
    what: "root from cache",
    measured: `${figure(root.perSecond)}/s, ${ratio(root.perSecond, typename.perSecond)} a __typename query`,
    bar: "0.8x",
    isReached: root.perSecond / typename.perSecond >= 0.8,
  };
}

/** Measures two things in turn, four rounds, the first for warming up; answers the medians. */
async function inTurn<T>(pair: readonly [T, T], measure: (of: T) => Promise<Measured>): Promise<[Measured, Measured]> {
  const rounds: [Measured, Measured][] = [];
  for (let round = 0; round < 4; round++) rounds.push([await measure(pair[0]), await measure(pair[1])]);
  const counted = rounds.slice(1);
  return [middle(counted.map(([a]) => a)), middle(counted.map(([, b]) => b))];
}

function middle(measured: readonly Measured[]): Measured {
  return {
    perSecond: median(measured.map((m) => m.perSecond)),
    p50Ms: median(measured.map((m) => m.p50Ms)),
    p99Ms: median(measured.map((m) => m.p99Ms)),
  };
}
