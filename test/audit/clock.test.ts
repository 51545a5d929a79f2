import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { systemClock, timeText } from "../../src/audit/clock.js";
import { aheadOf } from "../../src/core/instant.js";

describe("timeText", () => {
  test("writes six fractional digits and Z", () => {
    expect(timeText(1_767_225_600_123_456)).toBe("2026-01-01T00:00:00.123456Z");
    expect(timeText(1_767_225_600_000_007)).toBe("2026-01-01T00:00:00.000007Z");
    expect(timeText(0)).toBe("1970-01-01T00:00:00.000000Z");
  });
});

test.each([
  ["2026-01-01T00:00:01.500Z", 1_500],
  ["2026-01-01T00:00:00.000Z", 0],
  ["2025-12-31T23:59:59.000Z", 0],
])("an entry of %s is %d ms ahead of a clock", (receivedAt, ms) => {
  expect(aheadOf(Date.parse("2026-01-01T00:00:00Z"), receivedAt)).toBe(ms);
});

describe("the system clock", () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test("is within a second of the system's own", () => {
    expect(Math.abs(systemClock()() / 1000 - Date.now())).toBeLessThan(1000);
  });

  test("counts microseconds within the system's millisecond, and never past it", () => {
    const system = jest.spyOn(Date, "now").mockReturnValue(5_000);
    const elapsed = jest.spyOn(performance, "now").mockReturnValue(100);
    const clock = systemClock();
    expect(clock()).toBe(5_000_000);
    elapsed.mockReturnValue(100.25);
    expect(clock()).toBe(5_000_250);
    elapsed.mockReturnValue(107);
    expect(clock()).toBe(5_000_999);
    system.mockReturnValue(4_000);
    expect(clock()).toBe(4_000_000);
  });

  test("counts whole microseconds that do not go back within a stretch of calls", () => {
    const clock = systemClock();
    const times = Array.from({ length: 1000 }, clock);
    expect(times.every(Number.isSafeInteger)).toBe(true);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
});
