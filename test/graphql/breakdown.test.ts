import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AuditService } from "../../src/audit/service.js";
import { openTestService, TestClock } from "../engine/test-log.js";
import { testGateway, type TestGateway } from "./gateway.js";

const HOUR_MS = 3_600_000;
const HISTOGRAM = "{ buckets { start end count } otherCount }";
const FACET = "{ values { value count } distinctCount otherCount missingCount }";
const clock = new TestClock();

/** 24 events, one an hour from New Year on: the actors ann (12), bob (8) and cy (4), and every fourth without a time. */
function eventAt(hour: number): Readonly<Record<string, string>> {
  const actor = hour % 2 === 0 ? "ann" : hour % 3 === 0 ? "cy" : "bob";
  const timestamp = hour % 4 === 3 ? "some time" : `2025-06-${String(1 + (hour % 3)).padStart(2, "0")}T12:00:00+02:00`;
  return { message: `event ${hour}`, actor, timestamp, ...(hour < 3 && { status: "failed" }) };
}

let service: AuditService;
let gateway: TestGateway;
beforeAll(async () => {
  service = await openTestService({ clock: clock.now });
  gateway = await testGateway(service);
  for (let hour = 0; hour < 24; hour++) {
    await service.append({ log: "default", events: [{ event: eventAt(hour) }], sign: false, path: "events" });
    clock.advanceMs(HOUR_MS);
  }
});
afterAll(() => gateway.close());

interface Answer {
  readonly data?: { readonly search: Readonly<Record<string, unknown>> } | null;
  readonly errors?: readonly { readonly message: string; readonly path?: readonly unknown[] }[];
}

async function search(args: string, selection: string): Promise<Answer> {
  return (await gateway.text(`{ search(${args}) { ${selection} } }`)) as Answer;
}

async function counted(args: string, selection: string): Promise<unknown> {
  const { data, errors } = await search(args, selection);
  expect(errors).toBeUndefined();
  return data?.search;
}

const hours = (...counts: readonly (readonly [hour: number, count: number])[]): unknown => ({
  histogram: {
    buckets: counts.map(([hour, count]) => ({
      start: new Date(Date.UTC(2026, 0, 1, hour)).toISOString().replace(".000Z", ".000000Z"),
      end: expect.any(String),
      count,
    })),
    otherCount: 0,
  },
});

