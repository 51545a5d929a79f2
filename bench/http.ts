import { fork, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { load, type Operation } from "./gateway/load.js";
import { LOG, search, TYPENAME } from "./gateway/operations.js";
import { processorMs } from "./gateway/served.js";
import { machine, median } from "./machine.js";

/**
 * Usage: node build/bench/http.js <other build> [rounds] [seconds]
 * Compares what HTTP and GraphQL cost by themselves (gateway/no-op.ts) with another build of this repository, on the same
 * machine at the same time: each round loads both, one after the other, and the builds take turns in being first.
 * Prints the medians of requests per second, and of requests per second of the server's own processor time, which other
 * programs of the machine disturb less; and of the rounds' ratios of both. Linux only.
 */
const [other = "", rounds = "8", seconds = "2"] = process.argv.slice(2);
const CONNECTIONS = 64;
const here = fileURLToPath(new URL("..", import.meta.url));
const OPERATIONS: Readonly<Record<string, Operation>> = {
  "{ __typename }": TYPENAME,
  log: LOG,
  "search, 50 entries": search(false),
};

interface Served {
  readonly url: string;
  readonly child: ChildProcess;
}

async function served(build: string): Promise<Served> {
  const child = fork(`${build}/bench/gateway/no-op.js`, { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  if (child.stdout === null) throw new Error("the server has no output");
  for await (const url of createInterface({ input: child.stdout })) return { url, child };
  throw new Error("the server ended without saying its address");
}

type Figures = readonly [perSecond: number, perProcessorSecond: number];

async function figures({ url, child }: Served, operation: Operation): Promise<Figures> {
  const startMs = processorMs(child);
  const { perSecond } = await load({ url, operation, connections: CONNECTIONS, seconds: Number(seconds) });
  return [perSecond, (1_000 * perSecond * Number(seconds)) / (processorMs(child) - startMs)];
}

function line(what: string, pairs: readonly (readonly [theirs: number, ours: number])[]): string {
  const [theirs, ours] = [0, 1].map((at) => median(pairs.map((pair) => pair[at] ?? NaN)).toFixed(0));
  return `${what} ${theirs} -> ${ours} (${median(pairs.map(([before, after]) => after / before)).toFixed(2)})`;
}

console.log(machine());
const [theirs, ours] = [await served(other), await served(here)];
for (const [name, operation] of Object.entries(OPERATIONS)) {
  const measured: (readonly [Figures, Figures])[] = [];
  for (let round = -1; round < Number(rounds); round++) {
    const first = round % 2 === 0 ? await figures(theirs, operation) : undefined;
    const own = await figures(ours, operation);
    const pair = [first ?? (await figures(theirs, operation)), own] as const;
    // The first round warms both up.
    if (round >= 0) measured.push(pair);
  }
  const perSecond = line(
    "requests/s",
    measured.map(([[before], [after]]) => [before, after]),
  );
  const perProcessorSecond = line(
    "per processor second",
    measured.map(([[, before], [, after]]) => [before, after]),
  );
  console.log(`${name}: ${perSecond}; ${perProcessorSecond}`);
}
for (const { child } of [theirs, ours]) child.kill("SIGTERM");
