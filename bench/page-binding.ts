import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { HeaderMap, type ApolloServer } from "@apollo/server";
import { pino } from "pino";
import { timeText } from "../src/audit/clock.js";
import type { IndexedStore } from "../src/audit/search-index.js";
import type { AuditService } from "../src/audit/service.js";
import { MemoryRootCache } from "../src/caches/memory/root-cache.js";
import { TILE_WIDTH } from "../src/core/tree.js";
import { openLocalService } from "../src/engine/local-service.js";
import { COMPILE_AT_HIT } from "../src/graphql/compiled-execution.js";
import { auditContext, type AuditContext } from "../src/graphql/context.js";
import { graphqlServer } from "../src/graphql/server.js";
import { interruptible } from "../src/http/graphql/operation.js";
import { ephemeralKeyring } from "../src/keys/keyring.js";
import { indexed } from "../src/engine/search/open-index.js";
import { openStore } from "../src/stores/index.js";
import { somePostgres } from "../test/stores/postgres/server.js";
import { eventAt } from "./events.js";
import type { Operation } from "./gateway/load.js";
import { search } from "./gateway/operations.js";
import { figure, machine, median } from "./machine.js";
import { choosableReads, type Reads } from "./plain-reads.js";
import { untilStored } from "./stored-index.js";
import { KEYRING } from "../test/keyring.js";

/**
 * Usage: node build/bench/page-binding.js [events] [rounds] [pages] [store]
 * What it costs that every entry shown is bound to the signed tree: the same GraphQL pages of 50 from a log of `events`
 * (100,000), with the binding and with the plain read there was before, by turns in one process, in `rounds` (7) of `pages`
 * (40) each; `store`: `sqlite` or `postgres`, both if not given. The figures are processor time of all threads of this
 * process, which what else the machine does changes little: without HTTP, and without what PostgreSQL spends.
 */
const events = Number(process.argv[2] ?? 100_000);
const rounds = Number(process.argv[3] ?? 7);
const pages = Number(process.argv[4] ?? 40);
const onlyStore = process.argv[5];

const LOG = "default";
const PAGE = 50;
const BULK = 1_000;
const ACTORS = 500;
const WINDOW_BATCHES = 20;
const START_MICROS = Date.UTC(2026, 0, 1) * 1_000;
const MICROS_PER_BATCH = 1_000_000;

type Page = (place: number, isVerified: boolean) => Operation;

/** As a front end asks. Different places give different pages, where there are any. */
const PAGES: Readonly<Record<string, Page>> = {
  newest: (_, isVerified) => search(isVerified),
  "window of time": (place, isVerified) => {
    const first = (place * 7) % (events / BULK - WINDOW_BATCHES);
    const window = { start: timeOf(first), end: timeOf(first + WINDOW_BATCHES) };
    return search(isVerified, "status:failed", window);
  },
  "one actor's": (place, isVerified) => search(isVerified, `actor=user${(place * 7) % ACTORS}@example.com`),
};

/** When a batch was received. */
function timeOf(batch: number): string {
  return timeText(START_MICROS + batch * MICROS_PER_BATCH);
}

/** An engine on one store, opened again whenever it shall have read nothing yet. */
class Engine {
  readonly #keyring = ephemeralKeyring();
  readonly #cache = new MemoryRootCache();
  #micros = START_MICROS;

  private constructor(
    private readonly store: IndexedStore,
    private readonly apollo: ApolloServer<AuditContext>,
  ) {}

  static async filled(url: string): Promise<Engine> {
    const apollo = await graphqlServer({
      ...{ logger: pino({ level: "silent" }), compileAtHit: COMPILE_AT_HIT },
    });
    await apollo.start();
    const engine = new Engine(indexed(await openStore(url), KEYRING), apollo);
    const service = await engine.open();
    for (let start = 0; start < events; start += BULK) {
      const batch = Array.from({ length: BULK }, (_, at) => ({ event: eventAt(start + at) }));
      await service.append({ log: LOG, events: batch, sign: false, path: "events" });
      engine.#micros += MICROS_PER_BATCH;
    }
    await untilStored(engine.store.index, LOG, events);
    await service.close();
    return engine;
  }

  open() {
    const { log: store, index, isShared: sharedStore } = this.store;
    const [keyring, cache] = [this.#keyring, this.#cache];
    const logs = [{ log: LOG, format: "rfc6962" }] as const;
    const clock = (): number => this.#micros;
    return openLocalService({ store, index, sharedStore, keyring, cache, origin: "bench", logs, clock });
  }

  /** The page as the gateway sends it. Throws unless it is a whole one. */
  async page(service: AuditService, operation: Operation): Promise<string> {
    const served = interruptible(service, new AbortController().signal);
    const { body } = await this.apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: "POST",
        headers: new HeaderMap([["content-type", "application/json"]]),
        search: "",
        body: operation,
      },
      context: () => Promise.resolve(auditContext(served)),
    });
    if (body.kind !== "complete") throw new Error("a page came in parts");
    return body.string;
  }

  async close(): Promise<void> {
    await this.apollo.stop();
    await this.store.index.close();
    await this.store.log.close();
  }
}

