import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { Steps } from "../../../src/engine/search/matches.js";

/** What a search may hold the event loop for. */
const STEP_MS = 10;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Whether others had their turn while a search paused. */
async function hasPaused(steps: Steps): Promise<boolean> {
  let isTurn = false;
  setImmediate(() => {
    isTurn = true;
  });
  await steps.pause();
  const had = isTurn;
  await new Promise(setImmediate);
  return had;
}

test("work in steps lets others run when it has taken ten milliseconds, and not before", async () => {
  const steps = new Steps();
  expect(await hasPaused(steps)).toBe(false);
  jest.advanceTimersByTime(STEP_MS);
  expect(await hasPaused(steps)).toBe(false);
  jest.advanceTimersByTime(1);
  expect(await hasPaused(steps)).toBe(true);
  expect(await hasPaused(steps)).toBe(false); // its time begins again
  jest.advanceTimersByTime(STEP_MS + 1);
  expect(await hasPaused(steps)).toBe(true);
});

test("work in steps ends with the reason of its signal, whether or not it paused", async () => {
  const caller = new AbortController();
  const steps = new Steps(caller.signal);
  await steps.pause();
  caller.abort(new Error("gone"));
  await expect(steps.pause()).rejects.toThrow("gone");
  jest.advanceTimersByTime(STEP_MS + 1);
  await expect(steps.pause()).rejects.toThrow("gone");
});