describe("a histogram", () => {
  test("counts the whole result by time of receipt, whatever the page, the order and maxResults", async () => {
    const sixths = hours([0, 6], [6, 6], [12, 6], [18, 6]);
    for (const args of [`query: ""`, "first: 1", "maxResults: 2", "orderBy: { field: ACTOR }"])
      expect(await counted(args, `histogram(buckets: 5) ${HISTOGRAM}`)).toEqual(sixths);
    expect(await counted(`query: "actor:ann"`, `histogram(buckets: 2) ${HISTOGRAM}`)).toEqual(hours([0, 6], [12, 6]));
  });

  test("reaches over the whole window, empty hours too, and up to now where its end is open", async () => {
    const window = `window: { start: "2025-12-31T22:00:00Z", end: "2026-01-01T02:00:00Z" }`;
    expect(await counted(window, `histogram(buckets: 4) ${HISTOGRAM}`)).toEqual(
      hours([-2, 0], [-1, 0], [0, 1], [1, 1]),
    );
    expect(await counted(`window: { last: "3h" }`, `histogram(buckets: 4) ${HISTOGRAM}`)).toEqual(
      hours([21, 1], [22, 1], [23, 1], [24, 0]),
    );
    expect(await counted(`${window}, query: "nothing"`, `histogram(buckets: 1) ${HISTOGRAM}`)).toMatchObject({
      histogram: { buckets: [{ count: 0 }] },
    });
  });

  test("counts by the events' own times, and those without one apart", async () => {
    const days = [1, 2, 3].map((day) => ({
      start: `2025-06-0${day}T00:00:00.000000Z`,
      end: `2025-06-0${day + 1}T00:00:00.000000Z`,
      count: 6,
    }));
    expect(await counted(`query: ""`, `histogram(of: TIMESTAMP, buckets: 3) ${HISTOGRAM}`)).toEqual({
      histogram: { buckets: days, otherCount: 6 },
    });
    const window = `window: { of: TIMESTAMP, start: "2025-06-02", end: "2025-06-03T00:00:00Z" }`;
    const day = window.replace('"2025-06-02"', '"2025-06-02T00:00:00Z"');
    expect(await counted(day, `totalCount histogram(of: TIMESTAMP, buckets: 1) ${HISTOGRAM}`)).toEqual({
      totalCount: 6,
      histogram: { buckets: [days[1]], otherCount: 0 },
    });
    expect(await counted(`query: "timestamp:some"`, `histogram(of: TIMESTAMP) ${HISTOGRAM}`)).toEqual({
      histogram: { buckets: [], otherCount: 6 },
    });
  });

  test("of later pages is that of the search, though the log has grown", async () => {
    const growing = await openTestService();
    const log = async (actor: string): Promise<void> => {
      const events = [{ event: { message: "event", actor } }];
      await growing.append({ log: "default", events, sign: false, path: "events" });
    };
    await log("ann");
    const { result } = await growing.search({ log: "default", query: "" }, {});
    await log("bob");
    const later = await growing.results(result.id, { first: 1 });
    const { buckets } = await later.result.histogram({ of: "received_at", buckets: 500 });
    expect(buckets.map(({ count }) => count)).toEqual([1]);
    expect(await later.result.facet({ field: "actor", first: 9 })).toMatchObject({ distinctCount: 1 });
    await growing.close();
  });
});

describe("a facet", () => {
  test("lists the most frequent values of the whole result, and counts the others", async () => {
    expect(await counted("first: 1, maxResults: 2", `facet(field: ACTOR, first: 2) ${FACET}`)).toEqual({
      facet: {
        values: [
          { value: "ann", count: 12 },
          { value: "bob", count: 8 },
        ],
        distinctCount: 3,
        otherCount: 4,
        missingCount: 0,
      },
    });
    expect(
      await counted(`query: "actor:bob"`, `actor: facet(field: ACTOR) ${FACET} status: facet(field: STATUS) ${FACET}`),
    ).toEqual({
      actor: { values: [{ value: "bob", count: 8 }], distinctCount: 1, otherCount: 0, missingCount: 0 },
      status: { values: [{ value: "failed", count: 1 }], distinctCount: 1, otherCount: 0, missingCount: 7 },
    });
  });

  test("of a caller who may see a part of the log is of that part", async () => {
    const page = await service.search({ log: "default", query: "" }, { first: 1 }, { bound: { actor: ["cy"] } });
    expect(await page.result.facet({ field: "actor", first: 5 })).toMatchObject({
      values: [{ value: "cy", count: 4 }],
      otherCount: 0,
    });
    const { buckets } = await page.result.histogram({ of: "received_at", buckets: 1 });
    expect(buckets.map(({ count }) => count)).toEqual([4]);
  });
});

describe("numbers that cannot be meant", () => {
  test.each([
    ["histogram(buckets: 0)", "buckets: expected a whole number from 1 to 500, got 0"],
    ["histogram(buckets: 501)", "buckets: expected a whole number from 1 to 500, got 501"],
    ["facet(field: ACTOR, first: 0)", "first: expected a whole number from 1 to 100, got 0"],
    ["facet(field: ACTOR, first: 101)", "first: expected a whole number from 1 to 100, got 101"],
  ])("%s: the page is there, with one error", async (field, message) => {
    const { data, errors } = await search("first: 1", `totalCount ${field} { __typename }`);
    expect(data?.search).toMatchObject({ totalCount: 24 });
    expect(errors).toHaveLength(1);
    expect(errors?.[0]?.message).toContain(message);
  });
});
