import { describe, expect, test } from "@jest/globals";
import { systemClock, timeText } from "../../src/audit/clock.js";

describe("timeText", () => {
  test("writes six fractional digits and Z", () => {
    expect(timeText(1_767_225_600_123_456)).toBe("2026-01-01T00:00:00.123456Z");
    expect(timeText(1_767_225_600_000_007)).toBe("2026-01-01T00:00:00.000007Z");
    expect(timeText(0)).toBe("1970-01-01T00:00:00.000000Z");
  });
});

describe("the system clock", () => {
  test("is within a second of the system's own", () => {
    expect(Math.abs(systemClock()() / 1000 - Date.now())).toBeLessThan(1000);
  });

  test("counts whole microseconds that do not go back within a stretch of calls", () => {
    const clock = systemClock();
    const times = Array.from({ length: 1000 }, clock);
    expect(times.every(Number.isSafeInteger)).toBe(true);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
});
