import { beforeEach, describe, expect, test } from "@jest/globals";
import { timeText } from "../../../src/audit/clock.js";
import { aheadOf } from "../../../src/core/instant.js";
import { Stamps } from "../../../src/engine/log/sequencer.js";
import { NEW_YEAR, TestClock } from "../test-log.js";

const MINUTE_MS = 60_000;
const TEN_YEARS_MS = 10 * 365 * 24 * 60 * MINUTE_MS;

let clock: TestClock;
let monotonicMs: number;
let alarms: string[];
let notes: string[];

beforeEach(() => {
  clock = new TestClock();
  monotonicMs = 1_000_000_000; // a process that has run for days
  alarms = [];
  notes = [];
});

function stamps(lastReceivedAt = timeText(NEW_YEAR)): Stamps {
  return new Stamps({
    ...{ log: "default", clock: clock.now, monotonicMs: () => monotonicMs, lastReceivedAt },
    alarm: (text) => alarms.push(text),
    note: (text) => notes.push(text),
  });
}

/** Time goes by, on both clocks. */
function pass(ms: number): void {
  clock.advanceMs(ms);
  monotonicMs += ms;
}

describe("the times of entries", () => {
  test("are the clock's, and never go back", () => {
    const given = stamps();
    const times = [1_000, 60_000, -30_000, 10_000].map((ms) => {
      clock.advanceMs(ms);
      return given.next("");
    });
    expect(times).toEqual([1_000, 61_000, 61_000, 61_000].map((ms) => timeText(NEW_YEAR + ms * 1_000)));
    expect(alarms).toEqual([]);
  });

  test("of a clock that was years ahead for one request are told of at once, then as long as they last, and their end", () => {
    const given = stamps();
    given.next("");
    clock.advanceMs(TEN_YEARS_MS);
    const wrong = given.next("");
    expect(alarms).toEqual([
      expect.stringMatching(/^The clock went 87600\.0 h forward between two requests to the log default\./),
    ]);
    clock.advanceMs(-TEN_YEARS_MS);
    pass(MINUTE_MS);
    expect([given.next(""), given.next("")]).toEqual([wrong, wrong]);
    expect(alarms.slice(1)).toEqual([
      expect.stringMatching(/^The newest entry of the log default is 87600\.0 h ahead of this gateway's clock/),
    ]);
    expect(notes).toEqual([]);
    pass(TEN_YEARS_MS);
    given.next("");
    expect([alarms.length, notes]).toEqual([2, ["The clock has come as far as the newest entry of the log default."]]);
  });

  test("of long pauses are no jump, nor is a clock that is corrected by less than an hour", () => {
    const given = stamps();
    given.next("");
    pass(TEN_YEARS_MS);
    given.next("");
    clock.advanceMs(59 * MINUTE_MS);
    given.next("");
    expect(alarms).toEqual([]);
  });

  test.each([
    ["that the log had when it was opened", timeText(NEW_YEAR + 6 * MINUTE_MS * 1_000), ""],
    ["that another gateway gave", timeText(NEW_YEAR), timeText(NEW_YEAR + 6 * MINUTE_MS * 1_000)],
  ])("%s, minutes ahead of the clock, are told of once", (_whose, lastReceivedAt, newest) => {
    const given = stamps(lastReceivedAt);
    given.next(newest);
    given.next(newest);
    expect(alarms).toEqual([expect.stringContaining("is 0.1 h ahead of this gateway's clock")]);
  });

  test("that differ as clocks of gateways do are not told of: five minutes, and not a millisecond more", () => {
    const ahead = (ms: number): string => timeText(NEW_YEAR + (5 * MINUTE_MS + ms) * 1_000);
    stamps(ahead(0)).next("");
    expect(alarms).toEqual([]);
    stamps(ahead(1)).next("");
    expect(alarms).toHaveLength(1);
  });

  test("of a clock that went forward by an hour are not told of, and by a millisecond more they are", () => {
    const given = stamps();
    given.next("");
    clock.advanceMs(60 * MINUTE_MS);
    given.next("");
    expect(alarms).toEqual([]);
    clock.advanceMs(60 * MINUTE_MS + 1);
    given.next("");
    expect(alarms).toHaveLength(1);
  });
});

test("how far a time is ahead of a clock is nothing when it is not", () => {
  const receivedAt = timeText(NEW_YEAR);
  const distances = [-90_000, 0, 90_000].map((ms) => aheadOf(NEW_YEAR / 1_000 + ms, receivedAt));
  expect(distances).toEqual([90_000, 0, 0]);
});
