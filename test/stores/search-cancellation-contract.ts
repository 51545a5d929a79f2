import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { setImmediate as others } from "node:timers/promises";
import type { IndexedStore, IndexQuery, SearchIndex } from "../../src/audit/search-index.js";
import { batch, emptyHead } from "./batches.js";
import { logged } from "./search-events.js";

/** An empty store, and a way to make its searches wait: they are held until what `hold` resolves to is called. */
export interface HeldStore {
  readonly store: IndexedStore;
  hold(query: IndexQuery): Promise<() => Promise<void>>;
}

const LOG = "default";
const SIZE = 3_000;
const QUERY: IndexQuery = {
  log: LOG,
  filter: { kind: "phrase", field: undefined, words: ["even"], prefix: false },
  range: { start: 0, end: SIZE },
  order: { field: "message", direction: "asc" },
};

type Ask = (index: SearchIndex, signal?: AbortSignal) => Promise<unknown>;

const ASKS: readonly (readonly [string, Ask, unknown])[] = [
  ["page", (index, signal) => index.page(QUERY, { limit: 3 }, signal), [0, 10, 100]],
  ["count", (index, signal) => index.count(QUERY, 10_000, signal), SIZE / 2],
];

/** What every search index promises of searches that are given up. */
export function searchCancellationContract(name: string, open: () => Promise<HeldStore>): void {
  describe(`SearchIndex contract, searches given up: ${name}`, () => {
    let held: HeldStore;
    let index: SearchIndex;
    beforeEach(async () => {
      held = await open();
      const { log } = held.store;
      ({ index } = held.store);
      await log.createLog(emptyHead(LOG));
      const parity = (leafIndex: number): string => (leafIndex % 2 === 0 ? "even" : "odd");
      const events = Array.from({ length: SIZE }, (_, i) => logged({ message: `${i}`, actor: parity(i) }, i));
      await log.append(batch(LOG, 0, events));
    });
    afterEach(async () => {
      await held.store.index.close();
      await held.store.log.close();
    });

    test.each(ASKS)("%s answers a caller whose signal never aborts", async (_, ask, expected) => {
      expect(await ask(index, new AbortController().signal)).toEqual(expected);
    });

    test.each(ASKS)("%s rejects with the reason of a signal that is aborted already", async (_, ask) => {
      const reason = new Error("gone before");
      await expect(ask(index, AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    test.each(ASKS)("%s rejects with the reason as soon as the signal aborts", async (_, ask, expected) => {
      const caller = new AbortController();
      const release = await held.hold(QUERY);
      const rejected = expect(ask(index, caller.signal)).rejects.toThrow("gone meanwhile");
      await others();
      caller.abort(new Error("gone meanwhile"));
      await rejected;
      await release();
      expect(await ask(index)).toEqual(expected);
    });

    test("one that is given up does not disturb the others", async () => {
      const caller = new AbortController();
      const release = await held.hold(QUERY);
      const stopped = ASKS.map(([, ask]) => ask(index, caller.signal));
      const rejected = Promise.all(stopped.map((asked) => expect(asked).rejects.toThrow("gone")));
      const wanted = ASKS.map(([, ask]) => ask(index, new AbortController().signal));
      caller.abort(new Error("gone"));
      await rejected;
      await release();
      expect(await Promise.all(wanted)).toEqual(ASKS.map(([, , expected]) => expected));
    });
  });
}
