import { createRequire, syncBuiltinESMExports } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import type * as workerThreads from "node:worker_threads";

/**
 * Loaded with `--import` into a gateway and each of its threads: one of them dies in the way that the file AUDITQL_TEST_DOOM
 * says once it is there, as `<thread> <end>`. The gateway itself has no such door.
 */
const threads = createRequire(import.meta.url)("node:worker_threads") as typeof workerThreads;
const orders = process.env["AUDITQL_TEST_DOOM"] ?? "";

const ENDS: Readonly<Record<string, () => void>> = {
  exception: () => {
    throw new Error("doomed");
  },
  exit: () => process.exit(7),
  memory: () => {
    const kept: unknown[] = [];
    for (;;) kept.push(new Array(100_000).fill({}));
  },
};

if (threads.isMainThread) {
  const { Worker } = threads;
  // Small, so that a thread can run out of memory on a shared machine.
  threads.Worker = class extends Worker {
    constructor(...[module, options]: ConstructorParameters<typeof Worker>) {
      super(module, { ...options, resourceLimits: { maxOldGenerationSizeMb: 48 } });
    }
  };
  syncBuiltinESMExports();
} else {
  const name = basename(process.argv[1] ?? "", ".js");
  setInterval(() => {
    if (!existsSync(orders)) return;
    const [thread, end] = readFileSync(orders, "utf8").split(" ");
    if (thread === name) ENDS[end ?? ""]?.();
  }, 20).unref();
}
