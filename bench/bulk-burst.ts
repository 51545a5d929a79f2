import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AuditError } from "../src/audit/errors.js";
import type { AuditService, LogRequest } from "../src/audit/service.js";
import { MemoryRootCache } from "../src/caches/memory/root-cache.js";
import { openLocalService } from "../src/engine/local-service.js";
import { ephemeralKeyring } from "../src/keys/keyring.js";
import { indexed } from "../src/engine/search/open-index.js";
import { openStore } from "../src/stores/index.js";
import { somePostgres } from "../test/stores/postgres/server.js";
import { eventAt } from "./events.js";
import { figure, machine, median } from "./machine.js";
import { untilStored } from "./stored-index.js";
import { KEYRING } from "../test/keyring.js";

/**
 * Usage: node build/bench/bulk-burst.js [rounds] [store] [in flight]
 * A burst of 100,000 events in requests of 100 to 1,000, due within a second, from 64 clients: what `logBulkAsync` absorbs, beside
 * `logBulk` with room for so many events. The variants take turns, `rounds` (3) times; each run is a process of its own, so that
 * peak memory is its own, on a new log. `store`: `sqlite`, `postgres` or `both`. Each client sends a request when the last one was
 * answered, or, with `any` in flight, whenever one is due; a refused request is repeated after the pause that the error names.
 * Without HTTP and GraphQL, which cost all the same; without what PostgreSQL spends.
 */
const LOG = "default";
const EVENTS = 100_000;
const CLIENTS = 64;
const DUE_WITHIN_MS = 1_000;
const WARM_UP = 4;
const LOOK_MS = 10;
const SINGLE_EVERY_MS = 100;

/** The number of events that may wait in the log's queue, and the way into it: `later` as `logBulkAsync`, `at once` as `logBulk`. */
const VARIANTS = {
  "at once, 16,384": { way: "at once", room: 16_384 },
  "at once, 131,072": { way: "at once", room: 131_072 },
  later: { way: "later", room: 16_384 },
} as const;
type Variant = keyof typeof VARIANTS;
/** `one`: a client sends its next request when the last one was accepted; `any`: whenever it is due. */
type InFlight = "one" | "any";

interface Run {
  readonly url: string;
  readonly variant: Variant;
  readonly inFlight: InFlight;
}

interface Measured {
  readonly acceptedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly loggedMs: number;
  /** Of single events that are logged meanwhile, by `append`. */
  readonly singleP50Ms: number;
  readonly singleP99Ms: number;
  readonly refusedSingles: number;
  readonly refusals: number;
  readonly reason: string;
  readonly cpuSeconds: number;
  readonly peakMebibytes: number;
  readonly beforeMebibytes: number;
}

/** The first event of each request, and how many it has: 100 to 1,000, the same ones in every run. */
function requests(): readonly { readonly start: number; readonly count: number }[] {
  const all: { start: number; count: number }[] = [];
  for (let start = 0, seed = 1; start < EVENTS; seed = (seed * 48_271) % 2_147_483_647) {
    const count = Math.min(100 + (seed % 901), EVENTS - start);
    all.push({ start, count });
    start += count;
  }
  return all;
}

/** Made when it is sent, as its text is parsed then. */
function request({ start, count }: { readonly start: number; readonly count: number }): LogRequest {
  const events = Array.from({ length: count }, (_, place) => ({ event: eventAt(start + place) }));
  return { log: LOG, events, sign: false, path: "events", idempotencyKey: randomUUID() };
}

class Burst {
  readonly #latencies: number[] = [];
  readonly #reasons = new Set<string>();
  #refusals = 0;

  constructor(
    private readonly accept: (request: LogRequest) => Promise<unknown>,
    private readonly inFlight: Run["inFlight"],
  ) {}

  /** Resolves when every request is accepted. */
  async send() {
    const all = requests();
    const began = performance.now();
    const due = async (place: number): Promise<void> => {
      const at = began + (place * DUE_WITHIN_MS) / all.length;
      await sleep(Math.max(0, at - performance.now()));
      const one = all[place];
      if (one !== undefined) await this.#untilAccepted(request(one));
    };
    const lane = async (client: number): Promise<void> => {
      for (let place = client; place < all.length; place += CLIENTS) await due(place);
    };
    if (this.inFlight === "any") await Promise.all(all.map((_, place) => due(place)));
    else await Promise.all(Array.from({ length: CLIENTS }, (_, client) => lane(client)));
    const acceptedMs = performance.now() - began;
    const { p50: p50Ms, p99: p99Ms } = percentiles(this.#latencies);
    return { began, acceptedMs, p50Ms, p99Ms, refusals: this.#refusals, reason: [...this.#reasons].join("; ") };
  }

  async #untilAccepted(one: LogRequest): Promise<void> {
    for (const began = performance.now(); ;) {
      try {
        await this.accept(one);
        this.#latencies.push(performance.now() - began);
        return;
      } catch (error) {
        if (!(error instanceof AuditError) || error.retryAfterMs === undefined) throw error;
        this.#refusals++;
        this.#reasons.add(`${error.code}: ${error.message}`);
        await sleep(error.retryAfterMs);
      }
    }
  }
}

function percentiles(latencies: readonly number[]): { readonly p50: number; readonly p99: number } {
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

/** What somebody meets who logs an event at a time while others send the burst. */
class Singles {
  readonly #latencies: number[] = [];
  readonly #pending: Promise<void>[] = [];
  readonly #timer: NodeJS.Timeout;
  #refused = 0;
  #sent = 0;

  constructor(private readonly service: AuditService) {
    this.#timer = setInterval(() => {
      this.#pending.push(this.#one());
    }, SINGLE_EVERY_MS);
  }

