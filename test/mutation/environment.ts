import type { Circus } from "@jest/types";
import { TestEnvironment } from "jest-environment-node";
import { appendFileSync, readFileSync } from "node:fs";
import { setEnvironmentData } from "node:worker_threads";
import type { Switches } from "./switches.js";
import { testsBelow, TestTree, type Attempt, type Block, type Test } from "./test-tree.js";

/** What a run of one test file is for. */
export type Job =
  /** Tries all of these mutants that its tests execute, one after the other. */
  | {
      readonly kind: "many";
      readonly mutants: readonly number[];
      /** Places of tests that are known to take too much. */
      readonly dear: readonly number[];
    }
  /** Runs as ever, with this mutant from the beginning, for what is executed while files are loaded. */
  | { readonly kind: "one"; readonly mutant: number };

/** What is known of a mutant after a run, a line of the job's output each. */
export type Finding =
  | { readonly kind: "loaded"; readonly mutants: readonly number[] }
  /** Tests that take too much, by their places in the file: another process is to go on without them. */
  | { readonly kind: "dear"; readonly tests: readonly number[] }
  | { readonly kind: "base"; readonly failed: readonly string[] }
  | { readonly kind: "begun" | "killed" | "survived"; readonly mutant: number; readonly test?: string }
  /** The test that failed with it fails without it too, now: another process must try. */
  | { readonly kind: "spoilt"; readonly mutant: number; readonly test: string }
  | { readonly kind: "end" };

/** The file of the job; what is found is appended to one beside it. */
const JOB = process.env["MUTATION_JOB"] ?? "";
/** Tests of one file that take more processor time together are not run for one mutant: the dearest are left out. */
const MOST_MS = Number(process.env["MUTATION_MS"] ?? 3_000);
/** A test that has used so much of the processor with a mutant has failed: those that are tried take a fraction of it. */
const MOST_BUSY_MS = 20_000;
/** More than there are. */
const MOST_MUTANTS = 65_536;

/** What a test took without a mutant. */
interface Cost {
  readonly ms: number;
  readonly turns: number;
}

