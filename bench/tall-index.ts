import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { replaced } from "../src/audit/calls.js";
import type { BlockStore } from "../src/audit/block-store.js";
import type { NewEntry } from "../src/audit/store.js";
import { utf8 } from "../src/core/bytes.js";
import { logFormat } from "../src/core/format.js";
import type { Question } from "../src/core/segment/answer.js";
import { PIECE_DOCUMENTS } from "../src/core/segment/format.js";
import { BASE_ENTRIES } from "../src/core/segment/index-log.js";
import { storedEntries } from "../src/engine/search/log-rows.js";
import { SegmentIndex } from "../src/engine/search/segment-index.js";
import { nodeSha256 } from "../src/keys/node-crypto.js";
import type { Filter } from "../src/query/filter.js";
import { parseQuery } from "../src/query/parser.js";
import { openSqlite } from "../src/stores/sqlite/open.js";
import { batch, emptyHead } from "../test/stores/batches.js";
import { figure, machine, median, perSecond } from "./machine.js";
import { untilStored } from "./stored-index.js";

/**
 * Usage: node --expose-gc build/bench/tall-index.js [entries] [runs]
 * A log of `entries` (2,228,224; a multiple of 4,096) small events in SQLite: how long its segments of levels 1 and 2 take, then those of
 * level 3, with the memory of that and how long it holds the event loop; searches before and after, and proofs, in
 * milliseconds, medians of `runs` (9). The folder is removed at the end.
 */
const entries = Number(process.argv[2] ?? 2_228_224);
const runs = Number(process.argv[3] ?? 9);
const LOG = "default";
const FORMAT = logFormat("rfc6962", nodeSha256);
const MIB = 2 ** 20;
const QUERIES: readonly (readonly [string, string])[] = [
  ["a rare word", "unique77777"],
  ["a word that is nowhere", "nowhere"],
  ["two common words", "failed update"],
  ["an actor", 'actor="user7@example.com"'],
  ["a phrase", '"changed the"'],
  ["a prefix", "unique777*"],
];

console.log(machine());
const folder = mkdtempSync(join(tmpdir(), "auditql-tall-"));
try {
  await measure();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const path = join(folder, "audit.db");
  const store = await openSqlite(path);
  await store.log.createLog(emptyHead(LOG));
  const before = openIndex(store.log, withoutLevel3(store.blocks));
  let startedAt = performance.now();
  for (let first = 0; first < entries; first += PIECE_DOCUMENTS)
    await store.log.append(
      batch(
        LOG,
        first,
        Array.from({ length: PIECE_DOCUMENTS }, (_, i) => entryAt(first + i)),
      ),
    );
  const loadMs = performance.now() - startedAt;
  const lag = entries - (await before.indexedSize(LOG));
  await untilStored(before, LOG, entries);
  const builtMs = performance.now() - startedAt;
  console.log(`${figure(entries)} entries appended at ${figure(perSecond(entries, loadMs))} a second; then the index`);
  console.log(`was ${figure(lag)} behind, and had them all ${figure((builtMs - loadMs) / 1000)} s later`);
  console.log(`index log: ${(await before.indexHead(LOG, entries)).treeSize} of ${entries / BASE_ENTRIES} bases`);
  await searches(before, "segments of level 2");
  await before.close();
  await store.log.close();

  const again = await openSqlite(path);
  globalThis.gc?.();
  const index = openIndex(again.log, again.blocks);
  const rss = process.memoryUsage.rss();
  let peak = rss;
  const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  startedAt = performance.now();
  const cpu = process.cpuUsage();
  while ((await again.blocks.segments(LOG)).filter(({ level }) => level === 3).length < Math.floor(entries / 2 ** 20))
    await sleep(100);
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const merged = Math.floor(entries / 2 ** 20);
  console.log(
    `level 3: ${merged} merges in ${figure(seconds)} s, ${figure((user + system) / 1e6)} s of processor time;`,
  );
  console.log(`memory ${figure(rss / MIB)} MiB before, at most ${figure(peak / MIB)} meanwhile;`);
  console.log(`the event loop was held ${figure(delay.max / 1e6 - 5)} ms at most`);
  clearInterval(sampling);
  delay.disable();
  while ((await index.indexHead(LOG, entries)).treeSize < Math.floor(entries / BASE_ENTRIES)) await sleep(100);
  await sleep(2_000); // children are removed
  const rows = await again.blocks.segments(LOG);
  console.log(`segments: ${[1, 2, 3].map((level) => rows.filter((row) => row.level === level).length).join(", ")}`);
  const blocks = rows.reduce((sum, row) => sum + row.blocks, 0);
  console.log(
    `${figure((blocks * 1952) / entries)} bytes an entry listed; file ${figure(statSync(`${path}-index`).size / MIB)} MiB`,
  );
  await searches(index, "segments of level 3");
  await proofs(index);
  await index.close();
  await again.log.close();
}

