import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import { MemoryRootCache } from "../../../src/caches/memory/root-cache.js";
import { GrowthWatch } from "../../../src/engine/log/log-tree.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { FaultStore } from "../fault-store.js";
import { logMessages, openTestService } from "../test-log.js";

function watching(look: () => Promise<void>): GrowthWatch {
  const watch = new GrowthWatch();
  watch.lookBy(look);
  return watch;
}

/** A watch on a store that others write to, with the times at which the store was looked at. */
function watched(lookMs = 0) {
  const looks: number[] = [];
  const startMs = performance.now();
  const watch = watching(async () => {
    // A timer of no time takes a millisecond.
    looks.push(Math.floor((performance.now() - startMs) / 10) * 10);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  });
  return { watch, looks };
}

describe("a watch on a log that others write to", () => {
  const { signal } = new AbortController();

  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  test("looks at once for the first who waits, and then once a second", async () => {
    const { watch, looks } = watched();
    void watch.next(signal);
    void watch.next(signal);
    await jest.advanceTimersByTimeAsync(2_500);
    expect(looks).toEqual([0, 1_000, 2_000]);
  });

  test("looks once a second also for one who comes back after each growth", async () => {
    const { watch, looks } = watched();
    void (async () => {
      for (;;) await watch.next(signal);
    })();
    for (let at = 0; at < 25; at++) {
      await jest.advanceTimersByTimeAsync(100);
      watch.grown();
    }
    expect(looks).toEqual([0, 1_000, 2_000]);
  });

  test("looks soon after a hint, however many come", async () => {
    const { watch, looks } = watched();
    void watch.next(signal);
    await jest.advanceTimersByTimeAsync(500);
    for (let hints = 0; hints < 100; hints++) watch.hint();
    await jest.advanceTimersByTimeAsync(600);
    expect(looks).toEqual([0, 500]);
  });

  test("looks no more often than every 20 ms, and never twice at a time", async () => {
    const { watch, looks } = watched(30);
    void watch.next(signal);
    for (let ms = 0; ms < 190; ms++) {
      watch.hint();
      await jest.advanceTimersByTimeAsync(1);
    }
    expect(looks).toEqual([0, 50, 100, 150]);
  });

  test("looks again after a hint that came while it looked", async () => {
    const { watch, looks } = watched(30);
    void watch.next(signal);
    await jest.advanceTimersByTimeAsync(10);
    watch.hint();
    await jest.advanceTimersByTimeAsync(100);
    expect(looks).toEqual([0, 50]);
  });

  test("holds nothing of a caller who has waited", async () => {
    const { watch } = watched();
    const caller = new AbortController();
    const waits = [watch.next(caller.signal), watch.next(caller.signal)];
    expect(getEventListeners(caller.signal, "abort")).toHaveLength(2);
    watch.grown();
    await Promise.all(waits);
    expect(getEventListeners(caller.signal, "abort")).toHaveLength(0);
  });

  test("does not look while nobody waits", async () => {
    const { watch, looks } = watched();
    watch.hint();
    await jest.advanceTimersByTimeAsync(5_000);
    const leaving = new AbortController();
    const waiting = watch.next(leaving.signal);
    leaving.abort();
    await waiting;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(looks).toEqual([]);
  });

  test("looks on for who stays when another leaves", async () => {
    const { watch, looks } = watched();
    const leaving = new AbortController();
    void watch.next(signal);
    const left = watch.next(leaving.signal);
    await jest.advanceTimersByTimeAsync(500);
    leaving.abort();
    await left;
    await jest.advanceTimersByTimeAsync(2_000);
    expect(looks).toEqual([0, 1_000, 2_000]);
  });

  test("tells those who wait when it cannot look, and looks again for who comes back", async () => {
    const failures = [new Error("refused")];
    const watch = watching(() => Promise.reject(failures.pop() ?? new Error("refused again")));
    const first = expect(watch.next(signal)).rejects.toThrow("refused");
    await jest.advanceTimersByTimeAsync(10);
    await first;
    const second = expect(watch.next(signal)).rejects.toThrow("refused again");
    await jest.advanceTimersByTimeAsync(1_000);
    await second;
  });
});

test("a watch on a log that nobody else writes to only waits", async () => {
  const watch = new GrowthWatch();
  const waiting = watch.next(new AbortController().signal);
  watch.hint();
  watch.grown();
  await expect(waiting).resolves.toBeUndefined();
});

describe("a size that another gateway published", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test.each([
    ["is larger than the tree that is known", 4, 1],
    ["is known already", 3, 0],
    ["is older", 2, 0],
  ])("which %s: %i, has the store looked at soon, so often: %i", async (_, size, looks) => {
    const store = new FaultStore(new MemoryLogStore());
    let publish: (treeSize: number) => void = () => undefined;
    const cache = replaced(new MemoryRootCache(), {
      onNewest: (_log, listener) => {
        publish = listener;
        return () => undefined;
      },
    });
    const service = await openTestService({ store, cache, sharedStore: true });
    await logMessages(service, 3);
    const reader = new AbortController();
    const tail = await service.tail({ log: "default" }, reader);
    const next = tail[Symbol.asyncIterator]().next();
    await jest.advanceTimersByTimeAsync(100); // the look of who begins to wait
    const before = store.headReads;
    publish(size);
    await jest.advanceTimersByTimeAsync(100);
    expect(store.headReads - before).toBe(looks);
    reader.abort();
    await next;
    await service.close();
  });
});
