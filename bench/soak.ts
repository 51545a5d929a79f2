import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { loadavg, tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { TRANSPORTS } from "../test/http/tail-clients.js";
import { fill, untilIdle } from "./gateway/filled.js";
import { ask } from "./gateway/load.js";
import { LOG, logBulk, search } from "./gateway/operations.js";
import { serveSqlite } from "./gateway/served.js";
import { figure, machine } from "./machine.js";
import { plot, type Series } from "./plot.js";

/**
 * Usage: node build/bench/soak.js [minutes] [svg]
 * Whether a gateway on SQLite keeps its size over a log that is large enough to fill its caches: `minutes` (20) at 70 % of what it did in a minute at its peak, of which each turn logs 20
 * events one by one and 400 in a request, and searches two pages of 50 with all verdicts; each tenth downloads 1,000 entries. Four clients
 * follow the log over WebSockets, one of them another one every minute. Every 10 s it looks at the process's memory, what its heap uses and
 * its descriptors; the file `svg` gets a plot. Half a minute before the end of each quarter it has the gateway collect its garbage, and looks at what is live. Linux only.
 * The bars, over all but the first quarter: what the line through the samples rises is at most 5 % of their mean, and the same for the least
 * heap of each minute; two descriptors; what is live in the last quarter is at most 5 % more than in the first.
 */
const [minutes = 20] = process.argv.slice(2, 3).map(Number);
const svg = process.argv[3];
/** Tiles of 262,144 entries are kept, and 64 MiB of the index, which is some 150 bytes an entry. */
const FILLED = 500_000;
const PEAK_S = 60;
const SHARE = 0.7;
const LANES = 8;
/** Turns under way at the most: on a machine that others slow down they would pile up here, and measure the client. */
const MAX_TURNS = 32;
const SINGLES = 20;
const BULK = 400;
const DOWNLOAD_EVERY = 10;
const FOLLOWERS = 4;
const SAMPLE_MS = 10_000;
const SAMPLES_A_MINUTE = 6;
const COLLECT_MS = 2_000;
const COLLECT_BEFORE = 3;
const FOLLOW = { query: "subscription { entryLogged { id leafIndex event { message actor } } }" };
const MIB = 2 ** 20;
const BAR = { rise: 0.05, descriptors: 2 };

interface Sample {
  readonly minute: number;
  readonly memory: number;
  readonly heap: number;
  readonly descriptors: number;
}

interface Soaked {
  readonly samples: readonly Sample[];
  /** One of each quarter. */
  readonly live: readonly Sample[];
}

console.log(`${machine()}; load ${loadavg().map(figure).join(", ")}`);
const folder = mkdtempSync(join(tmpdir(), "auditql-soak-"));
const gateway = await serveSqlite(folder, ["--expose-gc", "--import", import.meta.resolve("./gateway/collects.js")]);
let logged = FILLED;
let turns = 0;
let followed = 0;
/** One after the other: a caller may have two open. */
let downloads: Promise<void> = Promise.resolve();
const failures = new Map<string, number>();
try {
  await fill(gateway, 0, FILLED);
  await untilIdle(gateway);
  const followers = Array.from({ length: FOLLOWERS }, follow);
  const peak = await atOnce(PEAK_S * 1_000);
  console.log(`peak: ${figure(peak)} turns a second, ${figure(peak * (SINGLES + BULK))} events`);
  const { samples, live } = await soak(SHARE * peak, followers);
  for (const stop of followers) stop();
  report(samples, live);
  if (svg !== undefined) writeFileSync(svg, drawn(samples));
} finally {
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Turns a second of lanes that each begin one when their last has ended. */
async function atOnce(forMs: number): Promise<number> {
  const began = performance.now();
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      while (performance.now() - began < forMs) await turn();
    }),
  );
  return (turns * 1_000) / (performance.now() - began);
}

