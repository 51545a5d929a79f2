import { readFileSync } from "node:fs";
import { filesBelow, isEquivalent, populationOf, type Numbered } from "./mutants.js";
import { ReachedFiles } from "./reached.js";
import { Workshop } from "./workshop.js";

/**
 * Tries mutants of the built files with the tests that execute them: `npm run test:mutation -- [folder …]`. A folder may be one
 * within another. Prints what survived and the score. Every file has all of its mutants behind switches, so one process tries those
 * that a test file executes. Which are taken is decided by the hash of each, so a run can be repeated, and another part tried.
 */
const FOLDERS = ["core", "audit", "keys", "engine", "access", "query", "caches", "downloads"];
const EVERY_NTH = Number(process.env["MUTATION_EVERY"] ?? 16);
/** Or several: `0,1,2`. */
const PARTS = (process.env["MUTATION_PART"] ?? "0").split(",").map(Number);
/** Tests elsewhere that hold what these folders' own tests leave to them; not those that take minutes or hold Python alone. */
const ELSEWHERE = /^(graphql|stores\/memory)\/|^http\/(live-tail|download)/;
const LEFT_OUT = /python|fuzz|bundle|executors|normalised-caches|redis|entry-paths/;
/** They run last, for what nothing else has killed: each of their tests opens stores, or logs thousands of entries. */
const DEAR =
  /standby|local-service|bulk-requests|segment-(index|oracle)|(segment|search)\/completeness|completeness-|tree-reading|root-conflict|damaged-log|fraud-proof|vectors|merge|base64|custom-fields|index-life/;
/** A mutant of what runs while files are loaded is tried with so many test files, in a process for each. */
const MOST_ALONE = 3;
const BAR_PERCENT = 95;
/** Without the tests elsewhere: sooner, and no higher a score. */
const OWN_ALONE = process.env["MUTATION_OWN"] === "1";

type Outcome = "killed" | "timed out" | "survived" | "not executed" | "equivalent";

const root = process.cwd();
const folders = process.argv.length > 2 ? process.argv.slice(2) : FOLDERS;

class Campaign {
  readonly #population = populationOf(root, FOLDERS, { every: EVERY_NTH, parts: PARTS });
  readonly #reached = new ReachedFiles(root);
  readonly #workshop = new Workshop(root, this.#population.texts);
  readonly #outcomes = new Map<number, Outcome>();
  /** Those that no test executed, other than when its files were loaded: by such a test. */
  readonly #loaded = new Map<number, readonly string[]>();

