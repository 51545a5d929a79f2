import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fill, untilIdle } from "./gateway/filled.js";
import { serveSqlite } from "./gateway/served.js";
import { figure, machine, median } from "./machine.js";

/**
 * Usage: node build/bench/start-up.js [rounds] [entries …]
 * How long `auditql serve` takes until /readyz says that it is ready, over SQLite logs of `entries` (10,000 and 1,000,000), beside `node -e 0`
 * until it has ended: `rounds` (15) by turns, wall and processor time of all threads, medians, and the medians of the rounds'
 * ratios. Linux only. The bars: a ratio of 8, and 500 ms on an idle machine.
 */
const [rounds = 15, ...given] = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [10_000, 1_000_000];
const BAR = { ratio: 8, ms: 500 };

interface Spent {
  readonly wallMs: number;
  readonly processorMs: number;
}

console.log(`${machine()}; load ${loadavg().map(figure).join(", ")}`);
const folder = mkdtempSync(join(tmpdir(), "auditql-start-up-"));
try {
  for (const entries of sizes) await fillLog(entries);
  const bare: Spent[] = [];
  const started = new Map(sizes.map((entries) => [entries, [] as Spent[]]));
  for (let round = 0; round < rounds; round++) {
    bare.push(nothing());
    for (const [entries, spent] of started) spent.push(await start(entries));
  }
  console.log(`node -e 0: ${show(bare)}`);
  for (const [entries, spent] of started) {
    const wall = median(spent.map(({ wallMs }, round) => wallMs / (bare[round]?.wallMs ?? NaN)));
    const processor = median(spent.map(({ processorMs }, round) => processorMs / (bare[round]?.processorMs ?? NaN)));
    const isReached = wall <= BAR.ratio && median(spent.map(({ wallMs }) => wallMs)) <= BAR.ms;
    console.log(
      `serve over ${figure(entries)} entries: ${show(spent)}; ${figure(wall)} and ${figure(processor)} times node -e 0: ${isReached ? "reached" : "MISSED"}`,
    );
  }
  console.log(`load ${loadavg().map(figure).join(", ")}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function fillLog(entries: number): Promise<void> {
  const gateway = await serveSqlite(join(folder, String(entries)));
  await fill(gateway, 0, entries);
  await untilIdle(gateway);
  await gateway.stop();
}

/** Node.js says nothing of what a child has spent, so the shell does. */
function nothing(): Spent {
  const script = "TIMEFORMAT='%3R %3U %3S'; time \"$0\" -e 0";
  const text = execFileSync("bash", ["-c", `{ ${script}; } 2>&1`, process.execPath], { encoding: "utf8" });
  const [wall = NaN, user = NaN, system = NaN] = text.trim().split(" ").map(Number);
  return { wallMs: 1_000 * wall, processorMs: 1_000 * (user + system) };
}

async function start(entries: number): Promise<Spent> {
  const began = performance.now();
  const gateway = await serveSqlite(join(folder, String(entries)));
  try {
    const { status } = await fetch(new URL("/readyz", gateway.url));
    if (status !== 200) throw new Error(`/readyz was answered ${status}`);
    return { wallMs: performance.now() - began, processorMs: gateway.processorMs() };
  } finally {
    await gateway.stop();
  }
}

function show(spent: readonly Spent[]): string {
  const walls = spent.map(({ wallMs }) => wallMs);
  const processor = median(spent.map(({ processorMs }) => processorMs));
  return `${figure(median(walls))} ms (${figure(Math.min(...walls))} to ${figure(Math.max(...walls))}), of the processor ${figure(processor)} ms`;
}
