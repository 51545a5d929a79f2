import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { WorkerChannel } from "../../../src/stores/sqlite/worker-channel.js";
import type { OddProtocol } from "./odd-worker.js";

const start = (logPath: string): Promise<WorkerChannel<OddProtocol>> =>
  WorkerChannel.start<OddProtocol>({
    module: new URL("./odd-worker.js", import.meta.url),
    files: { logPath, indexPath: "" },
  });

test("says why a worker would not start", async () => {
  await expect(start("refuse")).rejects.toMatchObject({ code: "UNAVAILABLE", message: "the odd file: no such luck" });
});

describe("a running worker", () => {
  let channel: WorkerChannel<OddProtocol>;
  beforeEach(async () => {
    channel = await start("open");
  });
  afterEach(async () => {
    await channel.close();
  });

  test("answers every call with its own reply", async () => {
    const doubled = await Promise.all([1, 2, 3].map((value) => channel.call("double", value)));
    expect(doubled).toEqual([2, 4, 6]);
  });

  test("fails the one call that throws, with a code and the engine's words as its cause", async () => {
    const outcomes = await Promise.allSettled([channel.call("fail", "broken"), channel.call("double", 4)]);
    expect(outcomes).toMatchObject([
      {
        status: "rejected",
        reason: { code: "UNAVAILABLE", message: "the odd file: broken", cause: { name: "WorkerError" } },
      },
      { status: "fulfilled", value: 8 },
    ]);
  });

  test("finishes what was asked before it closes", async () => {
    const asked = channel.call("double", 5);
    await channel.close();
    expect(await asked).toBe(10);
  });

  test("when it exits, rejects what is pending and every later call, and still closes", async () => {
    const pending = [channel.call("exit", undefined), channel.call("double", 1)];
    for (const outcome of await Promise.allSettled(pending))
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "UNAVAILABLE" } });
    await expect(channel.call("double", 1)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("when it collapses, says that a thread died", async () => {
    await channel.call("collapse", undefined);
    const asking = async (): Promise<never> => {
      for (;;) await channel.call("double", 1);
    };
    await expect(asking()).rejects.toMatchObject({ code: "UNAVAILABLE", message: "a thread of the store died" });
  });
});
