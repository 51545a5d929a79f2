import { Follower } from "../e2e/follower.js";
import type { StoredEntry } from "../e2e/log-reader.js";
import { freePort } from "../free-port.js";
import { sql } from "../stores/postgres/server.js";
import { Cluster, NODES, type NodeName } from "./cluster.js";
import { Gateways } from "./gateways.js";
import type { LogCopy } from "./judge.js";
import { Load, type Refusal, type SentRequest } from "./load.js";
import type { Programs } from "./programs.js";
import { play, type Scenario, type Span, type Stage } from "./scenarios.js";
import { SHORT_PATIENCE_MS, until } from "./until.js";

/** So many requests are made before the first fault, so that there are figures of a cluster without one. */
const QUIET_REQUESTS = 500;
export const QUIET = "no fault";

/** Something of one scenario that is told as it was read. */
export interface Note {
  readonly scenario: string;
  readonly text: string;
}

/** All that a run has seen and read, for who judges it. */
export interface Evidence {
  /** Of the scenarios that came to their end; of the others, `broken` says why not. */
  readonly spans: readonly Span[];
  readonly broken: readonly Note[];
  readonly requests: readonly SentRequest[];
  readonly refusals: readonly Refusal[];
  /** What gateways logged as errors. */
  readonly alarms: readonly Note[];
  /** The leader's first. */
  readonly copies: readonly [LogCopy, ...LogCopy[]];
  readonly tails: readonly {
    readonly name: string;
    readonly seen: readonly StoredEntry[];
    readonly codes: readonly unknown[];
  }[];
  readonly complaints: readonly string[];
  readonly fsck: { readonly code: number | undefined; readonly printed: string };
  /** Gateways that ended by themselves and were started again. */
  readonly restarts: number;
}

/** Starts everything, plays the scenarios under load, and reads the log on every node. A scenario that fails is the last one. */
export async function runOn(
  programs: Programs,
  scenarios: readonly Scenario[],
  say: (text: string) => void,
): Promise<Evidence> {
  say("the cluster starts");
  const cluster = await Cluster.start(programs);
  const { haproxy, pgbouncer } = cluster.urls;
  const redisUrl = await startRedis(programs);
  say("the gateways start");
  const gateways = await Gateways.start(programs, { stores: [haproxy, haproxy, pgbouncer], redisUrl });
  const tails = gateways.all().map((_url, place) => ({
    name: `tail ${place + 1}`,
    follower: new Follower(gateways, place % 2 === 0 ? "SSE" : "WebSocket", place),
  }));
  const stage = { programs, cluster, load: new Load(gateways.all(), QUIET) };
  const played = await playAll({ stage, gateways, scenarios }, say);
  say("the log is read on every node");
  const patienceMs = played.broken.length > 0 ? SHORT_PATIENCE_MS : undefined;
  const copies = await readCopies(cluster, patienceMs);
  const [{ entries }] = copies;
  const isAllSeen = async (): Promise<true | undefined> =>
    tails.every(({ follower }) => follower.seen.length >= entries.length) ? true : undefined;
  await until("the live tails have shown everything", isAllSeen, patienceMs).catch(() => undefined);
  await Promise.all(tails.map(({ follower }) => follower.stop()));
  const leader = copies[0].node as NodeName;
  const evidence: Evidence = {
    ...played,
    requests: stage.load.requests,
    refusals: stage.load.refusals,
    copies,
    tails: tails.map(({ name, follower: { seen, codes } }) => ({ name, seen, codes })),
    complaints: await gateways.complaints(),
    fsck: await gateways.fsck(cluster.urlOf(leader)),
    restarts: gateways.restarts(),
  };
  cluster.close();
  return evidence;
}

interface Playing {
  readonly stage: Stage;
  readonly gateways: Gateways;
  readonly scenarios: readonly Scenario[];
}

async function playAll(
  { stage, gateways, scenarios }: Playing,
  say: (text: string) => void,
): Promise<Pick<Evidence, "spans" | "broken" | "alarms">> {
  const spans: Span[] = [];
  const broken: Note[] = [];
  const alarms: Note[] = [];
  const step = async (scenario: string, work: () => Promise<Span>): Promise<void> => {
    if (broken.length > 0) return;
    say(scenario);
    const before = new Set(gateways.alarms());
    await work().then(
      (span) => spans.push(span),
      (failure: unknown) => broken.push({ scenario, text: String(failure) }),
    );
    alarms.push(
      ...gateways
        .alarms()
        .filter((line) => !before.has(line))
        .map((text) => ({ scenario, text })),
    );
  };
  await step(QUIET, () => playNothing(stage.load));
  for (const scenario of scenarios) await step(scenario.name, () => play(scenario, stage, say));
  await stage.load
    .stop(broken.length > 0 ? SHORT_PATIENCE_MS : undefined)
    .catch((failure: unknown) => broken.push({ scenario: stage.load.scenario, text: String(failure) }));
  return { spans, broken, alarms };
}

async function playNothing(load: Load): Promise<Span> {
  const faultAt = performance.now();
  await load.resumed();
  await until("requests are made", async () => (load.requests.length >= QUIET_REQUESTS ? true : undefined));
  return { scenario: QUIET, faultAt, endAt: performance.now() };
}

async function startRedis(programs: Programs): Promise<string> {
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  programs.start({ name: "redis", command: "redis-server", args, runsAs: "server user" });
  return `redis://127.0.0.1:${port}`;
}

/** The log on the leader, and on each other node once it has as many entries; a node that never has them shows what it has. */
async function readCopies(cluster: Cluster, patienceMs: number | undefined): Promise<readonly [LogCopy, ...LogCopy[]]> {
  const leader = await until("there is a leader to read from", () => cluster.leader());
  const first = await readCopy(cluster, leader);
  const others = NODES.filter((node) => node !== leader).map(async (node) => {
    const isAbreast = async (): Promise<true | undefined> => {
      const copy = await readCopy(cluster, node).catch(() => undefined);
      return copy && copy.size >= first.size ? true : undefined;
    };
    await until(`${node} has followed`, isAbreast, patienceMs).catch(() => undefined);
    return readCopy(cluster, node).catch(() => ({ node, entries: [], size: 0, rootHash: "unread" }));
  });
  return [first, ...(await Promise.all(others))];
}

async function readCopy(cluster: Cluster, node: NodeName): Promise<LogCopy> {
  const url = cluster.urlOf(node);
  const [head] = (await sql(
    url,
    `SELECT size::float8 AS size, encode(root_hash, 'hex') AS "rootHash" FROM auditql.heads WHERE log = 'default'`,
  )) as readonly Pick<LogCopy, "size" | "rootHash">[];
  if (head === undefined) throw new Error(`${node} has no log`);
  const entries = (await sql(
    url,
    `SELECT leaf_index::float8 AS "leafIndex", encode(leaf_hash, 'hex') AS hash, canonical
     FROM auditql.entries WHERE log = 'default' ORDER BY leaf_index`,
  )) as readonly StoredEntry[];
  return { node, entries: entries.map((entry) => ({ ...entry })), ...head };
}