type Opened = Awaited<ReturnType<typeof openSqlite>>;

function openIndex(log: Opened["log"], blocks: BlockStore): SegmentIndex {
  const index = new SegmentIndex({ log, blocks, isShared: false });
  index.follow(LOG, storedEntries(log, LOG));
  return index;
}

/** A large merge begins with this call. */
function withoutLevel3(blocks: BlockStore): BlockStore {
  return replaced(blocks, {
    remove: (log, ids) =>
      ids.some(({ level }) => level === 3) ? Promise.reject(new Error("not now")) : blocks.remove(log, ids),
  });
}

async function searches(index: SegmentIndex, over: string): Promise<void> {
  for (const [name, text] of QUERIES) {
    const query = { log: LOG, filter: filterOf(text), range: { start: 0, end: entries } };
    const newest = { ...query, order: { field: "received_at", direction: "desc" } } as const;
    let count = 0;
    const page = await timed(() => index.page(newest, { limit: 50 }));
    const counted = await timed(async () => (count = await index.count(newest, Infinity)));
    console.log(`${over}: ${name}: page ${figure(page)}, count ${figure(counted)} (${figure(count)})`);
  }
}

async function proofs(index: SegmentIndex): Promise<void> {
  for (const [name, text] of QUERIES)
    for (const wanted of [
      { kind: "page", limit: 50 },
      { kind: "count", cap: undefined },
    ] as const) {
      const question: Question = {
        ...{
          filter: filterOf(text),
          window: { from: undefined, until: undefined },
          after: undefined,
          descending: true,
          wanted,
        },
      };
      const window = { start: 0, end: entries };
      const query = { log: LOG, question, window, treeSize: entries, rootHash: FORMAT.emptyRoot, format: FORMAT };
      let bytes = 0;
      const took = await timed(async () => {
        bytes = (await index.prove({ ...query, siblings: () => Promise.resolve([]) })).proof.length;
      });
      console.log(
        `proof of ${name}, ${wanted.kind}: ${figure(bytes / 1024)} KiB, proven and verified in ${figure(took)}`,
      );
    }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  await run();
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

function filterOf(text: string): Filter {
  const parsed = parseQuery(text);
  if (parsed.kind !== "parsed") throw new Error(`not understood: ${text}`);
  return parsed.filter;
}

/** About 250 bytes. */
function entryAt(place: number): NewEntry {
  const at = new Date(Date.UTC(2026, 0, 1) + place).toISOString();
  const event = {
    message: `${place % 7 === 0 ? "changed the" : "read a"} role unique${place}`,
    actor: `user${place % 500}@example.com`,
    action: ["create", "update", "delete", "login"][(place >> 3) % 4] ?? "",
    status: place % 3 === 0 ? "failed" : "ok",
    target: `/api/${place % 997}`,
  };
  const receivedAt = at.replace("Z", "000Z");
  const canonical = FORMAT.canonicalText({ event, received_at: receivedAt });
  return { canonical, leafHash: FORMAT.leafHash(utf8(canonical)), receivedAt };
}
