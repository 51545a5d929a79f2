import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { OwnPostgres, sql } from "../test/stores/postgres/server.js";
import { fill, untilIdle } from "./gateway/filled.js";
import { ask, type Operation } from "./gateway/load.js";
import { search } from "./gateway/operations.js";
import { servePostgres, serveSqlite, type Served } from "./gateway/served.js";
import { figure, machine, median } from "./machine.js";
import { plot } from "./plot.js";

/**
 * Usage: node build/bench/scale.js [svg] [sqlite …] [postgres …]
 * What grows with a log of the events of `bench/events.ts`, through a gateway over HTTP, at 10,000, 100,000 and 1,000,000 entries: as in
 * `sqlite=10000,100000 postgres=10000`. Of the processor time of the gateway's process, all threads: an event of a bulk request until its
 * index has nothing left to do, a proof, pages, a count, a start; its memory; bytes on the disk. Prints each with how it grows
 * a decade, where log n grows 1.25 and 1.2 times, and what that comes to at 10^9; the file `svg` gets a plot. Linux only.
 */
const [svg, ...given] = process.argv.slice(2);
const SIZES = [10_000, 100_000, 1_000_000];
const REQUESTS = 150;
const STARTS = 3;
const MAX_GROWTH = 1.25;
/** What a figure may be off by on a machine that does other things. */
const NOISE = 1.15;
const BILLION = 1e9;

interface Store {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly serve: () => Promise<Served>;
  readonly diskBytes: () => Promise<number>;
}

/** Entries of each size that are logged before it is measured: they compile what the others run. */
const WARM_UP = 2_000;

/** One figure at each size. */
type Figures = Map<string, Map<number, number>>;

const folder = mkdtempSync(join(tmpdir(), "auditql-scale-"));
const stores = [await onSqlite(), await onPostgres()];
try {
  console.log(`${machine()}; load ${loadavg().map(figure).join(", ")}`);
  const measured: [Store, Figures][] = [];
  for (const store of stores) {
    const figures: Figures = new Map();
    await measure(store, figures);
    print(store, figures);
    measured.push([store, figures]);
    if (svg !== undefined) writeFileSync(svg, drawn(measured));
  }
} finally {
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true, force: true });
}

async function onSqlite(): Promise<Store & { readonly close: () => Promise<void> }> {
  const path = join(folder, "sqlite");
  const diskBytes = (): Promise<number> =>
    Promise.resolve(readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0));
  const close = (): Promise<void> => Promise.resolve();
  return { name: "SQLite", sizes: sizesOf("sqlite"), serve: () => serveSqlite(path), diskBytes, close };
}

async function onPostgres(): Promise<Store & { readonly close: () => Promise<void> }> {
  const server = await OwnPostgres.start(undefined, ["fsync=on"]);
  const url = await server.newDatabase();
  const diskBytes = async (): Promise<number> => {
    const [row] = await sql(url, "SELECT pg_database_size(current_database())::float AS size");
    return (row as { readonly size: number }).size;
  };
  const serve = (): Promise<Served> => servePostgres(join(folder, "postgres"), url);
  return { name: "PostgreSQL", sizes: sizesOf("postgres"), serve, diskBytes, close: () => server.close() };
}

function sizesOf(store: string): readonly number[] {
  const wanted = given.find((text) => text.startsWith(`${store}=`));
  return wanted === undefined
    ? SIZES
    : wanted
        .slice(store.length + 1)
        .split(",")
        .filter(Boolean)
        .map(Number);
}

