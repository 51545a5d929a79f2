import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { IndexedStore, IndexQuery } from "../../../src/audit/search-index.js";
import type { Filter } from "../../../src/query/ast.js";
import { openMemory } from "../../../src/stores/memory/open.js";
import { openPostgres } from "../../../src/stores/postgres/open.js";
import { nextReach } from "../../../src/stores/postgres/reach.js";
import { describeWith } from "../../service.js";
import { batch, emptyHead } from "../batches.js";
import { eventArbitrary, filterArbitrary, logged, orderArbitrary } from "../search-events.js";
import { hasPostgres, type PostgresServer, somePostgres, sql } from "./server.js";

const LOG = "default";
const EVENTS = 3_000;
const TIMEOUT_MS = 15_000;

/** In the first, a middle and the last event: as rare as a word can be where a walk does not find it. */
const NEEDLES: ReadonlyMap<number, string> = new Map([
  [1, "needle one"],
  [1_500, "needles two"],
  [EVENTS - 1, "needle three"],
]);

describeWith("PostgreSQL", hasPostgres(), () => {
  let server: PostgresServer;
  let url: string;
  let store: IndexedStore;
  const oracle = openMemory();
  beforeAll(async () => {
    server = await somePostgres();
    url = await server.newDatabase();
    await (await openPostgres({ url })).index.close();
    // A small table would be read whole whatever was asked: makes the server use the index over terms.
    await sql(url, `ALTER DATABASE "${new URL(url).pathname.slice(1)}" SET enable_seqscan = off`);
    store = await openPostgres({ url });
    const events = fc.sample(eventArbitrary, { numRuns: EVENTS, seed: 7 });
    const entries = events.map((event, place) => logged({ ...event, old: NEEDLES.get(place) ?? "hay" }, place));
    for (const { log, index } of [store, oracle]) {
      await log.createLog(emptyHead(LOG));
      await log.append(batch(LOG, 0, entries));
      expect(await index.reached(LOG, EVENTS, TIMEOUT_MS)).toBe(true);
    }
  }, 30_000);
  afterAll(async () => {
    await store.index.close();
    await store.log.close();
    await server.close();
  });

  const old = (words: readonly string[], prefix = false): Filter => ({ kind: "phrase", field: "old", words, prefix });

  const anywhere = (words: readonly string[], prefix = false): Filter => ({
    kind: "phrase",
    field: undefined,
    words,
    prefix,
  });

  /** Compares with the oracle; answers all matches. */
  async function expectSame(query: IndexQuery, offset = 0): Promise<readonly number[]> {
    const expected = await oracle.index.page(query, { limit: EVENTS });
    expect(await store.index.page(query, { offset, limit: 50 })).toEqual(expected.slice(offset, offset + 50));
    expect(await store.index.count(query, 2_000)).toBe(Math.min(2_000, expected.length));
    return expected;
  }

  describe("a search in a log longer than a walk", () => {
    const range = { start: 0, end: EVENTS };
    const order = { field: "received_at", direction: "desc" } as const;

    test.each<readonly [string, Filter, readonly number[]]>([
      ["a rare word", anywhere(["needle"]), [EVENTS - 1, 1]],
      ["a rare word of one field", old(["needle"]), [EVENTS - 1, 1]],
      ["a rare word of another field", { kind: "phrase", field: "actor", words: ["needle"], prefix: false }, []],
      ["a rare phrase", anywhere(["needle", "three"]), [EVENTS - 1]],
      ["the words of a phrase in another order", anywhere(["three", "needle"]), []],
      ["a rare prefix", anywhere(["need"], true), [EVENTS - 1, 1_500, 1]],
      ["a prefix at the end of a phrase", old(["needles", "t"], true), [1_500]],
      ["a prefix of no word", anywhere(["needlework"], true), []],
      ["a whole value", { kind: "exact", field: "old", value: "needle one" }, [1]],
      ["either of two", { kind: "or", filters: [old(["one"]), old(["two"])] }, [1_500, 1]],
      [
        "one but not the other",
        { kind: "and", filters: [old(["nee"], true), { kind: "not", filter: old(["two"]) }] },
        [EVENTS - 1, 1],
      ],
    ])("finds %s", async (_, filter, leaves) => {
      expect(await expectSame({ log: LOG, filter, range, order })).toEqual(leaves);
    });

    test("gives the answers of the in-memory scan, whichever way is taken", async () => {
      const query = fc.record({ filter: filterArbitrary, order: orderArbitrary, offset: fc.nat(300) });
      await fc.assert(
        fc.asyncProperty(query, async ({ filter, order, offset }) => {
          await expectSame({ log: LOG, filter, range, order }, offset);
        }),
        { numRuns: 40 },
      );
    }, 40_000);
  });
});

describe("the reach of the next walk", () => {
  const span = 1_000_000;

  test("grows to where enough matches of a frequent word should be", () => {
    const reach = nextReach({ reach: 500, found: 25, wanted: 50, span });
    expect(reach).toBeGreaterThan(1_000);
    expect(reach).toBeLessThan(2_000);
  });

  test("ends for a rare word, which is looked up", () => {
    expect(nextReach({ reach: 500, found: 0, wanted: 50, span })).toBeUndefined();
  });

  test("always grows, so that walking comes to an end", () => {
    for (let found = 0; found < 50; found++) {
      const reach = nextReach({ reach: 500, found, wanted: 50, span }) ?? Infinity;
      expect(reach).toBeGreaterThan(500);
    }
  });
});