async function turn(): Promise<void> {
  const place = turns++;
  const first = logged;
  logged += BULK + SINGLES;
  await Promise.all([
    ...Array.from({ length: SINGLES }, () => ask(gateway.url, LOG)),
    ask(gateway.url, logBulk(first, BULK)),
    ask(gateway.url, search(true)),
    ask(gateway.url, search(true, "failed login")),
    ...(place % DOWNLOAD_EVERY === 0 ? [(downloads = downloads.then(download))] : []),
  ]);
}

async function download(): Promise<void> {
  const found = await ask(gateway.url, {
    query: '{ search(query: "status:failed", maxResults: 1000, first: 0) { resultId } }',
  });
  const query = "mutation ($id: ID!) { downloadResults(id: $id, format: NDJSON) { url } }";
  const variables = { id: (found as { readonly search: { readonly resultId: string } }).search.resultId };
  const link = (await ask(gateway.url, { query, variables })) as { readonly downloadResults: { readonly url: string } };
  const [response] = (await once(get(link.downloadResults.url, { agent: false }), "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`the download was answered ${String(response.statusCode)}`);
  response.resume();
  await once(response, "end");
}

/** Follows the log until it is told to stop. */
function follow(): () => void {
  const client = TRANSPORTS.WebSocket(gateway.url);
  void (async () => {
    for await (const { data } of client.iterate(FOLLOW)) if (data) followed += 1;
  })().catch(note);
  return () => {
    client.dispose();
  };
}

/** Begins turns at fixed times. */
async function soak(perSecond: number, followers: (() => void)[]): Promise<Soaked> {
  const [samples, live]: [Sample[], Sample[]] = [[], []];
  const running = new Set<Promise<unknown>>();
  const began = performance.now();
  let [begun, skipped] = [0, 0];
  const sampling = setInterval(() => {
    void sampleAt((performance.now() - began) / 60_000).then((sample) => {
      samples.push(sample);
      if ((samples.length + COLLECT_BEFORE) % ((minutes / 4) * SAMPLES_A_MINUTE) === 0)
        void collected(sample.minute).then((one) => live.push(one));
      if (samples.length % SAMPLES_A_MINUTE !== 0) return;
      followers.shift()?.();
      followers.push(follow());
      const { minute, memory, heap, descriptors } = sample;
      console.log(
        `minute ${minute.toFixed(0)}: ${figure(memory)} MiB, heap ${figure(heap)} MiB, ${descriptors} descriptors; ${figure(begun)} turns, ${skipped} left out, load ${figure(loadavg()[0] ?? NaN)}`,
      );
    });
  }, SAMPLE_MS);
  for (let due = began; due < began + minutes * 60_000; due += 1_000 / perSecond) {
    await sleep(Math.max(0, due - performance.now()));
    if (running.size >= MAX_TURNS) {
      skipped += 1;
      continue;
    }
    begun += 1;
    const one = turn().catch(note);
    running.add(one);
    void one.then(() => running.delete(one));
  }
  await Promise.all(running);
  await sleep(SAMPLE_MS); // the last sample
  clearInterval(sampling);
  console.log(
    `${figure(begun)} turns of ${figure(perSecond)} a second, ${skipped} left out; ${figure(logged - FILLED)} events logged, ${figure(followed)} followed`,
  );
  for (const [what, times] of failures) console.log(`failed ${times} times: ${what}`);
  return { samples, live };
}

/** What is live: for the load goes on, the least of three collections. */
async function collected(minute: number): Promise<Sample> {
  const samples: Sample[] = [];
  for (let times = 0; times < 3; times++) {
    gateway.signal("SIGUSR2");
    await sleep(COLLECT_MS);
    samples.push(await sampleAt(minute));
  }
  return samples.reduce((least, sample) => (sample.heap < least.heap ? sample : least));
}

/** Counts failures of a kind, without what is of one request alone. */
function note(error: unknown): void {
  const what = String(error)
    .replaceAll(/[0-9a-f-]{8,}|\d+/g, "#")
    .slice(0, 200);
  failures.set(what, (failures.get(what) ?? 0) + 1);
}

async function sampleAt(minute: number): Promise<Sample> {
  const response = await fetch(new URL("/metrics", gateway.url));
  const [, heap] = /^nodejs_heap_size_used_bytes (\S+)$/m.exec(await response.text()) ?? [];
  return { minute, memory: gateway.memoryMiB(), heap: Number(heap) / MIB, descriptors: gateway.descriptors() };
}

type Pick = (sample: Sample) => number;

/** The least of each minute: between collections a heap only grows. */
function leastOfMinutes(samples: readonly Sample[], pick: Pick): readonly Sample[] {
  const of = new Map<number, Sample>();
  for (const sample of samples) {
    const minute = Math.floor(sample.minute);
    const least = of.get(minute);
    if (least === undefined || pick(sample) < pick(least)) of.set(minute, sample);
  }
  return [...of.values()];
}

function report(samples: readonly Sample[], live: readonly Sample[]): void {
  const kept = samples.filter(({ minute }) => minute >= minutes / 4);
  const heaps = leastOfMinutes(kept, ({ heap }) => heap);
  tell("memory", kept, ({ memory }) => memory);
  tell("heap, the least of each minute", heaps, ({ heap }) => heap);
  const counts = kept.map(({ descriptors }) => descriptors);
  const spread = Math.max(...counts) - Math.min(...counts);
  const isFlat = Math.abs(rise(kept, ({ descriptors }) => descriptors)) <= BAR.descriptors;
  console.log(
    `descriptors: ${Math.min(...counts)} to ${Math.max(...counts)} (${spread}): ${isFlat ? "flat" : "RISING"}`,
  );
  const [first, last] = [live[0]?.heap ?? NaN, live.at(-1)?.heap ?? NaN];
  console.log(
    `live after a collection: ${live.map(({ minute, heap, memory }) => `${figure(heap)} of ${figure(memory)} MiB at minute ${figure(minute)}`).join(", ")}: ${last <= (1 + BAR.rise) * first ? "flat" : "RISING"}`,
  );
}

function tell(what: string, samples: readonly Sample[], pick: Pick): void {
  const mean = samples.reduce((sum, sample) => sum + pick(sample), 0) / samples.length;
  const change = rise(samples, pick);
  const verdict = change <= BAR.rise * mean ? "flat" : "RISING";
  console.log(
    `${what}: ${figure(mean)} MiB, the line changes by ${figure(change)} (${figure((100 * change) / mean)} %): ${verdict}`,
  );
}

/** What the least-squares line through the samples rises from the first to the last. */
function rise(samples: readonly Sample[], pick: Pick): number {
  const n = samples.length;
  const x = samples.reduce((sum, { minute }) => sum + minute, 0) / n;
  const y = samples.reduce((sum, sample) => sum + pick(sample), 0) / n;
  const covariance = samples.reduce((sum, sample) => sum + (sample.minute - x) * (pick(sample) - y), 0);
  const variance = samples.reduce((sum, { minute }) => sum + (minute - x) ** 2, 0);
  return (covariance / variance) * ((samples.at(-1)?.minute ?? NaN) - (samples[0]?.minute ?? NaN));
}

function drawn(samples: readonly Sample[]): string {
  const line = (name: string, pick: Pick): Series => ({
    name,
    points: samples.map((sample) => [sample.minute, pick(sample)]),
  });
  const x = [0, 1, 2, 3, 4].map((quarter) => [(quarter * minutes) / 4, `${(quarter * minutes) / 4} min`] as const);
  return plot(
    [
      {
        title: "Memory, MiB",
        series: [line("process", ({ memory }) => memory), line("heap used", ({ heap }) => heap)],
      },
      { title: "Descriptors", series: [line("open", ({ descriptors }) => descriptors)] },
    ],
    { columns: 2, scale: "linear", x },
  );
}
