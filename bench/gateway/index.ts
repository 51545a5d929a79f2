import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machine } from "../machine.js";
import { bulkRow, singleRow } from "./write-rows.js";
import { proofRow } from "./proof-row.js";
import { readRows } from "./read-rows.js";
import { printRows } from "./table.js";

/**
 * Usage: node build/bench/gateway/index.js [events] [seconds]
 * Prints the rows of docs/benchmarks.md: events (1,000,000) in the log that is read, seconds (3) of load per figure.
 */
const events = Number(process.argv[2] ?? 1_000_000);
const seconds = Number(process.argv[3] ?? 3);

const folder = mkdtempSync(join(tmpdir(), "auditql-bench-"));
try {
  console.log(machine());
  const rows = [await bulkRow(folder), await singleRow(folder, seconds)];
  rows.push(...(await readRows(folder, events, seconds)), await proofRow(events));
  printRows(rows);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
