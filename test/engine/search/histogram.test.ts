import { describe, expect, test } from "@jest/globals";
import type { HistogramRequest } from "../../../src/audit/breakdown.js";
import type { TimesFound } from "../../../src/audit/search-index.js";
import { LAST_MS } from "../../../src/core/segment/event-time.js";
import { histogramOf, type HistogramSource } from "../../../src/engine/search/histogram.js";
import type { WindowBounds } from "../../../src/query/time.js";
import { expectCode } from "../rejection.js";

const HOUR = 3_600_000;
const DAY = Date.UTC(2026, 0, 1);
/** One entry an hour, from New Year on. */
const LEAVES = 24;
const receivedMs = (leaf: number): number => DAY + leaf * HOUR;
const text = (ms: number): string => new Date(ms).toISOString();

const OPEN: WindowBounds = { start: undefined, end: undefined };

interface Asked {
  readonly bounds?: WindowBounds;
  readonly eventBounds?: WindowBounds;
  readonly range?: { readonly start: number; readonly end: number };
  readonly times?: TimesFound;
  readonly pinnedAtMs?: number;
}

/** Of a result with every entry of a range; its events happened a day before they were received. */
function sourceOf({
  bounds = OPEN,
  eventBounds = OPEN,
  range = { start: 0, end: LEAVES },
  ...asked
}: Asked): HistogramSource {
  const { times, pinnedAtMs = DAY + 30 * HOUR } = asked;
  const counts = (limits: readonly number[], values: readonly number[]): readonly number[] =>
    limits.slice(1).map((end, place) => values.filter((value) => value >= (limits[place] ?? 0) && value < end).length);
  const leaves = Array.from({ length: range.end - range.start }, (_, place) => range.start + place);
  const happened = leaves.map((leaf) => receivedMs(leaf) - 24 * HOUR);
  const span = { first: Math.min(...happened), last: Math.max(...happened) };
  return {
    index: {
      count: () => Promise.reject(new Error("not asked")),
      countLeaves: (_, limits) => Promise.resolve(counts(limits, leaves)),
      countTimes: (_, limits) => Promise.resolve(counts(limits, happened)),
      timesOf: () => Promise.resolve(times ?? { span, without: 2 }),
    },
    query: { log: "default", filter: { kind: "all" }, range, order: { field: "received_at", direction: "desc" } },
    state: { treeSize: LEAVES, range, pinnedAtMs, expiresAtMs: Infinity },
    checked: { kind: "checked", filter: { kind: "all" }, bounds, eventBounds },
    firstAtOrAfter: (at) =>
      Promise.resolve(
        at.map(
          (time) =>
            Array.from({ length: LEAVES }, (_, leaf) => leaf).filter((leaf) => text(receivedMs(leaf)) < time).length,
        ),
      ),
    receivedAt: (at) => Promise.resolve(at.map((leaf) => text(receivedMs(leaf)))),
    signal: undefined,
  };
}

async function histogram(of: HistogramRequest["of"], buckets: number, asked: Asked = {}): Promise<readonly unknown[]> {
  const { buckets: found, otherCount } = await histogramOf(sourceOf(asked), { of, buckets });
  for (const [place, { end }] of found.entries()) expect(found[place + 1]?.start ?? end).toBe(end);
  const [first, last] = [found[0], found.at(-1)];
  return [first && Date.parse(first.start), last && Date.parse(last.end), found.map(({ count }) => count), otherCount];
}