interface Case {
  readonly engine: Engine;
  readonly page: Page;
  readonly isVerified: boolean;
  /** Every page is the first that a gateway shows since it was started. */
  readonly isCold: boolean;
}

/** Milliseconds a page. */
type Spent = Readonly<Record<Reads, number>>;

/** One entry of every tile: they are all in memory then, and hardly any of what is in them has been proven. */
const TILES = Array.from({ length: Math.floor(events / TILE_WIDTH) }, (_, tile) => tile * TILE_WIDTH);

async function warmed(engine: Engine): Promise<AuditService> {
  const service = await engine.open();
  await service.entries(LOG, TILES);
  return service;
}

/** Each page is shown in both ways, and no page comes again before all others have. */
async function measure({ engine, page, isVerified, isCold }: Case, round: number): Promise<Spent> {
  const spent = { bound: 0, plain: 0 };
  const warm = isCold ? undefined : await warmed(engine);
  for (let turn = 0; turn < pages; turn++) {
    const operation = page(round * pages + turn, isVerified);
    const shown: string[] = [];
    for (const reads of turn % 2 === 0 ? (["bound", "plain"] as const) : (["plain", "bound"] as const)) {
      const service = warm ?? (await engine.open());
      choose(reads);
      const began = process.cpuUsage();
      shown.push(await engine.page(service, operation));
      const { user, system } = process.cpuUsage(began);
      choose("bound");
      spent[reads] += (user + system) / 1_000 / pages;
      if (service !== warm) await service.close();
    }
    requireSame(shown);
  }
  await warm?.close();
  return spent;
}

/** Both ways must have shown the same whole page; ids, cursors and when a result expires are made anew each time. */
function requireSame(shown: readonly string[]): void {
  const edges = shown.map((text) => JSON.stringify(edgesOf(text)));
  const isWhole = edges[0] === edges[1] && !shown.join().includes('"errors"');
  if (!isWhole || edgesOf(shown[0]).length !== PAGE) throw new Error(`not the same whole page: ${shown.join(" and ")}`);
}

function edgesOf(text = ""): readonly unknown[] {
  const answer = JSON.parse(text) as { data: { search: { edges: { node: unknown }[] } } };
  return answer.data.search.edges.map(({ node }) => node);
}

async function compare(name: string, { engine, ...one }: Case): Promise<void> {
  const all: Spent[] = [];
  for (let round = 0; round <= rounds; round++) all.push(await measure({ engine, ...one }, round));
  const counted = all.slice(1); // the first warms up
  const ratios = counted.map(({ bound, plain }) => bound / plain);
  const ms = (reads: Reads): string => median(counted.map((spent) => spent[reads])).toFixed(2);
  const spread = `${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)}`;
  const kind = `${one.isVerified ? "verdicts" : "entries"}, ${one.isCold ? "cold" : "warm"}`;
  const times = `${ms("plain").padStart(7)} -> ${ms("bound").padStart(7)} ms`;
  console.log(`${name.padEnd(24)} ${kind.padEnd(15)} ${times}   ${median(ratios).toFixed(3)} (${spread})`);
}

async function compareAll(store: string, url: string): Promise<void> {
  const engine = await Engine.filled(url);
  try {
    for (const [what, page] of Object.entries(PAGES)) {
      for (const isVerified of [false, true]) {
        for (const isCold of [false, true]) {
          await compare(`${store} ${what}`, { engine, page, isVerified, isCold });
        }
      }
    }
  } finally {
    await engine.close();
  }
}

async function onSqlite(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "auditql-bench-"));
  try {
    await compareAll("sqlite", `sqlite:${join(folder, "log.db")}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function onPostgres(): Promise<void> {
  const server = await somePostgres();
  try {
    await compareAll("postgres", await server.newDatabase());
  } finally {
    await server.close();
  }
}

const choose = choosableReads();
console.log(`${machine()}, load ${loadavg().map(figure).join(" ")}`);
console.log(`pages of ${PAGE} of ${figure(events)} entries, plain -> bound: ${rounds} rounds of ${pages} pages each`);
if (onlyStore !== "postgres") await onSqlite();
if (onlyStore !== "sqlite") await onPostgres();
