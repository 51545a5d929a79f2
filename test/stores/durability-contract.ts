import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { LogStore } from "../../src/audit/store.js";
import { batch, emptyHead, entry, filling, tile } from "./batches.js";
import type { LogStoreEngine } from "./log-store-contract.js";

const TEXTS = [
  '{"event":{"message":"emoji 🦆"}}',
  String.raw`{"event":{"message":"\u0001 '; DROP TABLE entries; --"}}`,
  "c",
];

/** What every engine owes about what it shows, and what outlives the process. */
export function durabilityContract(name: string, engine: LogStoreEngine): void {
  describe(`LogStore contract, durability: ${name}`, () => {
    let store: LogStore;
    beforeEach(async () => {
      store = await engine.open();
      await store.createLog(emptyHead("default"));
    });
    afterEach(async () => {
      await store.close();
    });

    describe("a head", () => {
      test("keeps the digest of a log's schema beside its format", async () => {
        const head = { ...emptyHead("second"), format: `pangea ${"0f".repeat(32)}` } as const;
        expect(await store.createLog(head)).toEqual(head);
        expect([await store.head("second"), (await store.heads()).find(({ log }) => log === "second")]).toEqual([
          head,
          head,
        ]);
        await store.append(batch("second", 0, [entry("a")]));
        expect((await store.head("second"))?.format).toBe(head.format);
      });
    });

    describe("confirm", () => {
      test("says that what is shown is durable, of an empty log and of one that has grown", async () => {
        expect(await store.confirm("default")).toEqual({
          ...{ durability: "durable", head: await store.head("default") },
        });
        await store.append(batch("default", 0, [entry("a")]));
        expect(await store.confirm("default")).toEqual({ durability: "durable", head: await store.head("default") });
      });

      test("may be asked by many at once, while others append", async () => {
        const appended = store.append(batch("default", 0, [entry("a")]));
        const logs = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? "default" : "absent"));
        const confirmed = await Promise.all(logs.map(async (log) => store.confirm(log)));
        expect(confirmed.map(({ durability, head }) => [durability, head?.log])).toEqual(
          logs.map((log) => ["durable", log === "absent" ? undefined : log]),
        );
        expect(await appended).toEqual({ kind: "appended" });
      });
    });

    const { reopen } = engine;
    if (reopen === undefined) return;

    describe("durability", () => {
      test("finds entries, tiles and heads again after closing and opening", async () => {
        await store.createLog(emptyHead("second", "pangea"));
        const entries = TEXTS.map((text) => entry(text));
        await store.append(filling([tile({ level: 0, index: 0 })], batch("default", 0, entries)));
        const heads = await store.heads();
        store = await reopen(store);
        expect(await store.heads()).toEqual(heads);
        const read = await store.entries("default", [0, 1, 2]);
        expect(read.map((stored) => stored?.canonical)).toEqual(TEXTS);
        expect(await store.tiles("default", [{ level: 0, index: 0 }])).toEqual([tile({ level: 0, index: 0 }).bytes]);
      });

      test("confirms what it finds after opening again", async () => {
        await store.append(batch("default", 0, [entry("a")]));
        store = await reopen(store);
        expect(await store.confirm("default")).toMatchObject({ durability: "durable", head: { size: 1 } });
      });

      test("appends where it stopped", async () => {
        await store.append(batch("default", 0, [entry("a")]));
        store = await reopen(store);
        expect(await store.append(batch("default", 0, [entry("x")]))).toEqual({ kind: "conflict" });
        expect(await store.append(batch("default", 1, [entry("b")]))).toEqual({ kind: "appended" });
        const read = await store.entries("default", [0, 1]);
        expect(read.map((stored) => stored?.canonical)).toEqual(["a", "b"]);
      });
    });
  });
}
