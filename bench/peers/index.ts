import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { OwnPostgres, sql } from "../../test/stores/postgres/server.js";
import { eventAt } from "../events.js";
import { load, post, type Operation } from "../gateway/load.js";
import { NEWEST_MESSAGE, ROOT, search, TYPENAME } from "../gateway/operations.js";
import { NODE_OPTIONS, serve, serveNoOp, servePostgres, serveSqlite, type Served } from "../gateway/served.js";
import { machine, perSecond } from "../machine.js";
import { ours, postgraphile, type Contender } from "./contenders.js";
import { Rounds } from "./rounds.js";
import { scratch, type Scratch } from "./scratch.js";

/**
 * Usage: npm run bench:peers -- [events] [seconds] [rounds]
 * The gateway beside what people would build instead, on one machine, one Node and one PostgreSQL that waits for the disk:
 * PostGraphile over a table with a hash chain and a GIN index, Apollo Server as its guide sets it up, and hypercore. Each row asks
 * all of them in turn, round after round: `events` (100,000) in each log, `seconds` (2) of load per figure, `rounds` (5).
 */
const [events = 100_000, seconds = 2, rounds = 5] = process.argv.slice(2).map(Number);
const BULK = 1_000;
const IN_FLIGHT = 4;
const QUERIES: readonly (readonly [string, string])[] = [
  ["a common word, a third", "failed"],
  ["two common words, a twelfth", "failed login"],
  ["a rare word, some 500", "renkami"],
  ["a common and a rare word", "failed renkami"],
  ["a word of one entry", "77777"],
  ["a word that is nowhere", "nowhere"],
];

const peers = scratch();
if (Number(process.versions.node.split(".")[0]) < 22) {
  const again = spawnSync(peers.node, process.argv.slice(1), { stdio: "inherit" });
  process.exit(again.status ?? 1);
}
console.log(`${machine()}; load ${loadavg().map(Math.round).join(", ")}`);
const folder = mkdtempSync(join(tmpdir(), "auditql-peers-run-"));
const database = await OwnPostgres.start(undefined, ["fsync=on"]);
try {
  await besidePostgraphile(peers);
  await besideApollo();
  await besideHypercore(peers);
} finally {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
}

async function besidePostgraphile(installed: Scratch): Promise<void> {
  const theirs = await database.newDatabase();
  const own = await database.newDatabase();
  await sql(theirs, readFileSync(join("bench", "peers", "table.sql"), "utf8"));
  const served: Served[] = [];
  try {
    const settings = { DATABASE_URL: theirs, GRAPHILE_ENV: "production" };
    served.push(await serveSqlite(join(folder, "sqlite")), await servePostgres(folder, own));
    served.push(await serve([...NODE_OPTIONS, "postgraphile.mjs"], settings, installed.folder));
    const [sqlite, postgres, peer] = served.map(({ url }) => url);
    const contenders = [ours("SQLite", sqlite ?? ""), ours("PostgreSQL", postgres ?? ""), postgraphile(peer ?? "")];
    const table = new Rounds(contenders, rounds);
    const perRound = Math.max(1, Math.round(events / BULK / (rounds + 1)));
    await table.row("bulk of 1,000, 4 at once: events/s", (one, round) => bulkRate(one, round * perRound, perRound));
    await table.row("log, 64 connections: events/s", (one) => rate(one.url, one.log, 64));
    for (const url of [theirs, own]) await sql(url, "VACUUM ANALYZE");
    for (const [what, query] of QUERIES)
      await table.row(`page of 50, ${what}: pages/s`, (one) => rate(one.url, one.search(query), 8));
    await ownRows(contenders.slice(0, 2));
  } finally {
    await Promise.all(served.map((one) => one.stop()));
  }
}

/** What no peer has: beside the nearest thing that we have without it. */
async function ownRows(contenders: readonly Contender[]): Promise<void> {
  for (const { name, url } of contenders) {
    const named = (of: string, operation: Operation): Contender => ({ ...ours(`${name}, ${of}`, url), log: operation });
    const pages = new Rounds(
      [named("with verdicts", search(true, "failed")), named("without", search(false, "failed"))],
      rounds,
    );
    await pages.row("page of 50: pages/s", (one) => rate(one.url, one.log, 8));
    const roots = new Rounds([named("root", ROOT), named("__typename", TYPENAME)], rounds);
    await roots.row("small reads, 32 connections: requests/s", (one) => rate(one.url, one.log, 32));
  }
}

async function besideApollo(): Promise<void> {
  const served = [await serveNoOp(), await serve([...NODE_OPTIONS, "build/bench/peers/apollo.js"], {})];
  try {
    const [gateway = "", apollo = ""] = served.map(({ url }) => url);
    const table = new Rounds([ours("our door", gateway), ours("Apollo's defaults", apollo)], rounds);
    await table.row("{ __typename }, 64 connections: requests/s", ({ url }) => rate(url, TYPENAME, 64));
    await table.row("log over nothing, 64 connections: events/s", (one) => rate(one.url, one.log, 64));
    await table.row("page of 50 over nothing: pages/s", (one) => rate(one.url, one.search("failed"), 8));
  } finally {
    await Promise.all(served.map((one) => one.stop()));
  }
}

/** Both in a process of their own, without HTTP; hypercore does not wait for the disk, and checks nothing that it reads. */
async function besideHypercore(installed: Scratch): Promise<void> {
  const file = join(folder, "events");
  writeFileSync(file, Array.from({ length: events }, (_, place) => `${JSON.stringify(eventAt(place))}\n`).join(""));
  const programs = new Map([
    ["our engine", { args: ["build/bench/peers/engine.js"], cwd: process.cwd() }],
    ["hypercore", { args: ["hypercore.mjs"], cwd: installed.folder }],
  ]);
  const table = new Rounds(
    [...programs.keys()].map((name) => ours(name, "")),
    rounds,
  );
  const measured = new Map<string, { readonly appended: number; readonly read: number }>();
  await table.row("append of 1,000 in process: events/s", ({ name }, round) => {
    const { args = [], cwd } = programs.get(name) ?? {};
    const to = join(folder, `${name.replace(" ", "-")}-${round}`);
    const { stdout } = spawnSync(process.execPath, [...args, to, file, String(BULK)], { cwd, encoding: "utf8" });
    const result = JSON.parse(stdout) as { readonly appended: number; readonly read: number };
    measured.set(`${name} ${round}`, result);
    return Promise.resolve(result.appended);
  });
  await table.row("random reads in process: entries/s", ({ name }, round) =>
    Promise.resolve(measured.get(`${name} ${round}`)?.read ?? NaN),
  );
}

async function rate(url: string, operation: Operation, connections: number): Promise<number> {
  return (await load({ url, operation, connections, seconds })).perSecond;
}

/** Until the last event is acknowledged, and for us found. */
async function bulkRate(one: Contender, first: number, requests: number): Promise<number> {
  const { url, name } = one;
  const bodies = Array.from({ length: requests }, (_, i) =>
    JSON.stringify(one.logBulk((first + i) * BULK, BULK)),
  ).values();
  const began = performance.now();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const body of bodies) await post(url, body);
    }),
  );
  if (name !== "PostGraphile") await post(url, JSON.stringify(NEWEST_MESSAGE));
  return perSecond(requests * BULK, performance.now() - began);
}
