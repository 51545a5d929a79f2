import type { Circus } from "@jest/types";

export type Block = Circus.DescribeBlock;
export type Test = Circus.TestEntry;

/** What one hook or test did. */
export interface Attempt {
  /** Hooks that run once for the tests of a block, or a test with its own. */
  readonly kind: "block" | "test";
  /** The test, or all tests that the hook is for. */
  readonly tests: readonly Test[];
  readonly hasFailed: boolean;
  /** Of processor time. */
  readonly ms: number;
  /** It did next to nothing for so long that with a mutant it counts as waiting for what never comes. */
  readonly hasIdled: boolean;
  /** It was given up, for it takes more of the processor than it may. It may go on. */
  readonly isDear: boolean;
}

export interface TestTreeOptions {
  readonly tests: ReadonlySet<Test>;
  /** Says whether to go on. */
  readonly attempted: (attempt: Attempt) => boolean;
  /** What takes more of the processor is given up. */
  readonly mostBusyMs: number;
  /** Whether what waits for long has failed: for tests that are known to pass, and not to. */
  readonly endsIdle: boolean;
}

/** A test whose mutant waits for what never comes has failed: the process has used next to nothing for so long. */
const IDLE_MS = Number(process.env["MUTATION_IDLE_MS"] ?? 10_000);
const MOST_IDLE_PARTS = 20;
/** How often a test is looked at. */
const LOOK_MS = 500;
/** Tests may have put their own in its place. */
const { setInterval, clearInterval } = globalThis;

export function testsBelow(block: Block): readonly Test[] {
  return block.children.flatMap((child) => {
    if (child.type === "describeBlock") return testsBelow(child);
    return child.mode === "skip" || child.mode === "todo" ? [] : [child];
  });
}

/** Runs these tests of a file that jest has loaded, with their hooks, as jest does, and as often as it is called. */
export class TestTree {
  #goesOn = true;

  constructor(private readonly options: TestTreeOptions) {}

  async run(block: Block, before: readonly Circus.Hook[] = [], after: readonly Circus.Hook[] = []): Promise<void> {
    const own = testsBelow(block).filter((test) => this.options.tests.has(test));
    if (own.length === 0) return;
    const hooks = (type: Circus.Hook["type"]): readonly Circus.Hook[] =>
      block.hooks.filter((hook) => hook.type === type);
    const [beforeEach, afterEach] = [
      [...before, ...hooks("beforeEach")],
      [...hooks("afterEach"), ...after],
    ];
    const isReady = await this.#attempt(own, hooks("beforeAll"));
    for (const child of isReady ? block.children : []) {
      if (!this.#goesOn) break;
      if (child.type === "describeBlock") await this.run(child, beforeEach, afterEach);
      else if (this.options.tests.has(child)) await this.#test(child, beforeEach, afterEach);
    }
    await this.#attempt(own, hooks("afterAll"));
  }

  async #test(test: Test, before: readonly Circus.Hook[], after: readonly Circus.Hook[]): Promise<void> {
    const context = {};
    await this.#attempt([test], [...before, test], context);
    await this.#attempt([test], after, context);
  }

  async #attempt(tests: readonly Test[], steps: readonly (Circus.Hook | Test)[], context?: object): Promise<boolean> {
    const kind = context === undefined ? "block" : "test";
    const since = processorMs();
    const { attempted, mostBusyMs, endsIdle } = this.options;
    let [hasIdled, isDear] = [false, false];
    const finish = (hasFailed: boolean): boolean => {
      if (!attempted({ kind, tests, hasFailed, ms: processorMs() - since, hasIdled, isDear })) this.#goesOn = false;
      return !hasFailed;
    };
    const isOver = (busyMs: number, isIdle: boolean): boolean => {
      hasIdled ||= isIdle;
      isDear ||= busyMs > mostBusyMs;
      return isDear || (isIdle && endsIdle);
    };
    try {
      for (const { fn } of steps) await inTime(called(fn, context ?? {}), isOver);
      return finish(false);
    } catch {
      return finish(true);
    }
  }
}

/** As jest calls it: what takes an argument calls that when it is done. */
async function called(fn: Circus.TestFn | undefined, context: object): Promise<void> {
  if (fn === undefined) return;
  if (fn.length === 0) await (fn as () => unknown).call(context);
  else
    await new Promise<void>((resolve, reject) => {
      (fn as (done: (error?: Error | string) => void) => unknown).call(context, (error) => {
        if (error === undefined) resolve();
        else reject(new Error("done with an error", { cause: error }));
      });
    });
}

/** `isOver`: told now and then what the run has used of the processor, and whether it was next to nothing of late. */
async function inTime(run: Promise<void>, isOver: (busyMs: number, isIdle: boolean) => boolean): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const since = processorMs();
    let [before, looks] = [since, 0];
    timer = setInterval(() => {
      const now = processorMs();
      const isTime = (looks += 1) % (IDLE_MS / LOOK_MS) === 0;
      const isIdle = isTime && now - before < IDLE_MS / MOST_IDLE_PARTS;
      if (isTime) before = now;
      if (isOver(now - since, isIdle)) reject(new Error("takes too long"));
    }, LOOK_MS);
  });
  try {
    await Promise.race([run, late]);
  } finally {
    clearInterval(timer);
  }
}

/** What the process has used, which does not depend on the load of the machine. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
