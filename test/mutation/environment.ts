import type { Circus } from "@jest/types";
import { TestEnvironment } from "jest-environment-node";
import { appendFileSync, readFileSync } from "node:fs";
import { testsBelow, TestTree, type Block, type Test } from "./test-tree.js";

/** What a run of one test file is for. */
export type Job =
  /** Tries all of these mutants that its tests execute, one after the other. */
  | { readonly kind: "many"; readonly mutants: readonly number[] }
  /** Runs as ever, with this mutant from the beginning, for what is executed while files are loaded. */
  | { readonly kind: "one"; readonly mutant: number };

/** What is known of a mutant after a run, a line of the job's output each. */
export type Finding =
  | { readonly kind: "loaded"; readonly mutants: readonly number[] }
  | { readonly kind: "base"; readonly failed: readonly string[] }
  | { readonly kind: "begun" | "killed" | "survived"; readonly mutant: number; readonly test?: string }
  /** The test that failed with it fails without it too, now: another process must try. */
  | { readonly kind: "spoilt"; readonly mutant: number; readonly test: string }
  | { readonly kind: "end" };

/** The file of the job; what is found is appended to one beside it. */
const JOB = process.env["MUTATION_JOB"] ?? "";
/** Tests of one file that take longer together are not run for one mutant: the dearest are left out. */
const MOST_MS = 4_000;

export default class MutationEnvironment extends TestEnvironment {
  readonly #job = JSON.parse(readFileSync(JOB, "utf8")) as Job;
  readonly #ms = new Map<Test, number>();
  #active = this.#job.kind === "one" ? this.#job.mutant : -1;
  #hasFailed = false;
  #executed = new Set<number>();
  #calls = 0;
  /** A loop with a switch in it has an end. */
  #mostCalls = Infinity;
  readonly #intervals = new Set<NodeJS.Timeout>();

  override async setup(): Promise<void> {
    await super.setup();
    Object.assign(this.global, {
      $mutant: (mutant: number): boolean => {
        this.#executed.add(mutant);
        if (++this.#calls > this.#mostCalls) throw new Error("does not end");
        return mutant === this.#active;
      },
    });
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
    if (event.name === "run_start" && this.#job.kind === "many")
      await this.#tryAll(rootDescribeBlock, this.#job.mutants);
    if (event.name === "test_fn_failure" || event.name === "hook_failure") this.#hasFailed = true;
    if (event.name === "test_start" && (this.#hasFailed || this.#job.kind === "many")) event.test.mode = "skip";
  }

  async #tryAll(root: Block, mutants: readonly number[]): Promise<void> {
    const asked = new Set(mutants);
    this.#intervals.clear(); // those of loaded files go on
    found({ kind: "loaded", mutants: [...this.#executed].filter((mutant) => asked.has(mutant)) });
    const executing = await this.#base(root, asked);
    for (const [mutant, tests] of executing) {
      found({ kind: "begun", mutant });
      const failed = await this.#failing(root, this.#cheapest(tests), mutant);
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

  /** The tests that execute each mutant and pass without one. */
  async #base(root: Block, asked: ReadonlySet<number>): Promise<ReadonlyMap<number, ReadonlySet<Test>>> {
    const executing = new Map<number, Set<Test>>();
    const failing = new Set<Test>();
    this.#executed = new Set();
    const tree = new TestTree(new Set(testsBelow(root)), ({ tests, hasFailed, ms }) => {
      for (const test of tests) {
        if (hasFailed) failing.add(test);
        this.#ms.set(test, (this.#ms.get(test) ?? 0) + ms / tests.length);
      }
      for (const mutant of this.#executed)
        if (asked.has(mutant)) executing.set(mutant, new Set([...(executing.get(mutant) ?? []), ...tests]));
      this.#executed = new Set();
      return true;
    });
    await tree.run(root);
    this.#endIntervals();
    this.#mostCalls = 1_000_000 + 5 * this.#calls;
    found({ kind: "base", failed: [...failing].map(({ name }) => name) });
    const passing = [...executing].map(([mutant, tests]) => [mutant, without(tests, failing)] as const);
    return new Map(passing.filter(([, tests]) => tests.size > 0));
  }

  #cheapest(tests: ReadonlySet<Test>): readonly Test[] {
    const ms = (test: Test): number => this.#ms.get(test) ?? 0;
    let totalMs = 0;
    return [...tests].sort((a, b) => ms(a) - ms(b)).filter((test, at) => (totalMs += ms(test)) <= MOST_MS || at === 0);
  }

  /** The first of the tests that fails with a mutant. */
  async #failing(root: Block, tests: readonly Test[], mutant: number): Promise<Test | undefined> {
    let failing: Test | undefined;
    [this.#active, this.#calls] = [mutant, 0];
    const tree = new TestTree(new Set(tests), (attempt) => {
      if (attempt.hasFailed) failing ??= attempt.tests[0];
      return failing === undefined;
    });
    await tree.run(root);
    this.#endIntervals();
    [this.#active, this.#calls] = [-1, 0];
    return failing;
  }
}

function without(tests: ReadonlySet<Test>, others: ReadonlySet<Test>): ReadonlySet<Test> {
  return new Set([...tests].filter((test) => !others.has(test)));
}

function found(finding: Finding): void {
  appendFileSync(`${JOB}.found`, `${JSON.stringify(finding)}\n`);
}
