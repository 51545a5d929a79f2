import { cpus } from "node:os";
import pg from "pg";
import type { IndexQuery, SearchIndex } from "../src/audit/search-index.js";
import type { NewEntry } from "../src/audit/store.js";
import type { Filter } from "../src/query/filter.js";
import { PostgresLogStore } from "../src/stores/postgres/log-store.js";
import { indexed } from "../src/engine/search/open-index.js";
import { openDatabase, openPostgres } from "../src/stores/postgres/open.js";
import { somePostgres } from "../test/stores/postgres/server.js";
import { entryAt } from "./events.js";
import { untilStored } from "./stored-index.js";
import { KEYRING } from "../test/keyring.js";

/**
 * Usage: node build/bench/postgres.js. On a PostgreSQL of its own, or the one of AUDITQL_TEST_POSTGRES: appends beside bare
 * inserts of the same rows, then lets the index catch up, then searches. Takes less than a minute.
 */
const LOG = "default";
const EVENTS = 100_000;
const SEARCH_ROUNDS = 50;

/** Entries per append, and how many entries are appended that way; the last fills the log up to EVENTS. */
const BATCHES: readonly (readonly [size: number, entries: number])[] = [
  [1, 500],
  [100, 19_500],
  [1_000, 80_000],
];

/** One kind of insert: appends the entries at a leaf index. */
type Insert = (start: number, entries: readonly NewEntry[]) => Promise<void>;

function intoLog(store: PostgresLogStore): Insert {
  return async (start, entries) => {
    const batch = { log: LOG, expectedSize: start, entries, tiles: [], rootHash: new Uint8Array(32), checkpoint: "" };
    const { kind } = await store.append(batch);
    if (kind !== "appended") throw new Error(`append at ${start}: ${kind}`);
  };
}

/** The least an append could be: one multi-row INSERT, prepared, into a table of the same columns and key, without a head. */
function intoTable(client: pg.Client): Insert {
  return async (start, entries) => {
    const rows = entries.map((_, row) => `($${4 * row + 1}, $${4 * row + 2}, $${4 * row + 3}, $${4 * row + 4})`);
    const text = `INSERT INTO bare (leaf_index, received_at, leaf_hash, canonical) VALUES ${rows.join(", ")}`;
    const values = entries.flatMap((entry, row) => [start + row, entry.receivedAt, entry.leafHash, entry.canonical]);
    await client.query({ name: `bare-${entries.length}`, text, values });
  };
}

/** Takes turns, so that what else the machine does troubles both alike. Entries per second of each. */
async function compareInserts(inserts: readonly Insert[], range: Range): Promise<readonly number[]> {
  const spentMs = inserts.map(() => 0);
  for (let start = range.start; start < range.end; start += range.step) {
    const entries = Array.from({ length: range.step }, (_, place) => entryAt(start + place));
    for (const [place, insert] of inserts.entries())
      spentMs[place] = (spentMs[place] ?? 0) + (await ms(() => insert(start, entries)));
  }
  return spentMs.map((spent) => ((range.end - range.start) * 1_000) / spent);
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

async function appends(url: string): Promise<void> {
  const store = new PostgresLogStore(await openDatabase({ url }));
  const head = { log: LOG, format: "rfc6962", size: 0, rootHash: new Uint8Array(32), checkpoint: "" } as const;
  await store.createLog({ ...head, lastReceivedAt: "2026-01-01T00:00:00.000000Z" });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    "CREATE TABLE bare (leaf_index bigint PRIMARY KEY, received_at text, leaf_hash bytea, canonical text)",
  );
  let start = 0;
  for (const [step, entries] of BATCHES) {
    const range = { start, end: start + entries, step };
    const [log = 0, bare = 0] = await compareInserts([intoLog(store), intoTable(client)], range);
    start = range.end;
    console.log(
      `append of ${String(step).padStart(5)}   ${rate(log)}   bare insert ${rate(bare)}   ratio ${(log / bare).toFixed(2)}`,
    );
  }
  await client.query("DROP TABLE bare");
  await client.end();
  await store.close();
}

const word = (...words: readonly string[]): Filter => ({ kind: "phrase", field: undefined, words, prefix: false });
const prefix = (text: string): Filter => ({ kind: "phrase", field: undefined, words: [text], prefix: true });

const SEARCHES: Readonly<Record<string, Filter>> = {
  everything: { kind: "all" },
  "rare word": word("77777"),
  "33 % word": word("failed"),
  "no such word": word("nowhere"),
  phrase: word("request", "77777"),
  "actor= and status=": {
    kind: "and",
    filters: [
      { kind: "exact", field: "actor", value: "user77@example.com" },
      { kind: "exact", field: "status", value: "failed" },
    ],
  },
  "not a 33 % word": { kind: "not", filter: word("failed") },
  "rare prefix": prefix("7777"),
  "frequent prefix": prefix("ka"),
};

async function searches(index: SearchIndex): Promise<void> {
  const newest = { field: "received_at", direction: "desc" } as const;
  for (const [name, filter] of Object.entries(SEARCHES)) {
    const query: IndexQuery = { log: LOG, filter, range: { start: 0, end: EVENTS }, order: newest };
    const byActor: IndexQuery = { ...query, order: { field: "actor", direction: "asc" } };
    const page = await percentiles(async () => index.page(query, { limit: 50 }));
    const sorted = await percentiles(async () => index.page(byActor, { limit: 50 }));
    const count = await percentiles(async () => index.count(query, 10_000));
    console.log(`${name.padEnd(20)} newest ${page}   by actor ${sorted}   count ${count}`);
  }
}

/** p50 and p99 of many calls, in ms. */
async function percentiles(call: () => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  for (let round = 0; round < SEARCH_ROUNDS; round++) times.push(await ms(call));
  times.sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(1).padStart(5);
  return `${at(0.5)}/${at(0.99)}`;
}

async function ms(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await call();
  return performance.now() - start;
}

const rate = (perSecond: number): string => `${Math.round(perSecond).toLocaleString("en").padStart(8)}/s`;

const server = await somePostgres(["fsync=on"]);
const url = await server.newDatabase();
console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "?"}; PostgreSQL on loopback, fsync on`);
await appends(url);
const { log, index } = indexed(await openPostgres({ url }), KEYRING);
const indexingMs = await ms(async () => untilStored(index, LOG, EVENTS));
console.log(`index catching up ${rate((EVENTS * 1_000) / indexingMs)}`);
console.log(`search of ${EVENTS.toLocaleString("en")} events, page of 50, p50/p99 in ms:`);
await searches(index);
await index.close();
await log.close();
await server.close();