  async run(): Promise<void> {
    const own = this.#fewestFirst(folders.flatMap((folder) => filesBelow(root, `build/test/${folder}`, ".test.js")));
    for (const test of own.filter((name) => !DEAR.test(name))) await this.#runMany(test);
    for (const test of own.filter((name) => DEAR.test(name))) await this.#runMany(test);
    const others = filesBelow(root, "build/test", ".test.js").filter(
      (test) => !OWN_ALONE && ELSEWHERE.test(test.slice("build/test/".length)),
    );
    for (const test of others) await this.#runMany(test);
    for (const [mutant, tests] of this.#loaded)
      if (!this.#outcomes.has(mutant))
        for (const test of this.#nearest(mutant, tests)) await this.#runOne(test, mutant);
    this.#workshop.remove();
  }

  /** A test of few files takes little, and kills most that lies in them. */
  #fewestFirst(tests: readonly string[]): readonly string[] {
    const reached = new Map(tests.map((test) => [test, this.#reached.from(test).size]));
    return [...tests].sort((a, b) => (reached.get(a) ?? 0) - (reached.get(b) ?? 0));
  }

  /** Tells what is known so far. */
  breakOff(): void {
    this.#workshop.remove();
    this.report();
  }

  get #sample(): readonly Numbered[] {
    return this.#population.sample.filter(({ file }) =>
      folders.some((folder) => file.startsWith(`build/src/${folder}/`)),
    );
  }

  async #runMany(test: string): Promise<void> {
    if (LEFT_OUT.test(test)) return;
    const tried = new Set(this.#sample.filter((mutant) => isEquivalent(mutant)).map(({ number }) => number));
    for (const [mutant, outcome] of this.#outcomes) if (outcome !== "survived") tried.add(mutant);
    const reached = this.#reached.from(test);
    if (!this.#sample.some(({ number, file }) => !tried.has(number) && reached.has(file))) return;
    const spoilt = new Set<number>();
    const dear: number[] = [];
    let hasEnded = false;
    while (!hasEnded) {
      const mutants = this.#sample.map(({ number }) => number).filter((number) => !tried.has(number));
      const { findings } = await this.#workshop.run(test, { kind: "many", mutants, dear });
      let begun: number | undefined;
      let isBased = findings.some(({ kind }) => kind === "dear");
      for (const finding of findings) {
        if (finding.kind === "loaded")
          for (const mutant of finding.mutants) this.#loaded.set(mutant, [...(this.#loaded.get(mutant) ?? []), test]);
        else if (finding.kind === "dear") dear.push(...finding.tests);
        else if (finding.kind === "base") isBased = this.#based(test, finding.failed);
        else if (finding.kind === "end") hasEnded = true;
        else {
          begun = finding.kind === "begun" ? finding.mutant : undefined;
          if (finding.kind === "begun") continue;
          if (finding.kind === "spoilt" && !spoilt.has(finding.mutant)) spoilt.add(finding.mutant);
          else {
            tried.add(finding.mutant);
            this.#outcomes.set(finding.mutant, finding.kind === "survived" ? "survived" : "killed");
          }
        }
      }
      if (!isBased) {
        console.log(`does not end without a change, and was left out: ${test}`);
        return;
      }
      if (begun !== undefined) {
        tried.add(begun);
        this.#outcomes.set(begun, "timed out");
      }
    }
    process.stderr.write(
      `${test}: ${this.#outcomes.size} of ${this.#sample.length} executed, ${[...this.#outcomes.values()].filter((outcome) => outcome === "survived").length} survive; ${new Date().toISOString()}\n`,
    );
  }

  /** Tests that fail without a mutant are not run with one. */
  #based(test: string, failed: readonly string[]): true {
    for (const name of failed) console.log(`fails without a change: ${test}: ${name}`);
    return true;
  }

  /** Of the test files that load a mutant, the first of those that import its file themselves. */
  #nearest(mutant: number, tests: readonly string[]): readonly string[] {
    const name = this.#sample.find(({ number }) => number === mutant)?.file.replace(/^build\//, "/");
    const importers = tests.filter((test) => readFileSync(test, "utf8").includes(`${name}"`));
    return (importers.length > 0 ? importers : tests).slice(0, MOST_ALONE);
  }

  async #runOne(test: string, mutant: number): Promise<void> {
    if (this.#outcomes.get(mutant) === "killed") return;
    const { hasPassed } = await this.#workshop.run(test, { kind: "one", mutant });
    this.#outcomes.set(mutant, hasPassed ? "survived" : "killed");
  }

  /** The score in percent; what is equivalent does not count, and what no test executes has survived. */
  report(): number {
    const outcomeOf = (mutant: Numbered): Outcome =>
      isEquivalent(mutant) ? "equivalent" : (this.#outcomes.get(mutant.number) ?? "not executed");
    for (const mutant of this.#sample) {
      const outcome = outcomeOf(mutant);
      if (outcome === "survived" || outcome === "not executed")
        console.log(`${outcome}: ${mutant.file}:${mutant.line}: ${mutant.before} -> ${mutant.after}`);
    }
    let percent = 0;
    for (const folder of [...folders, ""]) {
      const outcomes = this.#sample.filter(({ file }) => file.startsWith(`build/src/${folder}`)).map(outcomeOf);
      const count = (...kinds: readonly Outcome[]): number =>
        outcomes.filter((outcome) => kinds.includes(outcome)).length;
      const [killed, survived] = [count("killed", "timed out"), count("survived", "not executed")];
      percent = (100 * killed) / Math.max(1, killed + survived);
      console.log(
        `${folder === "" ? "all" : folder}: ${outcomes.length} mutants, ${killed} killed (${count("timed out")} in time), ` +
          `${survived} survived (${count("not executed")} not executed), ${count("equivalent")} equivalent; ${percent.toFixed(1)} %`,
      );
    }
    return percent;
  }
}

const campaign = new Campaign();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    campaign.breakOff();
    process.exit(1);
  });
await campaign.run();
process.exitCode = campaign.report() >= BAR_PERCENT ? 0 : 1;
