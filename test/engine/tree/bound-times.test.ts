import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { TimeBounds, type AskedTimes } from "../../../src/engine/tree/bound-times.js";

/** A log whose entries were received at these times, rising; its reads are noted. */
function logOf(received: readonly string[]) {
  const reads: (readonly number[])[] = [];
  const read = (leafIndexes: readonly number[]): Promise<readonly string[]> => {
    reads.push(leafIndexes);
    return Promise.resolve(leafIndexes.map((at) => received[at] ?? outside(at)));
  };
  return { reads, read };
}

function outside(at: number): never {
  throw new RangeError(`entry ${at} was read`);
}

const first = (received: readonly string[], time: string): number => received.filter((at) => at < time).length;
const time = fc.nat(30).map((second) => String(second).padStart(2, "0"));
const asked = fc.record({
  received: fc.array(time, { maxLength: 40 }).map((times) => [...times].sort()),
  times: fc.array(time, { minLength: 1, maxLength: 3 }),
  hints: fc.array(fc.integer({ min: -3, max: 45 }), { minLength: 3, maxLength: 3 }),
  sizes: fc.array(fc.nat(40), { minLength: 1, maxLength: 3 }),
});

test("bounds are those of the entries' own times, at every size, whatever the store says, and no other entry is read", async () => {
  await fc.assert(
    fc.asyncProperty(asked, async ({ received, times, hints, sizes }) => {
      const bounds = new TimeBounds(2);
      for (const size of sizes.map((wanted) => Math.min(wanted, received.length)).sort((a, b) => a - b)) {
        const within = received.slice(0, size);
        let next = 0;
        const hint: AskedTimes["hint"] = () => Promise.resolve(hints[next++ % hints.length] ?? 0);
        const found = await bounds.firstAtOrAfter({ times, size, hint }, logOf(within).read);
        expect(found).toEqual(times.map((at) => first(within, at)));
      }
    }),
    { numRuns: 300 },
  );
});

test("true hints are proven by one read of the entries beside them, each once", async () => {
  const received = ["01", "01", "03", "05"];
  const { reads, read } = logOf(received);
  const times = ["00", "03", "04", "09"];
  const hint: AskedTimes["hint"] = (at) => Promise.resolve(first(received, at));
  await new TimeBounds().firstAtOrAfter({ times, size: received.length, hint }, read);
  expect(reads).toEqual([[0, 1, 2, 3]]);
});

test("a bound at an end of the log is proven by the entry there alone", async () => {
  const received = ["01", "02", "03"];
  for (const [time, hinted] of [
    ["00", 0],
    ["09", 3],
  ] as const) {
    const { reads, read } = logOf(received);
    await new TimeBounds().firstAtOrAfter({ times: [time], size: 3, hint: () => Promise.resolve(hinted) }, read);
    expect(reads).toEqual([[hinted === 0 ? 0 : 2]]);
  }
});

test("false hints cost one entry more for each halving", async () => {
  const received = Array.from({ length: 1_024 }, (_, at) => String(at).padStart(4, "0"));
  for (const hinted of [0, 1_024]) {
    const { reads, read } = logOf(received);
    const hint: AskedTimes["hint"] = () => Promise.resolve(hinted);
    expect(await new TimeBounds().firstAtOrAfter({ times: ["0500"], size: 1_024, hint }, read)).toEqual([500]);
    expect(reads.length).toBeLessThanOrEqual(12);
  }
});

test("the bounds of an empty log are found without a read", async () => {
  const { reads, read } = logOf([]);
  const hint: AskedTimes["hint"] = () => Promise.resolve(0);
  expect(await new TimeBounds().firstAtOrAfter({ times: ["00"], size: 0, hint }, read)).toEqual([0]);
  expect(reads).toEqual([]);
});

test("a bound is asked for once, unless no entry follows it yet", async () => {
  const hinted: string[] = [];
  const received = ["01", "02", "03"];
  const hint: AskedTimes["hint"] = (at) => {
    hinted.push(at);
    return Promise.resolve(first(received, at));
  };
  const bounds = new TimeBounds();
  const ask = (times: readonly string[], size: number) =>
    bounds.firstAtOrAfter({ times, size, hint }, logOf(received).read);
  expect(await ask(["02", "09"], 3)).toEqual([1, 3]);
  expect(await ask(["09", "02"], 3)).toEqual([3, 1]);
  expect(await ask(["02"], 1)).toEqual([1]);
  expect(await ask(["02"], 0)).toEqual([0]);
  expect(hinted).toEqual(["02", "09", "09"]);
});
