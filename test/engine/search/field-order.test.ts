import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { leavesByField } from "../../../src/engine/search/field-order.js";
import { ORDER_FIELDS, type SortedField } from "../../../src/query/order.js";
import { asked, events, inOrder, leaf, makeSmallLog, searched, SEED, SIZE, sought } from "./small-log.js";

const SORTED = ORDER_FIELDS.filter((field): field is SortedField => field !== "received_at");

beforeAll(makeSmallLog);

describe(`matches in the order of a field (seed ${SEED})`, () => {
  test("are sorted by a field as their entries are, from any place on", async () => {
    const wanted = fc.record({
      field: fc.constantFrom(...SORTED),
      descending: fc.boolean(),
      after: fc.option(leaf, { nil: undefined }),
      count: fc.oneof(fc.nat(80), fc.constant(SIZE)),
    });
    await fc.assert(
      fc.asyncProperty(asked, wanted, async ({ filter, range: within, layout }, by) => {
        const { field: name, descending, after, count } = by;
        const order = { field: name, direction: descending ? "desc" : "asc" } as const;
        const found = await leavesByField(sought(filter), by, await searched(within, layout));
        expect(found).toEqual(inOrder({ filter, range: within, order }, after).slice(0, count));
      }),
      { numRuns: 80, seed: SEED },
    );
  });
});

test("an order by a field with few values reads an entry for each, in each segment", async () => {
  const inSegments = await searched({ start: 0, end: 768 }, { stored: [true, true, true], recent: [] });
  const read: number[] = [];
  const entries: typeof inSegments.entries = (wanted, signal) => (
    read.push(...wanted),
    inSegments.entries(wanted, signal)
  );
  const by = { field: "actor", descending: false, after: undefined, count: 768 } as const;
  expect(await leavesByField(sought({ kind: "all" }), by, { ...inSegments, entries })).toHaveLength(768);
  const actors = new Set(events.slice(0, 768).map((event) => event?.actor));
  expect(read.length).toBeLessThanOrEqual(3 * actors.size);
});

test("an order by a field ends when its caller is gone, also while keys are read", async () => {
  const caller = new AbortController();
  const read = await searched({ start: 0, end: 768 }, { stored: [true, true, true], recent: [] });
  const entries: typeof read.entries = (...wanted) => {
    caller.abort(new Error("gone"));
    return read.entries(...wanted);
  };
  const by = { field: "message", descending: false, after: undefined, count: 20 } as const;
  const found = leavesByField(sought({ kind: "all" }), by, { ...read, entries, signal: caller.signal });
  await expect(found).rejects.toThrow("gone");
});
