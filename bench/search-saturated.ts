import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fill } from "./gateway/filled.js";
import { ask, post } from "./gateway/load.js";
import { logBulk, search } from "./gateway/operations.js";
import { serveSqlite } from "./gateway/served.js";
import { figure, machine } from "./machine.js";

/**
 * Usage: node build/bench/search-saturated.js [seconds] [entries]
 * What a gateway on SQLite does in `seconds` (30) for callers who wait for nothing, right after `entries` (120,000) were logged, so that its index is behind: each
 * of eight logs 400 events in a request, and asks for two pages of 50 with all verdicts, one of a common word and one of it with a rare one. If a search costs more the
 * further the index is behind, and the index gets only what time searches leave, it never catches up: then turns a second fall to a tenth.
 */
const [seconds = 30, entries = 120_000] = process.argv.slice(2).map(Number);
const CALLERS = 8;
const BULK = 400;
/** Some of what was logged is indexed by then. */
const PAUSE_MS = 6_000;
const QUERIES = ["failed", "failed renkami"];

console.log(`${machine()}; load ${loadavg().map(figure).join(", ")}`);
const folder = mkdtempSync(join(tmpdir(), "auditql-saturated-"));
const gateway = await serveSqlite(folder);
try {
  await fill(gateway, 0, entries);
  await sleep(PAUSE_MS);
  let [logged, turns] = [entries, 0];
  const times: number[] = [];
  const end = performance.now() + 1_000 * seconds;
  const calls = async (): Promise<void> => {
    for (; performance.now() < end; turns++) {
      const first = logged;
      logged += BULK;
      await post(gateway.url, JSON.stringify(logBulk(first, BULK)));
      for (const query of QUERIES) {
        const began = performance.now();
        await ask(gateway.url, search(true, query));
        times.push(performance.now() - began);
      }
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, calls));
  times.sort((a, b) => a - b);
  const at = (part: number): string => figure(times[Math.floor(part * (times.length - 1))] ?? NaN);
  console.log(
    `${figure(turns / seconds)} turns a second, ${figure((logged - entries) / seconds)} events; a search: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
  );
} finally {
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
}