export default class MutationEnvironment extends TestEnvironment {
  readonly #job = JSON.parse(readFileSync(JOB, "utf8")) as Job;
  readonly #costs = new Map<Test, Cost>();
  readonly #hooks: { readonly tests: ReadonlySet<Test>; readonly ms: number }[] = [];
  /** Shared with the threads that tests start. */
  readonly #switches: Switches = {
    seen: new Uint8Array(new SharedArrayBuffer(MOST_MUTANTS)),
    state: new Float64Array(new SharedArrayBuffer(3 * Float64Array.BYTES_PER_ELEMENT)),
  };
  #hasFailed = false;
  readonly #intervals = new Set<NodeJS.Timeout>();

  override async setup(): Promise<void> {
    await super.setup();
    this.#turnTo(this.#job.kind === "one" ? this.#job.mutant : -1, Infinity);
    Object.assign(this.global, { $mutants: this.#switches });
    setEnvironmentData("$mutants", { ...this.#switches });
    this.#noteIntervals();
  }

  /** A service that a test leaves open lives as long as the interval in which it looks at its logs: a megabyte for each try. */
  #noteIntervals(): void {
    const { setInterval: begin } = this.global;
    const noted = (...asked: Parameters<typeof setInterval>): NodeJS.Timeout => {
      const interval = begin(...asked);
      this.#intervals.add(interval);
      return interval;
    };
    Object.assign(this.global, { setInterval: noted });
  }

  #endIntervals(): void {
    for (const interval of this.#intervals) clearInterval(interval);
    this.#intervals.clear();
  }

  async handleTestEvent(event: Circus.Event, { rootDescribeBlock }: Circus.State): Promise<void> {
    if (event.name === "run_start" && this.#job.kind === "many") await this.#tryAll(rootDescribeBlock, this.#job);
    if (event.name === "test_fn_failure" || event.name === "hook_failure") this.#hasFailed = true;
    if (event.name === "test_start" && (this.#hasFailed || this.#job.kind === "many")) event.test.mode = "skip";
  }

  async #tryAll(root: Block, { mutants, dear }: Job & { readonly kind: "many" }): Promise<void> {
    const asked = new Set(mutants);
    this.#intervals.clear(); // those of loaded files go on
    found({ kind: "loaded", mutants: this.#executed(asked) });
    const executing = await this.#base(root, asked, new Set(dear));
    for (const [mutant, tests] of executing) {
      const cheapest = this.#cheapest(tests);
      if (cheapest.length === 0) continue;
      found({ kind: "begun", mutant });
      const failed = await this.#failing(root, cheapest, mutant);
      if (failed === undefined) found({ kind: "survived", mutant });
      else if ((await this.#failing(root, [failed], -1)) === undefined)
        found({ kind: "killed", mutant, test: failed.name });
      else {
        found({ kind: "spoilt", mutant, test: failed.name });
        process.exit(1);
      }
    }
    found({ kind: "end" });
  }

  /** The tests that execute each mutant, and pass without one, and do not wait for another program for long. */
  async #base(
    root: Block,
    asked: ReadonlySet<number>,
    dear: ReadonlySet<number>,
  ): Promise<ReadonlyMap<number, ReadonlySet<Test>>> {
    const all = testsBelow(root);
    const executing = new Map<number, Set<Test>>();
    const [failing, waiting] = [new Set<Test>(), new Set<Test>()];
    const attempted = ({ kind, tests, hasFailed, ms, hasIdled, isDear }: Attempt): boolean => {
      if (isDear) {
        found({ kind: "dear", tests: tests.map((test) => all.indexOf(test)) });
        process.exit(1);
      }
      const turns = this.#switches.state[1] ?? 0;
      if (kind === "block") this.#hooks.push({ tests: new Set(tests), ms });
      for (const test of tests) {
        if (hasFailed) failing.add(test);
        if (hasIdled) waiting.add(test);
        const before = this.#costs.get(test) ?? { ms: 0, turns: 0 };
        this.#costs.set(test, { ms: before.ms + (kind === "test" ? ms : 0), turns: before.turns + turns });
      }
      for (const mutant of this.#executed(asked))
        executing.set(mutant, new Set([...(executing.get(mutant) ?? []), ...tests]));
      this.#turnTo(-1, Infinity);
      return true;
    };
    this.#turnTo(-1, Infinity);
    const tests = new Set(all.filter((_, place) => !dear.has(place)));
    await new TestTree({ tests, attempted, mostBusyMs: MOST_MS, endsIdle: false }).run(root);
    this.#endIntervals();
    found({ kind: "base", failed: [...failing].map(({ name }) => name) });
    const unfit = new Set([...failing, ...waiting]);
    const passing = [...executing].map(([mutant, tests]) => [mutant, without(tests, unfit)] as const);
    return new Map(passing.filter(([, tests]) => tests.size > 0));
  }

  #executed(asked: ReadonlySet<number>): readonly number[] {
    return [...asked].filter((mutant) => this.#switches.seen[mutant] === 1);
  }

  /** From here this mutant is on, and so many turns of loops end. */
  #turnTo(mutant: number, mostTurns: number): void {
    this.#switches.seen.fill(0);
    this.#switches.state.set([mutant, 0, mostTurns]);
  }

  /** The hooks of a block run for any of its tests. Nothing where even one test takes too long with its hooks. */
  #cheapest(tests: ReadonlySet<Test>): readonly Test[] {
    const ms = (test: Test): number => this.#costs.get(test)?.ms ?? 0;
    const waiting = new Set(this.#hooks);
    let totalMs = 0;
    const chosen: Test[] = [];
    for (const test of [...tests].sort((a, b) => ms(a) - ms(b))) {
      const hooks = [...waiting].filter((hook) => hook.tests.has(test));
      const withIt = hooks.reduce((sum, hook) => sum + hook.ms, totalMs + ms(test));
      if (withIt > MOST_MS) continue;
      totalMs = withIt;
      chosen.push(test);
      for (const hook of hooks) waiting.delete(hook);
    }
    return chosen;
  }

  /** The first of the tests that fails with a mutant. */
  async #failing(root: Block, tests: readonly Test[], mutant: number): Promise<Test | undefined> {
    let failing: Test | undefined;
    this.#turnTo(mutant, 1_000_000 + 5 * tests.reduce((sum, test) => sum + (this.#costs.get(test)?.turns ?? 0), 0));
    const attempted = (attempt: Attempt): boolean => {
      if (attempt.hasFailed) failing ??= attempt.tests[0];
      return failing === undefined;
    };
    await new TestTree({ tests: new Set(tests), attempted, mostBusyMs: MOST_BUSY_MS, endsIdle: true }).run(root);
    this.#endIntervals();
    this.#turnTo(-1, Infinity);
    return failing;
  }
}

function without(tests: ReadonlySet<Test>, others: ReadonlySet<Test>): ReadonlySet<Test> {
  return new Set([...tests].filter((test) => !others.has(test)));
}

function found(finding: Finding): void {
  appendFileSync(`${JOB}.found`, `${JSON.stringify(finding)}\n`);
}
