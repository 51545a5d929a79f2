import { beforeEach, describe, expect, test } from "@jest/globals";
import { EventRate } from "../../src/access/rate.js";

describe("a limit of 100 events at once and 10 a second", () => {
  let clock: { ms: number };
  let rate: EventRate;

  beforeEach(() => {
    clock = { ms: 5_000 };
    rate = new EventRate({ capacity: 100, eventsPerSecond: 10 }, () => clock.ms);
  });

  const taking = (credential: string, count: number) => () => {
    rate.take(credential, count);
  };
  const limited = (retryAfterMs: number) =>
    expect.objectContaining({ code: "RATE_LIMITED", retryAfterMs }) as unknown as Error;

  test("lets a hundred events through at once, and not one more", () => {
    rate.take("a", 99);
    rate.take("a", 1);
    expect(taking("a", 1)).toThrow(limited(100));
  });

  test("counts events and not requests", () => {
    rate.take("a", 100);
    expect(taking("a", 50)).toThrow(limited(5_000));
  });

  test("lets the same request through after the time that it told, and not before", () => {
    rate.take("a", 100);
    clock.ms += 4_999;
    expect(taking("a", 50)).toThrow(limited(1));
    clock.ms += 1;
    expect(taking("a", 50)).not.toThrow();
  });

  test("saves up no more than the capacity", () => {
    rate.take("a", 1);
    clock.ms += 3_600_000;
    rate.take("a", 100);
    expect(taking("a", 1)).toThrow(limited(100));
  });

  test("counts nothing for a request that it refused", () => {
    rate.take("a", 60);
    expect(taking("a", 50)).toThrow(limited(1_000));
    expect(taking("a", 40)).not.toThrow();
  });

  test("lets a request larger than the capacity through from a full bucket, and has it paid off after", () => {
    rate.take("a", 1_000);
    expect(taking("a", 1)).toThrow(limited(90_100));
    clock.ms += 90_100;
    expect(taking("a", 1)).not.toThrow();
  });

  test("makes a request larger than the capacity wait until the bucket is full", () => {
    rate.take("a", 1);
    expect(taking("a", 1_000)).toThrow(limited(100));
  });

  test("counts each credential for itself", () => {
    rate.take("a", 100);
    expect(taking("b", 100)).not.toThrow();
  });
});
