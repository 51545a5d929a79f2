import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, post } from "./gateway/load.js";
import { logBulk } from "./gateway/operations.js";
import { serveSqlite, type Served } from "./gateway/served.js";
import { figure, machine, perSecond } from "./machine.js";

/**
 * Usage: node build/bench/downloads.js [entries]
 * Fills a log on SQLite through a gateway, and downloads all of it at a tenth of `entries` (1,000,000) and at `entries`:
 * how fast, and what memory the gateway's process takes meanwhile. Client and gateway share the machine.
 */
const entries = Number(process.argv[2] ?? 1_000_000);
const BATCH = 1_000;
const INDEX_MS = 600_000;
const SAMPLE_MS = 50;
const MIB = 2 ** 20;

const WAYS = [
  ["NDJSON", "identity"],
  ["NDJSON", "gzip"],
  ["JSON", "identity"],
  ["CSV", "identity"],
  ["CSV", "gzip"],
] as const;

async function fill(gateway: Served, from: number, to: number): Promise<void> {
  for (let place = from; place < to; place += BATCH) await post(gateway.url, JSON.stringify(logBulk(place, BATCH)));
}

/** Waits until the search index has followed: a search is refused as UNAVAILABLE before. */
async function indexed(gateway: Served): Promise<void> {
  const deadline = Date.now() + INDEX_MS;
  for (;;) {
    try {
      await ask(gateway.url, { query: "{ search(first: 0) { resultId } }" });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** The bytes that came over the wire. */
async function download(url: string, encoding: string): Promise<number> {
  const request = get(url, { headers: { "accept-encoding": encoding }, agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`the download was answered ${String(response.statusCode)}`);
  let bytes = 0;
  for await (const chunk of response) bytes += (chunk as Buffer).length;
  return bytes;
}

async function linkTo(gateway: Served, format: string): Promise<string> {
  const { search } = (await ask(gateway.url, { query: "{ search(first: 0) { resultId } }" })) as {
    search: { resultId: string };
  };
  const query = `mutation ($id: ID!) { downloadResults(id: $id, format: ${format}, everyMatch: true) { url } }`;
  const data = (await ask(gateway.url, { query, variables: search })) as { downloadResults: { url: string } };
  return data.downloadResults.url;
}

async function measure(gateway: Served, size: number, [format, encoding]: (typeof WAYS)[number]): Promise<void> {
  const url = await linkTo(gateway, format);
  const before = gateway.memoryMiB();
  let peak = before;
  const sampling = setInterval(() => {
    peak = Math.max(peak, gateway.memoryMiB());
  }, SAMPLE_MS);
  const began = performance.now();
  const bytes = await download(url, encoding);
  const ms = performance.now() - began;
  clearInterval(sampling);
  const speed = `${figure(perSecond(size, ms))} entries/s, ${figure(perSecond(bytes, ms) / MIB)} MiB/s`;
  const memory = `memory ${figure(before)} MiB before, at most ${figure(peak)} MiB`;
  console.log(`${figure(size).padStart(9)}  ${`${format} ${encoding}`.padEnd(16)}  ${speed}; ${memory}`);
}

const folder = mkdtempSync(join(tmpdir(), "auditql-bench-"));
console.log(machine());
const gateway = await serveSqlite(folder);
try {
  let filled = 0;
  for (const size of [entries / 10, entries]) {
    await fill(gateway, filled, size);
    await indexed(gateway);
    filled = size;
    for (const way of WAYS) await measure(gateway, size, way);
  }
} finally {
  await gateway.stop();
  rmSync(folder, { recursive: true });
}