describe("a histogram by times of receipt", () => {
  test("reaches from the first entry to the last, in steps of a calendar", async () => {
    expect(await histogram("received_at", 24)).toEqual([DAY, DAY + 24 * HOUR, Array<number>(24).fill(1), 0]);
    expect(await histogram("received_at", 4)).toEqual([DAY, DAY + 24 * HOUR, [6, 6, 6, 6], 0]);
    const range = { start: 3, end: 5 };
    expect(await histogram("received_at", 2, { range })).toEqual([DAY + 3 * HOUR, DAY + 5 * HOUR, [1, 1], 0]);
  });

  test("reaches over its window, whatever is in it", async () => {
    const bounds = { start: text(DAY - 2 * HOUR), end: text(DAY + 2 * HOUR) };
    const range = { start: 0, end: 2 };
    expect(await histogram("received_at", 4, { bounds, range })).toEqual([
      DAY - 2 * HOUR,
      DAY + 2 * HOUR,
      [0, 0, 1, 1],
      0,
    ]);
    const empty = { bounds: { start: text(DAY - 2 * HOUR), end: text(DAY) }, range: { start: 0, end: 0 } };
    expect(await histogram("received_at", 2, empty)).toEqual([DAY - 2 * HOUR, DAY, [0, 0], 0]);
  });

  test("of a window that is open reaches to the time of the search, and not to that of a window with an end", async () => {
    const bounds = { start: text(DAY), end: undefined };
    const [start, end, counts] = await histogram("received_at", 100, { bounds, pinnedAtMs: DAY + 30 * HOUR });
    expect([start, end]).toEqual([DAY, DAY + 30.5 * HOUR]);
    expect((counts as readonly number[]).filter((count) => count > 0)).toHaveLength(24);
    const closed = { start: undefined, end: text(DAY + 4 * HOUR) };
    expect(await histogram("received_at", 4, { bounds: closed, range: { start: 0, end: 4 } })).toEqual([
      ...[DAY, DAY + 4 * HOUR, [1, 1, 1, 1]],
      0,
    ]);
  });

  test("of no entry without a window is empty", async () => {
    expect(await histogram("received_at", 4, { range: { start: 5, end: 5 } })).toEqual([undefined, undefined, [], 0]);
  });
});

describe("a histogram by the events' own times", () => {
  test("reaches from the first event to the last, and counts those without a time apart", async () => {
    expect(await histogram("timestamp", 24)).toEqual([DAY - 24 * HOUR, DAY, Array<number>(24).fill(1), 2]);
  });

  test("reaches over its window", async () => {
    const eventBounds = { start: text(DAY - 24 * HOUR), end: text(DAY + 24 * HOUR) };
    const found = await histogram("timestamp", 2, { eventBounds });
    expect(found).toEqual([DAY - 24 * HOUR, DAY + 24 * HOUR, [24, 0], 2]);
  });

  test("reaches to the last millisecond before its window's end", async () => {
    const eventBounds = { start: text(DAY), end: text(DAY + 2) };
    expect(await histogram("timestamp", 2, { eventBounds })).toEqual([DAY, DAY + 2, [0, 0], 2]);
  });

  test.each([
    ["start", { start: text(DAY), end: undefined }, DAY],
    ["end", { start: undefined, end: text(DAY + 1) }, DAY],
  ])("where no event has a time is that of its window's %s", async (_, eventBounds, at) => {
    const times = { span: undefined, without: 7 };
    expect(await histogram("timestamp", 2, { times, eventBounds })).toEqual([at, at + 1, [0], 7]);
  });

  test("writes its limits as times are written, and the last of all times for what is behind it", async () => {
    const times = { span: { first: LAST_MS - 1, last: LAST_MS }, without: 0 };
    const { buckets } = await histogramOf(sourceOf({ times }), { of: "timestamp", buckets: 2 });
    expect(buckets).toEqual([
      { start: "9999-12-31T23:59:59.998000Z", end: "9999-12-31T23:59:59.999000Z", count: 0 },
      { start: "9999-12-31T23:59:59.999000Z", end: "9999-12-31T23:59:59.999999Z", count: 0 },
    ]);
  });

  test("where no event has a time is empty, but for their number", async () => {
    const times = { span: undefined, without: 7 };
    expect(await histogram("timestamp", 2, { times })).toEqual([undefined, undefined, [], 7]);
  });
});

test.each([0, 1.5, -1, 1_000_000, NaN])("%d buckets are refused", async (buckets) => {
  for (const of of ["received_at", "timestamp"] as const)
    await expectCode(histogramOf(sourceOf({}), { of, buckets }), "BAD_USER_INPUT");
});
