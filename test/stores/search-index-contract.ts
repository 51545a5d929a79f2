import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { IndexedStore, IndexQuery } from "../../src/audit/search-index.js";
import type { AuditEvent } from "../../src/core/event.js";
import type { Filter } from "../../src/query/filter.js";
import { ORDER_FIELDS } from "../../src/query/order.js";
import { batch, emptyHead, entry } from "./batches.js";
import { ScanningIndex } from "./scanning-index.js";
import { eventArbitrary, filterArbitrary, logged, orderArbitrary } from "./search-events.js";

/** Of the comparison with the plain scan: thousands of searches, seconds on a machine at rest, minutes on one that is shared. */
const COMPARISON_MS = 300_000;
const OLDEST_FIRST = { field: "received_at", direction: "asc" } as const;

const word = (...words: readonly string[]): Filter => ({ kind: "phrase", field: undefined, words, prefix: false });

/** `open` answers a store without a log in it and the index that follows it. */
export function searchIndexContract(name: string, open: () => Promise<IndexedStore>): void {
  describe(`SearchIndex contract: ${name}`, () => {
    let store: IndexedStore;
    let logs = 0;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(async () => {
      await store.index.close();
      await store.log.close();
    });

    /** A log of its own in the shared store, with these events, indexed. */
    async function logOf(...events: readonly AuditEvent[]): Promise<string> {
      const log = `log ${logs++}`;
      await store.log.createLog(emptyHead(log));
      await grow(store, log, events);
      return log;
    }

    const find = async (log: string, filter: Filter, more: Partial<IndexQuery> = {}): Promise<readonly number[]> => {
      const range = { start: 0, end: (await store.log.head(log))?.size ?? 0 };
      return store.index.page({ log, filter, range, order: OLDEST_FIRST, ...more }, { limit: 1_000 });
    };

    test("finds an entry as soon as it is appended", async () => {
      const log = await logOf();
      await store.log.append(batch(log, 0, [logged({ message: "late" }, 1)]));
      expect(await find(log, word("late"))).toEqual([0]);
    });

    test("says that it is unavailable where the store lacks entries that a search is pinned to", async () => {
      const log = await logOf({ message: "only" });
      const query = { log, filter: word("only"), range: { start: 0, end: 2 }, order: OLDEST_FIRST } as const;
      for (const order of [OLDEST_FIRST, { field: "actor", direction: "asc" }] as const)
        await expect(store.index.page({ ...query, order }, { limit: 9 })).rejects.toMatchObject({
          code: "UNAVAILABLE",
        });
      await expect(store.index.count(query, 9)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    });

    describe("page", () => {
      test("finds nothing in an unknown log", async () => {
        expect(await find("unknown", { kind: "all" })).toEqual([]);
        expect(await find("unknown", word("a"))).toEqual([]);
      });

      test("keeps logs apart", async () => {
        const [first, second] = [
          await logOf({ message: "shared" }),
          await logOf({ message: "other" }, { message: "shared" }),
        ];
        expect(await find(first, word("shared"))).toEqual([0]);
        expect(await find(second, word("shared"))).toEqual([1]);
        expect(await find(first, { kind: "not", filter: word("shared") })).toEqual([]);
      });

      test("finds only inside the range", async () => {
        const log = await logOf(...Array.from({ length: 6 }, () => ({ message: "same" })));
        expect(await find(log, word("same"), { range: { start: 2, end: 5 } })).toEqual([2, 3, 4]);
        expect(await find(log, { kind: "all" }, { range: { start: 2, end: 5 } })).toEqual([2, 3, 4]);
        expect(await find(log, word("same"), { range: { start: 3, end: 3 } })).toEqual([]);
      });

      test("starts and ends where it is told", async () => {
        const log = await logOf(...Array.from({ length: 6 }, () => ({ message: "same" })));
        const query = { log, filter: word("same"), range: { start: 0, end: 6 }, order: OLDEST_FIRST } as const;
        expect(await store.index.page(query, { offset: 1, limit: 3 })).toEqual([1, 2, 3]);
        expect(await store.index.page(query, { offset: 5, limit: 3 })).toEqual([5]);
        expect(await store.index.page(query, { offset: 6, limit: 3 })).toEqual([]);
        expect(await store.index.page(query, { limit: 0 })).toEqual([]);
      });

      test("begins behind a leaf that does not match, lies outside of the range, or is the last", async () => {
        const log = await logOf(...["a", "b", "a", "b", "a"].map((actor) => ({ message: "same", actor })));
        const query = { log, filter: word("a"), range: { start: 1, end: 5 }, order: OLDEST_FIRST } as const;
        expect(await store.index.page(query, { after: 3, limit: 9 })).toEqual([4]);
        expect(await store.index.page(query, { after: 0, limit: 9 })).toEqual([2, 4]);
        expect(await store.index.page(query, { after: 0, offset: 1, limit: 9 })).toEqual([4]);
        expect(await store.index.page(query, { after: 4, limit: 9 })).toEqual([]);
        const newestFirst = { ...query, order: { field: "received_at", direction: "desc" } } as const;
        expect(await store.index.page(newestFirst, { after: 3, limit: 9 })).toEqual([2]);
        expect(await store.index.page(newestFirst, { after: 1, limit: 9 })).toEqual([]);
        const byActor = { ...query, filter: word("same"), order: { field: "actor", direction: "desc" } } as const;
        expect(await store.index.page(byActor, { after: 3, limit: 9 })).toEqual([1, 4, 2]);
        expect(await store.index.page(byActor, { after: 0, limit: 9 })).toEqual([]);
      });

      test.each(ORDER_FIELDS)(
        "behind each leaf in the order of %s has the rest, ties and long values too",
        async (field) => {
          const long = "x".repeat(128);
          const values = ["b", undefined, `${long}b`, "a", `${long}a`, "b", "", `${long}a`, "é", "😀", "ｆ"];
          const events = values.map((value) => ({ message: "m", ...(value !== undefined && { [field]: value }) }));
          const log = await logOf(...events.map((event) => ({ ...event, message: event.message || "m" })));
          for (const direction of ["asc", "desc"] as const)
            for (const filter of [{ kind: "all" }, { kind: "not", filter: word("none") }] as const) {
              const query = { log, filter, range: { start: 0, end: values.length }, order: { field, direction } };
              const all = await store.index.page(query, { limit: 100 });
              expect(all).toHaveLength(values.length);
              for (const [place, after] of all.entries())
                expect(await store.index.page(query, { after, limit: 100 })).toEqual(all.slice(place + 1));
            }
        },
      );

      test("does not let a phrase run from one field into the next", async () => {
        const log = await logOf({ message: "one", actor: "two" }, { message: "one two" });
        expect(await find(log, word("one", "two"))).toEqual([1]);
      });

      test("tells apart values that differ in case, blanks or punctuation only", async () => {
        const values = ["Alice", "alice", "alice ", "al-ice", "al ice"];
        const log = await logOf(...values.map((actor) => ({ message: "m", actor })));
        for (const [leafIndex, value] of values.entries())
          expect(await find(log, { kind: "exact", field: "actor", value })).toEqual([leafIndex]);
      });

      test.each(ORDER_FIELDS)("breaks ties of %s by leaf index, in the direction of the order", async (field) => {
        const log = await logOf(...Array.from({ length: 4 }, () => ({ message: "same", [field]: "tie" })));
        expect(await find(log, word("tie"), { order: { field, direction: "asc" } })).toEqual(
          field === "received_at" ? [] : [0, 1, 2, 3],
        );
        expect(await find(log, { kind: "all" }, { order: { field, direction: "desc" } })).toEqual([3, 2, 1, 0]);
      });
    });

    test("counts no further than the cap", async () => {
      const log = await logOf(...Array.from({ length: 5 }, () => ({ message: "same" })));
      const query = { log, filter: word("same"), range: { start: 0, end: 5 }, order: OLDEST_FIRST } as const;
      expect([
        await store.index.count(query, 3),
        await store.index.count(query, 5),
        await store.index.count(query, 10),
      ]).toEqual([3, 5, 5]);
      expect(await store.index.count({ ...query, log: "unknown", range: { start: 0, end: 0 } }, 10)).toBe(0);
    });

    test("finds leaves by hash, the lowest first, below the size", async () => {
      const log = await logOf();
      const twin = logged({ message: "twin" }, 1);
      await store.log.append(batch(log, 0, [twin, logged({ message: "other" }, 1), twin]));
      expect(await store.index.leavesByHash(log, twin.leafHash, 3)).toEqual([0, 2]);
      expect(await store.index.leavesByHash(log, twin.leafHash, 2)).toEqual([0]);
      expect(await store.index.leavesByHash(log, new Uint8Array(32), 3)).toEqual([]);
      expect(await store.index.leavesByHash("unknown", twin.leafHash, 0)).toEqual([]);
    });

    test("finds the last word of an event of the largest size, and the word behind a U+0000", async () => {
      const many = Array.from({ length: 30_000 }, (_, i) => `w${i.toString(36)}`).join(" ");
      const long = { message: `${many} lastword`, new: ["x".repeat(262_000), "y".repeat(262_000), "endword"] };
      const log = await logOf({ message: "before\0after" }, long, { message: "later" });
      expect(await find(log, word("lastword"))).toEqual([1]);
      expect(await find(log, word("endword"))).toEqual([1]);
      expect(await find(log, word("after"))).toEqual([0]);
      expect(await find(log, word("later"))).toEqual([2]);
    });

    test("gets past entries that are not envelopes, which have no words", async () => {
      const log = await logOf();
      const odd = ["{}", "no JSON at all", '{"event":{"message":5},"received_at":"2026-01-01T00:00:00.000001Z"}', ""];
      await store.log.append(batch(log, 0, [...odd.map((text) => entry(text)), logged({ message: "sound" }, 2)]));
      expect(await find(log, word("sound"))).toEqual([4]);
      expect(await find(log, { kind: "not", filter: word("sound") })).toEqual([0, 1, 2, 3]);
      expect(await find(log, { kind: "all" }, { order: { field: "actor", direction: "asc" } })).toEqual([
        0, 1, 2, 3, 4,
      ]);
    });

    test("takes a filter as deep and as wide as a query can be", async () => {
      const log = await logOf({ message: "deep" }, { message: "shallow" });
      const nested = (depth: number, make: (inner: Filter, depth: number) => Filter): Filter =>
        depth === 0 ? word("deep") : make(nested(depth - 1, make), depth);
      const alternating = nested(64, (inner, depth) => ({
        kind: depth % 2 === 0 ? "and" : "or",
        filters: [word("deep"), inner],
      }));
      const negated = nested(8, (inner) => ({
        kind: "and",
        filters: [
          word("deep"),
          { kind: "not", filter: { kind: "and", filters: [word("other"), { kind: "not", filter: inner }] } },
        ],
      }));
      const wide: Filter = {
        kind: "or",
        filters: Array.from({ length: 256 }, (_, place) => word(place === 99 ? "deep" : `w${place}`)),
      };
      for (const filter of [alternating, negated, wide]) expect(await find(log, filter)).toEqual([0]);
    });

    test(
      "gives the answers of the plain scan, at every size, while the log grows",
      async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.array(eventArbitrary, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }),
            fc.array(
              fc.record({
                filter: filterArbitrary,
                order: orderArbitrary,
                start: fc.nat(3),
                end: fc.oneof(fc.nat(20), fc.constant(Infinity)),
                slice: fc.constantFrom(1, 2, 3, 100),
              }),
              {
                minLength: 8,
                maxLength: 12,
              },
            ),
            async (batches, queries) => {
              const log = await logOf();
              let size = 0;
              for (const events of batches) {
                await grow(store, log, events);
                size += events.length;
                for (const { filter, order, slice, ...asked } of queries) {
                  const end = Math.min(size, asked.end);
                  const range = { start: Math.min(asked.start, end), end };
                  await expectSameAnswers(store, { log, filter, order, range }, slice);
                }
              }
            },
          ),
          { numRuns: 60 },
        );
      },
      COMPARISON_MS,
    );
  });
}

async function grow({ log: store }: IndexedStore, log: string, events: readonly AuditEvent[]): Promise<void> {
  const size = (await store.head(log))?.size ?? 0;
  if (events.length > 0)
    await store.append(
      batch(
        log,
        size,
        events.map((event, place) => logged(event, size + place)),
      ),
    );
}

async function expectSameAnswers(store: IndexedStore, query: IndexQuery, slice: number): Promise<void> {
  const expected = await new ScanningIndex(store.log).page(query, { limit: 100 });
  expect(await readOn(store, query, slice)).toEqual(expected);
  expect(await store.index.page(query, { offset: 1, limit: 3 })).toEqual(expected.slice(1, 4));
  expect(await store.index.count(query, 100)).toBe(expected.length);
}

/** Everything, in slices of so many that each begin behind the last leaf of the one before. */
async function readOn({ index }: IndexedStore, query: IndexQuery, limit: number): Promise<readonly number[]> {
  const read: number[] = [];
  for (;;) {
    const after = read.at(-1);
    const slice = await index.page(query, { limit, ...(after !== undefined && { after }) });
    read.push(...slice);
    if (slice.length < limit) return read;
  }
}
