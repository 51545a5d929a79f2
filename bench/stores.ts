import { mkdtempSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import type { AppendBatch } from "../src/audit/store.js";
import type { IndexQuery, IndexedStore } from "../src/audit/search-index.js";
import type { Filter } from "../src/query/filter.js";
import { indexed } from "../src/engine/search/open-index.js";
import { openStore } from "../src/stores/index.js";
import { entryAt } from "./events.js";
import { untilStored } from "./stored-index.js";
import { KEYRING } from "../test/keyring.js";

/** Usage: node build/bench/stores.js [events] [batch]. Appends to a fresh SQLite log while the index follows, then searches. */
const events = Number(process.argv[2] ?? 100_000);
const batchSize = Number(process.argv[3] ?? 1_000);
const LOG = "default";

function batchAt(size: number): AppendBatch {
  const entries = Array.from({ length: Math.min(batchSize, events - size) }, (_, place) => entryAt(size + place));
  return { log: LOG, expectedSize: size, entries, tiles: [], rootHash: new Uint8Array(32), checkpoint: `at ${size}` };
}

const perSecond = (count: number, ms: number): string => `${Math.round((count * 1000) / ms).toLocaleString("en")}/s`;

async function appendAll({ log, index }: IndexedStore): Promise<void> {
  await log.createLog({
    log: LOG,
    format: "rfc6962",
    size: 0,
    rootHash: new Uint8Array(32),
    checkpoint: "",
    lastReceivedAt: "",
  });
  let appendMs = 0;
  const start = performance.now();
  let making = 0;
  const cpuStart = process.cpuUsage();
  for (let size = 0; size < events; size += batchSize) {
    const made = process.cpuUsage();
    const batch = batchAt(size);
    making += cpuMicros(made);
    const began = performance.now();
    await log.append(batch);
    appendMs += performance.now() - began;
  }
  const appended = performance.now() - start;
  await untilStored(index, LOG, events);
  const indexed = performance.now() - start;
  console.log(`append (index following)    ${perSecond(events, appendMs)}`);
  console.log(`append with making events   ${perSecond(events, appended)}`);
  console.log(`indexed, from first append  ${perSecond(events, indexed)}`);
  console.log(`CPU of all threads          ${((cpuMicros(cpuStart) - making) / events).toFixed(1)} us/event`);
}

/** Processor time of the whole process since `start`, in microseconds: a figure that a busy machine does not change. */
function cpuMicros(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

const phraseOf = (...words: readonly string[]): Filter => ({ kind: "phrase", field: undefined, words, prefix: false });

async function searchAll({ index }: IndexedStore): Promise<void> {
  const newest = { field: "received_at", direction: "desc" } as const;
  const queries: Readonly<Record<string, Pick<IndexQuery, "filter" | "order">>> = {
    "everything, newest": { filter: { kind: "all" }, order: newest },
    "rare word, newest": { filter: phraseOf("request", "77"), order: newest },
    "33 % word, newest": { filter: phraseOf("failed"), order: newest },
    "actor= and status=": {
      filter: {
        kind: "and",
        filters: [
          { kind: "exact", field: "actor", value: "user77@example.com" },
          { kind: "exact", field: "status", value: "failed" },
        ],
      },
      order: newest,
    },
    "not a 33 % word": { filter: { kind: "not", filter: phraseOf("failed") }, order: newest },
    "prefix of 10 %": { filter: { kind: "phrase", field: undefined, words: ["ka"], prefix: true }, order: newest },
    "33 % word, by actor": { filter: phraseOf("failed"), order: { field: "actor", direction: "asc" } },
    "everything, by actor": { filter: { kind: "all" }, order: { field: "actor", direction: "asc" } },
    "everything, by target": { filter: { kind: "all" }, order: { field: "target", direction: "asc" } },
  };
  for (const [name, query] of Object.entries(queries)) {
    const full = { ...query, log: LOG, range: { start: 0, end: events } };
    const page = await timed(() => index.page(full, { limit: 51 }));
    const deep = await timed(() => index.page(full, { offset: 9_950, limit: 51 }));
    const count = await timed(() => index.count(full, 10_000));
    console.log(`${name.padEnd(24)} page ${page}   page at 9,950 ${deep}   count ${count}`);
  }
}

/** Median and worst of some calls, in ms. */
async function timed(call: () => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  for (let round = 0; round < 15; round++) {
    const start = performance.now();
    await call();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return `${(times[7] ?? 0).toFixed(2)} (${(times.at(-1) ?? 0).toFixed(1)}) ms`;
}

const folder = mkdtempSync(join(tmpdir(), "auditql-bench-"));
const path = join(folder, "log.db");
const store = indexed(await openStore(`sqlite:${path}`), KEYRING);
console.log(
  `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "?"}; ${events} events, batches of ${batchSize}`,
);
await appendAll(store);
await searchAll(store);
await store.index.close();
await store.log.close();
const bytesPerEvent = (file: string): string => `${Math.round(statSync(file).size / events)} B/event`;
console.log(`log ${bytesPerEvent(path)}, index ${bytesPerEvent(`${path}-index`)}`);
await openAgain("open");
rmSync(`${path}-index`);
await openAgain("index made again");
rmSync(folder, { recursive: true });

/** Opens the log and waits until its index is whole. */
async function openAgain(what: string): Promise<void> {
  const start = performance.now();
  const cpuStart = process.cpuUsage();
  const { log, index } = indexed(await openStore(`sqlite:${path}`), KEYRING);
  await untilStored(index, LOG, events);
  const ms = performance.now() - start;
  const cpu = `${(cpuMicros(cpuStart) / events).toFixed(1)} us of processor time per event`;
  console.log(`${what}: ${ms.toFixed(0)} ms, ${perSecond(events, ms)}, ${cpu}`);
  await index.close();
  await log.close();
}