async function measure({ name, sizes, serve, diskBytes }: Store, figures: Figures): Promise<void> {
  let filled = 0;
  for (const size of sizes) {
    const put = (what: string, value: number): void => {
      figures.set(what, (figures.get(what) ?? new Map<number, number>()).set(size, value));
    };
    const filling = await serve();
    await fill(filling, filled, filled + WARM_UP);
    const before = filling.processorMs();
    await fill(filling, filled + WARM_UP, size);
    await untilIdle(filling);
    put("append, µs an event", (1_000 * (filling.processorMs() - before)) / (size - filled - WARM_UP));
    await filling.stop();
    filled = size;
    const starts: { readonly wall: number; readonly processor: number }[] = [];
    for (let start = 0; start < STARTS; start++) {
      const started = await serve();
      starts.push({ wall: started.startMs, processor: started.processorMs() });
      await started.stop();
    }
    put("start, ms", median(starts.map(({ processor }) => processor)));
    put("start, ms until ready", median(starts.map(({ wall }) => wall)));
    const gateway = await serve();
    try {
      for (const [what, operation] of Object.entries(operationsAt(size)))
        put(what, await processorMsOf(gateway, operation));
      put("memory, MiB", gateway.memoryMiB());
    } finally {
      await gateway.stop();
    }
    put("disk, bytes an entry", (await diskBytes()) / size);
    const so = [...figures].map(([what, at]) => `${what} ${figure(at.get(size) ?? NaN)}`).join("; ");
    console.log(`${name}, ${figure(size)} entries, load ${figure(loadavg()[0] ?? NaN)}: ${so}`);
  }
}

function operationsAt(size: number): Readonly<Record<string, () => Operation>> {
  const anywhere = (): number => Math.floor(Math.random() * size);
  const count = (query: string): Operation => ({
    query: "query Count($query: String!) { search(query: $query, first: 0) { totalCount } }",
    variables: { query },
  });
  return {
    "proof, ms": () => ({
      query: "query Proof($at: AuditLeafIndex!) { entry(leafIndex: $at) { membershipProof { path } } }",
      variables: { at: anywhere() },
    }),
    "page of a common word, ms": () => search(false, "failed"),
    "page of a rare word, ms": () => search(false, String(anywhere())),
    "page of two words, ms": () => search(false, "failed login"),
    "count of a third, ms": () => count("status:failed"),
    "count of a rare word, ms": () => count(String(anywhere())),
  };
}

/** Of one request, after as many that are not measured: they compile the operation and the code under it. */
async function processorMsOf(gateway: Served, operation: () => Operation): Promise<number> {
  let before = NaN;
  for (let round = 0; round < 2; round++) {
    before = gateway.processorMs();
    for (let i = 0; i < REQUESTS; i++) await ask(gateway.url, operation());
  }
  return (gateway.processorMs() - before) / REQUESTS;
}

function print({ name, sizes }: Store, figures: Figures): void {
  console.log(
    `\n| ${name} | ${sizes.map((size) => figure(size)).join(" | ")} | grows a decade | at 10^9, by its last decade | |`,
  );
  for (const [what, at] of figures) {
    const values = sizes.map((size) => at.get(size) ?? NaN);
    const growth = sizes.slice(1).map((size, i) => {
      const decades = Math.log10(size / (sizes[i] ?? NaN));
      return ((values[i + 1] ?? NaN) / (values[i] ?? NaN)) ** (1 / decades);
    });
    const last = values.at(-1) ?? NaN;
    const left = Math.log10(BILLION / (sizes.at(-1) ?? NaN));
    const far = last * (growth.at(-1) ?? NaN) ** left;
    const isReached = growth.every((times) => times <= MAX_GROWTH * NOISE);
    console.log(
      `| ${what} | ${values.map(figure).join(" | ")} | ${growth.map((times) => `${figure(times)}x`).join(", ")} | ${figure(far)} | ${isReached ? "" : "FASTER THAN LOG N"} |`,
    );
  }
}

function drawn(measured: readonly (readonly [Store, Figures])[]): string {
  const whats = [...(measured[0]?.[1].keys() ?? [])];
  const panels = whats.map((title) => ({
    title,
    series: measured.map(([{ name }, figures]) => ({ name, points: [...(figures.get(title) ?? [])] })),
  }));
  const sizes = [...new Set(measured.flatMap(([store]) => store.sizes))].sort((a, b) => a - b);
  const x = sizes.map((size) => [size, figure(size)] as const);
  return plot(panels, { columns: 2, scale: "log", x });
}
