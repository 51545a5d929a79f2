import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Circuit } from "../../../src/caches/redis/circuit.js";

const PAUSE_MS = 1_000;

describe("a circuit that three failures open for a second", () => {
  let told: string[];
  let tried: number;
  let circuit: Circuit;

  beforeEach(() => {
    jest.useFakeTimers();
    told = [];
    tried = 0;
    circuit = new Circuit({
      maxFailures: 3,
      pauseMs: PAUSE_MS,
      onOpen: () => told.push("open"),
      onClosed: () => told.push("closed"),
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const ask = (outcome: () => Promise<string>): Promise<string | undefined> =>
    circuit.run(() => {
      tried += 1;
      return outcome();
    });
  const dead = () => Promise.reject(new Error("dead"));
  const well = () => Promise.resolve("well");
  const open = async (): Promise<void> => {
    for (let failure = 0; failure < 3; failure++) await ask(dead);
  };

  test("lets every call try as long as one in three goes well", async () => {
    for (const outcome of [dead, dead, well, dead, dead, well]) await ask(outcome);
    expect([tried, told]).toEqual([6, []]);
  });

  test("tries nothing from the third failure on until the second is over", async () => {
    await open();
    jest.advanceTimersByTime(PAUSE_MS - 1);
    expect(await ask(well)).toBeUndefined();
    expect([tried, told]).toEqual([3, ["open"]]);
  });

  test("lets one call try then, which the others do not wait beside", async () => {
    await open();
    jest.advanceTimersByTime(PAUSE_MS);
    const { promise, reject } = withRejection();
    const first = ask(() => promise);
    expect(await Promise.all([ask(well), ask(well)])).toEqual([undefined, undefined]);
    expect(tried).toBe(4);
    reject(new Error("dead"));
    await first;
    jest.advanceTimersByTime(PAUSE_MS - 1);
    expect([await ask(well), tried]).toEqual([undefined, 4]);
  });

  test("lets every call try again once that one went well", async () => {
    await open();
    jest.advanceTimersByTime(PAUSE_MS);
    expect([await ask(well), await ask(well)]).toEqual(["well", "well"]);
    expect(told).toEqual(["open", "closed"]);
  });
});

function withRejection(): { readonly promise: Promise<string>; readonly reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<string>((_, fail) => {
    reject = fail;
  });
  return { promise, reject };
}
