import { createHash } from "node:crypto";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { storedEntries } from "../src/engine/search/log-rows.js";
import { SegmentIndex } from "../src/engine/search/segment-index.js";
import { ALL } from "../src/query/filter.js";
import { parseQuery } from "../src/query/parser.js";
import { MemoryBlockStore } from "../src/stores/memory/block-store.js";
import { MemoryLogStore } from "../src/stores/memory/log-store.js";
import { batch, emptyHead } from "../test/stores/batches.js";
import { logged } from "../test/stores/search-events.js";
import { untilStored } from "./stored-index.js";

/**
 * Usage: node build/bench/search-holds.js [events]
 * How long searches over `events` (131,072) entries, each with three words of its own, hold the event loop at the most, and
 * take, in milliseconds: the dearest that the query language lets in. Stored in memory.
 */
const events = Number(process.argv[2] ?? 131_072);
const LOG = "default";
const HEX = Array.from({ length: 16 }, (_, digit) => digit.toString(16));
const QUERIES: readonly (readonly [string, string])[] = [
  ["a rare word", "digest0"],
  ["one prefix", "a*"],
  ["16 prefixes, or", HEX.map((digit) => `${digit}*`).join(" OR ")],
  ["16 prefixes, and", HEX.map((digit) => `${digit}*`).join(" ")],
  ["16 prefixes, none of them", HEX.map((digit) => `NOT ${digit}*`).join(" ")],
  ["a phrase that ends with a prefix", "upload-a*"],
  ["a phrase with a prefix in one field", "message:upload-5*"],
];

const log = new MemoryLogStore();
await log.createLog(emptyHead(LOG));
for (let first = 0; first < events; first += 4_096)
  await log.append(
    batch(
      LOG,
      first,
      Array.from({ length: 4_096 }, (_, place) => entryAt(first + place)),
    ),
  );
const index = new SegmentIndex({ log, blocks: new MemoryBlockStore(), isShared: false });
index.follow(LOG, storedEntries(log, LOG));
await untilStored(index, LOG, events);
const RESOLUTION_MS = 5;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
for (const [name, text] of QUERIES) {
  const parsed = parseQuery(text);
  if (parsed.kind !== "parsed") throw new Error(`not understood: ${text}`);
  const query = { log: LOG, filter: parsed.filter, range: { start: 0, end: events } };
  const newest = { ...query, order: { field: "received_at", direction: "desc" } } as const;
  await measured(`${name}, page`, () => index.page(newest, { limit: 50 }));
  await measured(`${name}, count`, () => index.count(newest, Infinity));
}
const all = { log: LOG, filter: ALL, range: { start: 0, end: events } };
for (const field of ["target", "message"] as const)
  await measured(`everything by ${field}, page`, () =>
    index.page({ ...all, order: { field, direction: "asc" } }, { limit: 50 }),
  );
await index.close();

async function measured(name: string, run: () => Promise<unknown>): Promise<void> {
  await sleep(50);
  delay.reset();
  const startedAt = performance.now();
  await run();
  const took = performance.now() - startedAt;
  await sleep(20);
  console.log(`${name}: held ${(delay.max / 1e6 - RESOLUTION_MS).toFixed(0)}, took ${took.toFixed(0)}`);
}

function entryAt(leaf: number): ReturnType<typeof logged> {
  const digest = createHash("sha256").update(String(leaf)).digest("hex");
  const [a, b, c] = [digest.slice(0, 12), digest.slice(12, 24), digest.slice(24, 36)];
  return logged({ message: `upload ${a} ${b}`, target: c }, leaf);
}
