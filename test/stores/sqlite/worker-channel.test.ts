import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { WorkerChannel } from "../../../src/stores/sqlite/worker-channel.js";
import type { Odd } from "./odd-worker.js";

let deaths: Error[] = [];
beforeEach(() => {
  deaths = [];
});

const start = (logPath: string): Promise<WorkerChannel<Odd>> =>
  WorkerChannel.start<Odd>({
    module: new URL("./odd-worker.js", import.meta.url),
    files: { logPath, indexPath: "" },
    onDeath: (error) => deaths.push(error),
  });

test("says why a worker would not start", async () => {
  await expect(start("refuse")).rejects.toMatchObject({ code: "UNAVAILABLE", message: "the odd file: no such luck" });
  expect(deaths).toEqual([]);
});

test("says so when the thread died before it was asked to open", async () => {
  const module = new URL("./no-such-worker.js", import.meta.url);
  const after = sleep(500);
  const started = WorkerChannel.start<Odd>({ module, files: { logPath: "", indexPath: "" }, after });
  await expect(started).rejects.toMatchObject({ code: "UNAVAILABLE", message: "A thread of the store died." });
});

test("does not open its files when what has to be open first is not", async () => {
  const after = Promise.reject(new Error("not open"));
  const module = new URL("./odd-worker.js", import.meta.url);
  const started = WorkerChannel.start<Odd>({ module, files: { logPath: "refuse", indexPath: "" }, after });
  await expect(started).rejects.toThrow("not open");
});

describe("a running worker", () => {
  let channel: WorkerChannel<Odd>;
  beforeEach(async () => {
    channel = await start("open");
  });
  afterEach(async () => {
    await channel.close();
  });

  test("answers every call with its own reply", async () => {
    const doubled = await Promise.all([1, 2, 3].map((value) => channel.call("double", [value])));
    expect(doubled).toEqual([2, 4, 6]);
  });

  test("fails the one call that throws, with a code and the engine's words as its cause", async () => {
    const outcomes = await Promise.allSettled([channel.call("fail", ["broken"]), channel.call("double", [4])]);
    expect(outcomes).toMatchObject([
      {
        status: "rejected",
        reason: { code: "UNAVAILABLE", message: "the odd file: broken", cause: { name: "WorkerError" } },
      },
      { status: "fulfilled", value: 8 },
    ]);
  });

  describe("whose callers leave", () => {
    const gone = new Error("gone");
    let gate: Int32Array;
    beforeEach(() => {
      gate = new Int32Array(new SharedArrayBuffer(4));
    });
    afterEach(() => {
      open();
    });

    function open(): void {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    }

    test("rejects what waits for its turn at once, and leaves it out when its turn comes", async () => {
      const caller = new AbortController();
      const held = channel.call("hold", [gate]);
      const before = channel.call("note", ["before"]);
      const dropped = expect(channel.call("note", ["dropped"], caller.signal)).rejects.toBe(gone);
      const after = channel.call("note", ["after"], new AbortController().signal);
      caller.abort(gone);
      await dropped;
      open();
      await Promise.all([held, before]);
      expect(await after).toEqual(["before", "after"]);
    });

    test("does not ask for what nobody wants any more", async () => {
      await expect(channel.call("note", ["never"], AbortSignal.abort(gone))).rejects.toBe(gone);
      expect(await channel.call("note", ["asked"])).toEqual(["asked"]);
    });

    test("rejects what is under way at once, and goes on when that has ended", async () => {
      const caller = new AbortController();
      const held = expect(channel.call("hold", [gate], caller.signal)).rejects.toBe(gone);
      caller.abort(gone);
      await held;
      open();
      expect(await channel.call("double", [4])).toBe(8);
    });
  });

  test("finishes what was asked before it closes", async () => {
    const asked = channel.call("double", [5]);
    await channel.close();
    expect(await asked).toBe(10);
    expect(deaths).toEqual([]);
  });

  test("when it exits, rejects what is pending and every later call, and still closes", async () => {
    const pending = [channel.call("exit", []), channel.call("double", [1])];
    for (const outcome of await Promise.allSettled(pending))
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "UNAVAILABLE" } });
    await expect(channel.call("double", [1])).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(deaths.map(({ message }) => message)).toEqual([
      "The store's thread odd-worker ended unexpectedly: Error: it ended with code 0",
    ]);
  });

  test("when it collapses, says that a thread died", async () => {
    // It may be gone before its last answer has come.
    const asking = async (): Promise<never> => {
      await channel.call("collapse", []);
      for (;;) await channel.call("double", [1]);
    };
    await expect(asking()).rejects.toMatchObject({ code: "UNAVAILABLE", message: "A thread of the store died." });
  });
});
