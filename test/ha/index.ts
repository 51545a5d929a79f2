import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { machine } from "../../bench/machine.js";
import { postgresPrograms } from "../stores/postgres/server.js";
import { TTL_SECONDS } from "./cluster.js";
import { Programs, requiredProgram } from "./programs.js";
import { claimsOf, tableOf, type Claim } from "./report.js";
import { QUIET, runOn } from "./run.js";
import { FULL_SET, SHORT_SET } from "./scenarios.js";

/**
 * Usage: npm run test:ha -- [--short] [--report FILE]
 *
 * Takes the leader from a cluster of PostgreSQL in several ways, while clients log through several gateways, and then holds what
 * was acknowledged to what is in the log. Ends with 1 if anything is not as it was acknowledged. `--short` plays what fits in two
 * minutes. FILE gets how many claims hold and how many do not, under the names that jest gives them in its reports.
 */
const { values: flags } = parseArgs({ options: { short: { type: "boolean" }, report: { type: "string" } } });

/** Every wait has a limit of its own; this one is for what nobody thought of. */
const LIMIT_MS = flags.short === true ? 900_000 : 2_400_000;
const LAST_LINES = 15;
/** Patroni tells much before it tells what is wrong. */
const LAST_LOG_LINES = 60;
const PROGRAMS = ["etcd", "patroni", "haproxy", "pgbouncer", "redis-server"];

const programs = new Programs();
process.once("exit", () => {
  programs.close();
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
setTimeout(() => {
  giveUp(new Error(`the run did not end within ${LIMIT_MS / 1_000} s`));
}, LIMIT_MS);

// What was started stands in a folder of its own and is ended with it, on every way out of here.
main().then((holds) => process.exit(holds ? 0 : 1), giveUp);

async function main(): Promise<boolean> {
  requirePrograms();
  console.log(`${machine()}; Patroni's ttl is ${TTL_SECONDS} s`);
  const scenarios = flags.short === true ? SHORT_SET : FULL_SET;
  const evidence = await runOn(programs, scenarios, (text) => {
    console.log(`${process.uptime().toFixed(0).padStart(4)} s  ${text}`);
  });
  const claims = claimsOf(evidence, [QUIET, ...scenarios.map(({ name }) => name)]);
  console.log(`\n${tableOf(evidence)}\n`);
  console.log(`${evidence.restarts} times a gateway had ended by itself and was started again by its supervisor\n`);
  for (const claim of claims) print(claim);
  const failed = claims.filter(({ against }) => against.length > 0).length;
  if (failed > 0) printLogs();
  if (flags.report !== undefined) writeFileSync(flags.report, JSON.stringify(asJest(claims.length - failed, failed)));
  console.log(`${claims.length - failed} claims hold, ${failed} do not`);
  return failed === 0;
}

function requirePrograms(): void {
  // Debian keeps servers where only root looks for programs.
  process.env["PATH"] = `${process.env["PATH"] ?? ""}:/usr/sbin`;
  for (const name of PROGRAMS) requiredProgram(name);
  if (postgresPrograms() === undefined) throw new Error("PostgreSQL is not installed: see CONTRIBUTING.md");
}

function print({ name, against }: Claim): void {
  console.log(`${against.length === 0 ? "holds " : "FAILED"}  ${name}`);
  for (const text of against.slice(0, LAST_LINES)) console.log(`          ${text}`);
  if (against.length > LAST_LINES) console.log(`          and ${against.length - LAST_LINES} more`);
}

function giveUp(failure: unknown): void {
  console.error(failure);
  printLogs();
  process.exit(1);
}

/** The folder is removed, so what explains a failure is printed. */
function printLogs(): void {
  for (const name of programs.names())
    console.log(`== the last lines of ${name}\n${programs.log(name).split("\n").slice(-LAST_LOG_LINES).join("\n")}`);
}

function asJest(numPassedTests: number, numFailedTests: number): object {
  return { numPassedTests, numFailedTests, numRuntimeErrorTestSuites: 0, numPendingTests: 0, numTodoTests: 0 };
}
