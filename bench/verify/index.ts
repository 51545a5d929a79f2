import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ask, post } from "../gateway/load.js";
import { logBulk } from "../gateway/operations.js";
import { serveSqlite, type Served } from "../gateway/served.js";
import { figure, machine } from "../machine.js";

/**
 * Usage: node build/bench/verify/index.js [entries]
 * Saves a whole log as evidence at a hundredth and a tenth of `entries` (1,000,000) and at `entries`, and verifies each file
 * with each verifier: processor time, and the most memory that its process takes.
 */
const entries = Number(process.argv[2] ?? 1_000_000);
const BATCH = 1_000;
const MIB = 2 ** 20;

const VERIFIERS = [
  ["auditql/verify, its own SHA-256", (file, key) => [process.execPath, "bench/verify/package.mjs", file, key]],
  ["auditql/verify, Node's SHA-256", (file, key) => [process.execPath, "bench/verify/package.mjs", file, key, "node"]],
  ["auditql verify", (file, key) => [process.execPath, "build/dist/main.js", "verify", file, "--key", key, "--quiet"]],
  ["in Python", (file, key) => ["python3", "verifiers/python/auditql_verify.py", file, "--key", key]],
] as const satisfies readonly (readonly [string, (file: string, key: string) => readonly [string, ...string[]]])[];

/** Runs a program to its end without its output; says its seconds of processor time and its largest memory in KiB. */
const MEASURE = `
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(code)
`;

async function run(command: readonly [string, ...string[]]): Promise<string> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const printed = await text(child.stdout);
  const [code] = (await closed) as [number | null];
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${String(code)}`);
  return printed;
}

async function keyOf(gateway: Served): Promise<string> {
  const { root } = (await ask(gateway.url, { query: "{ root { publicKey } }" })) as { root: { publicKey: string } };
  return root.publicKey;
}

async function measure(gateway: Served, size: number, file: string): Promise<void> {
  const key = await keyOf(gateway);
  await run([process.execPath, "build/dist/main.js", "save", "--url", gateway.url, "--key", key, "--out", file]);
  const bytes = statSync(file).size;
  console.log(`${figure(size)} entries, ${figure(bytes / MIB)} MiB`);
  for (const [name, command] of VERIFIERS) {
    const [seconds = NaN, kib = NaN] = (await run(["python3", "-c", MEASURE, ...command(file, key)]))
      .split(" ")
      .map(Number);
    const each = figure((seconds * 1e6) / size);
    console.log(`  ${name.padEnd(34)} ${figure(seconds)} s, ${each} µs an entry; at most ${figure(kib / 1024)} MiB`);
  }
  rmSync(file);
}

const folder = mkdtempSync(join(tmpdir(), "auditql-bench-"));
console.log(machine());
const gateway = await serveSqlite(folder);
try {
  let filled = 0;
  for (const size of [entries / 100, entries / 10, entries]) {
    for (; filled < size; filled += BATCH) await post(gateway.url, JSON.stringify(logBulk(filled, BATCH)));
    await measure(gateway, size, join(folder, "evidence.ndjson"));
  }
} finally {
  await gateway.stop();
  rmSync(folder, { recursive: true });
}
