import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { leavesByField } from "../../../src/engine/search/field-order.js";
import { partsOf } from "../../../src/engine/search/matches.js";
import type { SegmentSession } from "../../../src/engine/search/open-segment.js";
import { ORDER_FIELDS, type SortedField } from "../../../src/query/order.js";
import { baseSegments, groupOf } from "../../core/segment/corpus.js";
import { renumbered } from "../../core/segment/tall-segments.js";
import { asked, events, inOrder, leaf, makeSmallLog, readable, searched, SEED, SIZE, sought } from "./small-log.js";

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

describe("entries that an order by a field reads", () => {
  const by = { field: "message", descending: false, after: undefined, count: SIZE } as const;
  const all = sought({ kind: "all" });

  test("are that of its place alone where all others are in memory", async () => {
    const inMemory = await searched({ start: 0, end: 768 }, { stored: [], recent: ["rows", "rows", "rows"] });
    const read: number[] = [];
    const entries: typeof inMemory.entries = (wanted, signal) => (
      read.push(...wanted),
      inMemory.entries(wanted, signal)
    );
    await leavesByField(all, { ...by, after: 300 }, { ...inMemory, entries });
    expect(read).toEqual([300]);
  });

  test("are read many at once, of one segment or of more than that", async () => {
    const reads: number[] = [];
    const [segment] = baseSegments(groupOf(0, 256));
    if (segment === undefined) throw new Error("a segment");
    const { entries } = await searched({ start: 0, end: 256 }, { stored: [], recent: [] });
    const counted: typeof entries = (wanted, signal) => (
      reads.push(wanted.length),
      entries(
        wanted.map((at) => at % 256),
        signal,
      )
    );
    for (const [segments, descending, first] of [
      [1, false, [1, 2, 4, 8, 16, 32, 64, 64]],
      [70, true, [64, 8]],
    ] as const) {
      reads.length = 0;
      const range = { start: 0, end: 256 * segments };
      const stored = Array.from({ length: segments }, (_, number) => readable(renumbered(segment, number)));
      const many = { ...(await searched(range, { stored: [], recent: [] })), parts: partsOf(range, stored, []) };
      await leavesByField(all, { ...by, count: 256, descending }, { ...many, entries: counted });
      expect(reads.slice(0, first.length)).toEqual(first);
    }
  });
});

test("an order by time, which reads no entry, ends when its caller is gone", async () => {
  const caller = new AbortController();
  const read = await searched({ start: 0, end: 256 }, { stored: [true], recent: [] });
  const parts = read.parts.map((part) => {
    if (part.kind !== "segment") return part;
    const session = (): SegmentSession => {
      const one = part.segment.session();
      return {
        read: async (ask) => {
          const found = await one.read(ask);
          // Last, when its times are read.
          if (typeof found === "object" && Array.isArray(found)) caller.abort(new Error("gone"));
          return found;
        },
      };
    };
    return { ...part, segment: { range: part.range, session } };
  });
  const by = { field: "timestamp", descending: false, after: undefined, count: 20 } as const;
  const found = leavesByField(sought({ kind: "all" }), by, { ...read, parts, signal: caller.signal });
  await expect(found).rejects.toThrow("gone");
});
