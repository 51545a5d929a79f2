import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { EQUIVALENT } from "./equivalent.js";
import { mutantsOf, mutated, type Mutant } from "./operators.js";

/**
 * Changes the built files one place at a time and runs the tests beside them: `npm run test:mutation -- [folder …]`. Prints
 * what survived and the score. Which places are taken is decided by the hash of each, so a run can be repeated.
 */
const FOLDERS = ["core", "audit", "keys", "engine", "access", "query", "caches", "downloads"];
/** Tests elsewhere that hold what a folder's own tests leave to them. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  core: ["cli/verify", "engine/tree"],
  engine: ["graphql/", "cli/store-commands", "cli/copy", "http/live-tail", "http/download"],
  access: ["http/live-tail", "http/download", "graphql/schema-access", "cli/key"],
  query: ["stores/memory/", "stores/sqlite/search", "engine/search", "engine/log/tail"],
  caches: ["engine/tree/cached-roots", "engine/tree/root-conflict"],
  downloads: ["http/download", "engine/local-service", "cli/verify"],
};
const BAR_PERCENT = 95;
/** One mutant in so many is tried. */
const EVERY_NTH = Number(process.env["MUTATION_EVERY"] ?? 16);
const LIMIT_MS = 600_000;
const SOUND_LIMIT_MS = 1_800_000;

interface Trial {
  readonly file: string;
  readonly mutant: Mutant;
  /** Its line, before and after. */
  readonly line: string;
  readonly changedLine: string;
}

type Outcome = "killed" | "timed out" | "survived" | "equivalent";

const root = process.cwd();
const folders = process.argv.length > 2 ? process.argv.slice(2) : FOLDERS;

function filesBelow(folder: string, ending: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
}

function trialsOf(file: string): readonly Trial[] {
  const text = readFileSync(join(root, file), "utf8");
  return mutantsOf(text)
    .filter(({ start, end, replacement }) => isTaken(`${file} ${text.slice(start - 40, end + 40)} ${replacement}`))
    .map((mutant) => {
      const lineIn = (whole: string): string => (whole.split("\n")[mutant.line - 1] ?? "").trim();
      return { file, mutant, line: lineIn(text), changedLine: lineIn(mutated(text, mutant)) };
    });
}

/** By what stands around the place, so that a change elsewhere in the file does not choose other mutants. */
function isTaken(place: string): boolean {
  return createHash("sha256").update(place).digest().readUInt32BE() % EVERY_NTH === 0;
}

/** A copy of the built files, with all else of the project linked beside it. */
function workshop(): string {
  const folder = mkdtempSync(join(tmpdir(), "auditql-mutation-"));
  for (const name of readdirSync(root))
    if (name !== "build" && name !== ".git") symlinkSync(join(root, name), join(folder, name));
  cpSync(join(root, "build"), join(folder, "build"), { recursive: true });
  return folder;
}

/** Those that import the file come first: they kill most of what can be killed, and soonest. */
function stages(file: string): readonly (readonly string[])[] {
  const [, , folder = ""] = file.split("/");
  const beside = filesBelow(join("build/test", folder), ".test.js");
  const name = file.replace(/^build\//, "");
  const importers = beside.filter((test) => readFileSync(join(root, test), "utf8").includes(`/${name}"`));
  const rest = beside.filter((test) => !importers.includes(test));
  const elsewhere = (ELSEWHERE[folder] ?? []).map((path) => join("build/test", path));
  return [importers, rest, elsewhere].filter((tests) => tests.length > 0);
}

/** Whether all of the tests passed; undefined when they did not end. What is `sound` shows its output. */
function passes(folder: string, tests: readonly string[], sound?: "sound"): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const flags = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"];
    const jest = [...flags, "node_modules/jest/bin/jest.js", "--bail", "--silent", "--maxWorkers=1", ...tests];
    const stdio = sound === undefined ? "ignore" : "inherit";
    const run = spawn(process.execPath, jest, { cwd: folder, stdio, detached: true });
    const limit = setTimeout(
      () => {
        resolve(undefined);
        if (run.pid !== undefined) process.kill(-run.pid, "SIGKILL");
      },
      sound === undefined ? LIMIT_MS : SOUND_LIMIT_MS,
    );
    run.once("exit", (code) => {
      clearTimeout(limit);
      resolve(code === 0);
    });
  });
}

async function tried(folder: string, trial: Trial): Promise<Outcome> {
  const { file, mutant } = trial;
  if (isEquivalent(trial)) return "equivalent";
  const text = readFileSync(join(root, file), "utf8");
  writeFileSync(join(folder, file), mutated(text, mutant));
  try {
    for (const tests of stages(file)) {
      const passed = await passes(folder, tests);
      if (passed !== true) return passed === undefined ? "timed out" : "killed";
    }
    return "survived";
  } finally {
    writeFileSync(join(folder, file), text);
  }
}

function isEquivalent({ file, line, changedLine }: Trial): boolean {
  return EQUIVALENT.some((known) => known.file === file && known.line === line && known.mutant === changedLine);
}

/** Tries until nothing is left; several of these share one list. */
async function worker(left: Trial[], report: (trial: Trial, outcome: Outcome) => void): Promise<void> {
  const folder = workshop();
  try {
    for (let trial = left.shift(); trial !== undefined; trial = left.shift()) report(trial, await tried(folder, trial));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const trials = folders.flatMap((folder) => filesBelow(join("build/src", folder), ".js").flatMap(trialsOf));
const counts: Record<Outcome, number> = { killed: 0, "timed out": 0, survived: 0, equivalent: 0 };
const report = ({ file, mutant, line, changedLine }: Trial, outcome: Outcome): void => {
  counts[outcome] += 1;
  const done = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (outcome === "survived") console.log(`survived: ${file}:${mutant.line}: ${line} -> ${changedLine}`);
  process.stderr.write(`${done} of ${trials.length}\r`);
};

/** A test that fails without any change would kill every mutant. */
async function requireSound(): Promise<void> {
  const folder = workshop();
  const all = [...new Set(folders.flatMap((name) => stages(`build/src/${name}/`).flat()))];
  if ((await passes(folder, all, "sound")) !== true) throw new Error("the tests do not pass unchanged");
  rmSync(folder, { recursive: true });
}

await requireSound();
const left = [...trials];
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, () => worker(left, report)));
const killed = counts.killed + counts["timed out"];
const percent = (100 * killed) / Math.max(1, killed + counts.survived);
console.log(`${trials.length} mutants: ${JSON.stringify(counts)}; score ${percent.toFixed(1)} %`);
process.exitCode = percent >= BAR_PERCENT ? 0 : 1;