  get logged(): number {
    return this.#latencies.length;
  }

  async end() {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    const { p50: singleP50Ms, p99: singleP99Ms } = percentiles(this.#latencies);
    return { singleP50Ms, singleP99Ms, refusedSingles: this.#refused };
  }

  async #one(): Promise<void> {
    const began = performance.now();
    try {
      await this.service.append({ log: LOG, events: [{ event: eventAt(this.#sent++) }], sign: false, path: "event" });
      this.#latencies.push(performance.now() - began);
    } catch (error) {
      if (!(error instanceof AuditError) || error.outcome !== "NONE") throw error;
      this.#refused++;
    }
  }
}

async function open({ url, variant }: Run) {
  const { log: store, index, isShared: sharedStore } = indexed(await openStore(url), KEYRING);
  const { way, room: maxWaitingEvents } = VARIANTS[variant];
  const service = await openLocalService({
    ...{ store, index, sharedStore, keyring: ephemeralKeyring(), cache: new MemoryRootCache() },
    ...{ origin: "bench", logs: [{ log: LOG, format: "rfc6962" }] },
    queueLimits: { maxBatchEvents: 4_096, maxWaitingEvents },
  });
  const accept = (one: LogRequest): Promise<unknown> =>
    way === "later" ? service.appendLater(one) : service.append(one);
  return { store, index, service, accept };
}

async function untilLogged(service: AuditService, events: () => number): Promise<void> {
  while ((await service.root(LOG)).treeSize < events()) await sleep(LOOK_MS);
}

async function measure(run: Run): Promise<Measured> {
  const { store, index, service, accept } = await open(run);
  for (let turn = 0; turn < WARM_UP; turn++) await accept(request({ start: turn * 1_000, count: 1_000 }));
  await untilLogged(service, () => WARM_UP * 1_000);
  await untilStored(index, LOG, WARM_UP * 1_000);
  const beforeMebibytes = process.memoryUsage().rss / 2 ** 20;
  const cpu = process.cpuUsage();
  const singles = new Singles(service);
  const { began, ...sent } = await new Burst(accept, run.inFlight).send();
  await untilLogged(service, () => WARM_UP * 1_000 + EVENTS + singles.logged);
  const loggedMs = performance.now() - began;
  const single = await singles.end();
  await untilStored(index, LOG, WARM_UP * 1_000 + EVENTS + singles.logged); // what one variant leaves for later is counted too
  const { user, system } = process.cpuUsage(cpu);
  const peakMebibytes = process.resourceUsage().maxRSS / 1_024;
  await service.close();
  await index.close();
  await store.close();
  return { ...sent, ...single, loggedMs, cpuSeconds: (user + system) / 1_000_000, peakMebibytes, beforeMebibytes };
}

/** In a process of its own. */
function measured(run: Run): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(process.argv[1] ?? "", ["one"]);
    child.once("message", (result) => {
      resolve(result as Measured);
    });
    child.once("exit", (code) => {
      reject(new Error(`a run ended with ${code}`));
    });
    child.send(run);
  });
}

async function compare(store: string, newUrl: () => Promise<string>): Promise<void> {
  const all = new Map<string, Measured[]>();
  for (let round = 0; round < rounds; round++) {
    for (const variant of Object.keys(VARIANTS) as Variant[]) {
      const name = `${store} ${variant}`;
      const one = await measured({ url: await newUrl(), variant, inFlight });
      all.set(name, [...(all.get(name) ?? []), one]);
      console.log(`${name.padEnd(25)} ${line([one])}  load ${figure(loadavg()[0] ?? 0)}  ${one.reason}`);
    }
  }
  console.log("medians");
  for (const [name, runs] of all) console.log(`${name.padEnd(25)} ${line(runs)}`);
}

function line(runs: readonly Measured[]): string {
  const of = (take: (one: Measured) => number): string => figure(median(runs.map(take)));
  return [
    `accepted ${of((one) => one.acceptedMs)} ms`,
    `p50 ${of((one) => one.p50Ms)} p99 ${of((one) => one.p99Ms)} ms`,
    `refusals ${of((one) => one.refusals)}`,
    `singles p50 ${of((one) => one.singleP50Ms)} p99 ${of((one) => one.singleP99Ms)} ms, refused ${of((one) => one.refusedSingles)}`,
    `logged ${of((one) => one.loggedMs)} ms`,
    `cpu ${of((one) => one.cpuSeconds)} s`,
    `peak ${of((one) => one.peakMebibytes)} MiB (before ${of((one) => one.beforeMebibytes)})`,
  ].join("  ");
}

async function onSqlite(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "auditql-bench-"));
  let turn = 0;
  try {
    await compare("sqlite", () => Promise.resolve(`sqlite:${join(folder, `log-${turn++}.db`)}`));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function onPostgres(): Promise<void> {
  const server = await somePostgres(["fsync=on"]);
  try {
    await compare("postgres", () => server.newDatabase());
  } finally {
    await server.close();
  }
}

const inFlight: InFlight = process.argv[4] === "any" ? "any" : "one";
const rounds = Number(process.argv[2] ?? 3);
if (process.argv[2] === "one") {
  process.once("message", (run) => {
    void measure(run as Run).then((result) => process.send?.(result));
  });
} else {
  console.log(`${machine()}, load ${loadavg().map(figure).join(" ")}`);
  console.log(`${EVENTS} events in ${requests().length} requests, ${CLIENTS} clients, ${inFlight} in flight each`);
  if (process.argv[3] !== "postgres") await onSqlite();
  if (process.argv[3] !== "sqlite") await onPostgres();
}
