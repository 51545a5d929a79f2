import { expect, test } from "@jest/globals";
import type { ReadEntry } from "../../../src/audit/search-index.js";
import { digestOf } from "../../../src/core/bytes.js";
import { countLeaves, countMatches, countTimes, timesOf } from "../../../src/engine/search/counts.js";
import { LogRow } from "../../../src/engine/search/log-rows.js";
import type { SearchedLog, Sought } from "../../../src/engine/search/matches.js";

const ALL: Sought = { filter: { kind: "all" }, isMatch: () => true };

/** A log in memory of entries that happened in these seconds, or have no time. */
function happened(seconds: readonly (number | undefined)[]): SearchedLog {
  const rows = seconds.map((second, leaf) => {
    const timestamp = second === undefined ? {} : { timestamp: new Date(second * 1_000).toISOString() };
    const canonical = JSON.stringify({
      event: { message: "m", ...timestamp },
      received_at: "2026-01-01T00:00:00.000000Z",
    });
    const read: ReadEntry = { kind: "entry", entry: { canonical, hash: digestOf(new Uint8Array(32)) } };
    return new LogRow(leaf, read);
  });
  return {
    ...{ log: "default", signal: undefined },
    entries: () => Promise.reject(new Error("not asked")),
    longEntries: { matches: () => Promise.reject(new Error("no entry is long")) },
    parts: [{ kind: "rows", range: { start: 0, end: rows.length }, rows }],
  };
}

const ms = (...seconds: readonly number[]): readonly number[] => seconds.map((second) => second * 1_000);

test("matches in memory happened from the first to the last of their times, and some have none", async () => {
  const times = await timesOf(ALL, happened([5, 3, undefined, 7, 4, undefined, undefined]));
  expect(times).toEqual({ span: { first: 3_000, last: 7_000 }, without: 3 });
  expect(await timesOf(ALL, happened([5]))).toEqual({ span: { first: 5_000, last: 5_000 }, without: 0 });
  expect(await timesOf(ALL, happened([undefined]))).toEqual({ span: undefined, without: 1 });
  expect(await timesOf(ALL, happened([]))).toEqual({ span: undefined, without: 0 });
});

test("matches in memory are counted by time, by leaf and in all, up to a limit", async () => {
  const log = happened([5, 3, undefined, 7, 4, 9, 2, 5]);
  expect(await countTimes(ALL, ms(3, 5, 7, 9), log)).toEqual([2, 2, 1]);
  expect(await countTimes(ALL, ms(3), log)).toEqual([]);
  expect(await countTimes(ALL, [], log)).toEqual([]);
  expect(await countLeaves(ALL, [1, 4, 4, 7], log)).toEqual([3, 0, 3]);
  for (const [cap, count] of [
    [7, 7],
    [8, 8],
    [9, 8],
  ] as const)
    expect(await countMatches(ALL, cap, log)).toBe(count);
});
