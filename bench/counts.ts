import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { FACET_FIELDS } from "../src/audit/breakdown.js";
import { PIECE_DOCUMENTS } from "../src/core/segment/format.js";
import { storedEntries } from "../src/engine/search/log-rows.js";
import { SegmentIndex } from "../src/engine/search/segment-index.js";
import { parseQuery } from "../src/query/parser.js";
import { timeSteps } from "../src/query/time-steps.js";
import { openSqlite } from "../src/stores/sqlite/open.js";
import { batch, emptyHead } from "../test/stores/batches.js";
import { entryAt } from "./events.js";
import { figure, machine, median } from "./machine.js";
import { untilStored } from "./stored-index.js";

/**
 * Usage: node build/bench/counts.js [entries] [runs]
 * How long a histogram and facets over `entries` (1,048,576) events in SQLite take, beside an exact count, and hold the event
 * loop at the most, in milliseconds, medians of `runs` (9). Every sum is checked against the count. The folder is removed at the end.
 */
const entries = Number(process.argv[2] ?? 2 ** 20);
const runs = Number(process.argv[3] ?? 9);
const LOG = "default";
const BUCKETS = 60;
const RESOLUTION_MS = 5;
const QUERIES = ["*", "status:failed", "actor:user7", "status:failed action:login", "request 77777"];

console.log(machine());
const folder = mkdtempSync(join(tmpdir(), "auditql-counts-"));
const store = await openSqlite(join(folder, "audit.db"));
const index = new SegmentIndex({ log: store.log, blocks: store.blocks, isShared: false });
try {
  await store.log.createLog(emptyHead(LOG));
  for (let first = 0; first < entries; first += PIECE_DOCUMENTS) {
    const group = Array.from({ length: PIECE_DOCUMENTS }, (_, place) => entryAt(first + place));
    await store.log.append(batch(LOG, first, group));
  }
  index.follow(LOG, storedEntries(store.log, LOG));
  await untilStored(index, LOG, entries);
  for (const text of QUERIES) await measure(text);
} finally {
  await index.close();
  await store.log.close();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(text: string): Promise<void> {
  const parsed = parseQuery(text);
  if (parsed.kind !== "parsed") throw new Error(`not understood: ${text}`);
  const order = { field: "received_at", direction: "desc" } as const;
  const query = { log: LOG, filter: parsed.filter, range: { start: 0, end: entries }, order };
  const count = await index.count(query, Infinity);
  const require = (what: string, sum: number): void => {
    if (sum !== count) throw new Error(`${text}: ${what} has ${sum}, not ${count}`);
  };
  console.log(`${text}: ${figure(count)}`);
  await timed("count", () => index.count(query, Infinity));
  const leaves = Array.from({ length: BUCKETS + 1 }, (_, place) => Math.round((place * entries) / BUCKETS));
  require("histogram", sumOf(await index.countLeaves(query, leaves)));
  await timed("histogram of receipt", () => index.countLeaves(query, leaves));
  const histogram = async (): Promise<number> => {
    const { span, without } = await index.timesOf(query);
    if (span === undefined) return without;
    return without + sumOf(await index.countTimes(query, timeSteps(span.first, span.last, BUCKETS)));
  };
  require("histogram of events", await histogram());
  await timed("histogram of events", histogram);
  for (const field of FACET_FIELDS) {
    const facet = await index.topValues(query, { field, first: 10 });
    require(field, sumOf(facet.values.map((value) => value.count)) + facet.otherCount + facet.missingCount);
    await timed(`${field}, ${figure(facet.distinctCount)} values`, () => index.topValues(query, { field, first: 10 }));
  }
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

async function timed(what: string, run: () => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  for (let i = 0; i < runs; i++) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  delay.disable();
  const held = Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
  console.log(`  ${what}: ${figure(median(times))} ms, holds ${figure(held)} ms at most`);
}
