import { afterEach, expect, jest, test } from "@jest/globals";
import { Steps } from "../../../src/engine/search/matches.js";

afterEach(() => {
  jest.restoreAllMocks();
});

test("of searches that wait for their next step one goes on in each turn of the event loop, in their order", async () => {
  let now = 0;
  jest.spyOn(performance, "now").mockImplementation(() => (now += 20)); // every step is due
  const done: string[] = [];
  const search = async (name: string): Promise<void> => {
    const steps = new Steps();
    for (let step = 1; step <= 2; step++) {
      await steps.pause();
      done.push(`${name}${step}`);
    }
  };
  const searches = Promise.all(["a", "b", "c"].map(search));
  const turns: number[] = [];
  while (done.length < 6) {
    await new Promise(setImmediate);
    turns.push(done.length);
  }
  await searches;
  expect(done).toEqual(["a1", "b1", "c1", "a2", "b2", "c2"]);
  expect(turns.every((count, place) => count - (turns[place - 1] ?? 0) <= 1)).toBe(true);
});
