import { spawn } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filesBelow } from "./mutants.js";
import type { Finding, Job } from "./environment.js";

const JEST = [
  ...["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", "node_modules/jest/bin/jest.js"],
  ...["--runInBand", "--forceExit", "--silent", "--testEnvironment=<rootDir>/mutation/environment.js"],
];
/** Programs that tests start are of the unchanged bundle: making it anew takes longer than most tests. */
const NEVER_STALE = new Date("2100-01-01");
/** A property is tried with few cases, always the same, and what fails is not made smaller. */
const MOST_CASES = 25;
const PROPERTIES = `fc.configureGlobal({ numRuns: ${MOST_CASES}, seed: 1, endOnFailure: true });`;
/** A run that finds nothing for so long hangs. */
const SILENT_MS = 180_000;

export interface Ended {
  readonly findings: readonly Finding[];
  readonly hasPassed: boolean;
}

/** A copy of the built files, some of them with other texts, with all else of the project linked beside it. */
export class Workshop {
  readonly #folder = mkdtempSync(join(tmpdir(), "auditql-mutation-"));
  readonly #job = join(this.#folder, "job.json");
  #running: number | undefined;

  constructor(root: string, texts: ReadonlyMap<string, string>) {
    for (const name of readdirSync(root))
      if (name !== "build" && name !== ".git") symlinkSync(join(root, name), join(this.#folder, name));
    cpSync(join(root, "build"), join(this.#folder, "build"), { recursive: true });
    utimesSync(join(this.#folder, "build/dist/main.js"), NEVER_STALE, NEVER_STALE);
    for (const test of filesBelow(root, "build/test", ".js"))
      this.#withFewCases(join(root, test), join(this.#folder, test));
    for (const [file, text] of texts) writeFileSync(join(this.#folder, file), text);
  }

  /** What a test says itself about its number of cases counts more than the setting of all. */
  #withFewCases(from: string, to: string): void {
    const text = readFileSync(from, "utf8");
    if (!text.includes('import fc from "fast-check";')) return;
    const fewer = text.replace(/\bnumRuns: ([\d_]+)/g, `numRuns: Math.min($1, ${MOST_CASES})`);
    writeFileSync(to, fewer.replace('import fc from "fast-check";', `$& ${PROPERTIES}`));
  }

  /** Runs one test file for a job, and ends it when it hangs. */
  async run(test: string, job: Job): Promise<Ended> {
    const found = `${this.#job}.found`;
    writeFileSync(this.#job, JSON.stringify(job));
    writeFileSync(found, "");
    const env = { ...process.env, MUTATION_JOB: this.#job };
    const run = spawn(process.execPath, [...JEST, test], { cwd: this.#folder, stdio: "ignore", env, detached: true });
    this.#running = run.pid;
    const guard = setInterval(() => {
      if (Date.now() - statSync(found).mtimeMs > SILENT_MS) endGroup(run.pid);
    }, 1_000);
    const code = await new Promise((resolve) => run.once("exit", resolve));
    clearInterval(guard);
    endGroup(run.pid);
    this.#running = undefined;
    const lines = readFileSync(found, "utf8").split("\n");
    return { hasPassed: code === 0, findings: lines.filter((line) => line !== "").map(parsed) };
  }

  /** Also ends what runs. */
  remove(): void {
    endGroup(this.#running);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function parsed(line: string): Finding {
  return JSON.parse(line) as Finding;
}

/** With what its tests have started, which a test that failed may have left running. */
function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // All have ended.
  }
}
