import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { AuditError } from "../../src/audit/errors.js";
import type { LogReads, LogStore } from "../../src/audit/store.js";
import { batch, CREATED_AT, emptyHead, entry, filling, hashOf, receivedAt, tile } from "./batches.js";
import { deletedHeadContract } from "./deleted-head-contract.js";
import { durabilityContract } from "./durability-contract.js";
import { entriesContract } from "./entries-contract.js";
import { receiptsContract } from "./receipts-contract.js";

/** What an engine brings to the contract. */
export interface LogStoreEngine {
  /** A store without a log in it. */
  open(): Promise<LogStore>;
  /** Closes the store and opens the same data again; undefined where nothing outlives the process. */
  readonly reopen: ((store: LogStore) => Promise<LogStore>) | undefined;
  /** Deletes the head of a log and nothing else, as an attacker would who may write the store; undefined where nobody can. */
  readonly deleteHead: ((log: string) => Promise<void>) | undefined;
}

export function logStoreContract(name: string, engine: LogStoreEngine): void {
  receiptsContract(name, engine);
  durabilityContract(name, engine);
  deletedHeadContract(name, engine);
  entriesContract(name, engine);

  describe(`LogStore contract: ${name}`, () => {
    let store: LogStore;
    beforeEach(async () => {
      store = await engine.open();
      await store.createLog(emptyHead("default"));
    });
    afterEach(async () => {
      await store.close();
    });

    describe("heads", () => {
      test("answers the head a new log was created with", async () => {
        expect(await store.createLog(emptyHead("second", "pangea"))).toEqual(emptyHead("second", "pangea"));
        expect(await store.head("second")).toEqual(emptyHead("second", "pangea"));
      });

      test("keeps an existing log as it is when it is created again", async () => {
        await store.append(batch("default", 0, [entry("a")]));
        const answered = await store.createLog(emptyHead("default", "pangea"));
        expect(answered).toMatchObject({ format: "rfc6962", size: 1, checkpoint: "default at 1\n" });
        expect(await store.head("default")).toEqual(answered);
      });

      test("lists the heads of all logs", async () => {
        await store.createLog(emptyHead("second", "pangea"));
        await store.append(batch("second", 0, [entry("a"), entry("b")]));
        const heads = await store.heads();
        expect(new Map(heads.map((head) => [head.log, head.size]))).toEqual(
          new Map([
            ["default", 0],
            ["second", 2],
          ]),
        );
      });

      test("has no head for an unknown log", async () => {
        expect(await store.head("unknown")).toBeUndefined();
      });

      test("moves the head with each batch", async () => {
        await store.append(batch("default", 0, [entry("a", 1), entry("b", 7)]));
        expect(await store.head("default")).toEqual({
          log: "default",
          format: "rfc6962",
          size: 2,
          rootHash: hashOf("root 2"),
          checkpoint: "default at 2\n",
          lastReceivedAt: receivedAt(7),
        });
      });

      test("gives hashes as bytes of 32", async () => {
        const head = await store.head("default");
        expect(head?.rootHash).toBeInstanceOf(Uint8Array);
        expect(head?.rootHash).toHaveLength(32);
      });
    });

    describe("append", () => {
      test("refuses a batch made for another size, and writes nothing of it", async () => {
        await store.append(batch("default", 0, [entry("a")]));
        const before = await store.head("default");
        for (const size of [0, 2]) {
          const outcome = await store.append(
            filling([tile({ level: 0, index: 3 })], batch("default", size, [entry("x"), entry("y")])),
          );
          expect(outcome).toEqual({ kind: "conflict" });
        }
        expect(await store.head("default")).toEqual(before);
        expect(await store.entries("default", [1, 2, 3])).toEqual([undefined, undefined, undefined]);
        expect(await store.tiles("default", [{ level: 0, index: 3 }])).toEqual([undefined]);
      });

      test("refuses a batch made for another root of the size, and takes one made for the root that is there", async () => {
        const expecting = (root: string) => ({ ...batch("default", 1, [entry("b")]), expectedRoot: hashOf(root) });
        await store.append(batch("default", 0, [entry("a")]));
        expect(await store.append(expecting("root of another history"))).toEqual({ kind: "conflict" });
        expect(await store.entries("default", [1])).toEqual([undefined]);
        expect(await store.append(expecting("root 1"))).toEqual({ kind: "appended" });
      });

      test("refuses a batch for a log that was never created", async () => {
        expect(await store.append(batch("unknown", 0, [entry("a")]))).toEqual({ kind: "conflict" });
        expect(await store.head("unknown")).toBeUndefined();
      });

      test("lets exactly one of several racing batches win", async () => {
        const texts = ["a", "b", "c", "d", "e"];
        const outcomes = await Promise.all(texts.map(async (text) => store.append(batch("default", 0, [entry(text)]))));
        const winners = texts.filter((_, place) => outcomes[place]?.kind === "appended");
        expect(winners).toHaveLength(1);
        const [stored] = await store.entries("default", [0]);
        expect(stored?.canonical).toBe(winners[0]);
        expect((await store.head("default"))?.size).toBe(1);
      });

      test("lets batches for different logs pass each other", async () => {
        await store.createLog(emptyHead("second"));
        const outcomes = await Promise.all(
          ["default", "second"].map(async (log) => store.append(batch(log, 0, [entry(`of ${log}`)]))),
        );
        expect(outcomes).toEqual([{ kind: "appended" }, { kind: "appended" }]);
        const [second] = await store.entries("second", [0]);
        expect(second?.canonical).toBe("of second");
      });

      test("takes 1,000 entries at once", async () => {
        const entries = Array.from({ length: 1000 }, (_, place) => entry(`{"place":${place}}`, place));
        await store.append(batch("default", 0, entries));
        const read = await store.entries(
          "default",
          entries.map((_, place) => place),
        );
        expect(read).toEqual(entries.map((stored, leafIndex) => ({ leafIndex, ...stored })));
      });
    });

    describe("leaf hashes", () => {
      const packed = (...texts: readonly string[]): number[] => texts.flatMap((text) => [...hashOf(text)]);
      beforeEach(async () => {
        await store.append(batch("default", 0, [entry("a"), entry("b"), entry("c")]));
      });

      test("of a range are packed in leaf order", async () => {
        expect([...(await store.leafHashes("default", { start: 1, end: 3 }))]).toEqual(packed("b", "c"));
      });

      test("end where the log ends", async () => {
        expect([...(await store.leafHashes("default", { start: 2, end: 9 }))]).toEqual(packed("c"));
        expect(await store.leafHashes("default", { start: 5, end: 9 })).toHaveLength(0);
      });

      test("of an empty range or an unknown log are none", async () => {
        expect(await store.leafHashes("default", { start: 1, end: 1 })).toHaveLength(0);
        expect(await store.leafHashes("unknown", { start: 0, end: 4 })).toHaveLength(0);
      });
    });

    describe("a snapshot", () => {
      const low = tile({ level: 0, index: 0 });
      const all = async (reads: LogReads): Promise<readonly unknown[]> =>
        Promise.all([
          reads.head("default"),
          reads.entries("default", [1, 0, 9]),
          reads.leafHashes("default", { start: 0, end: 9 }),
          reads.tiles("default", [low.id]),
          reads.isStandby(),
        ]);

      test("shows what the store shows, however much is read at once", async () => {
        await store.append(filling([low], batch("default", 0, [entry("a"), entry("b")])));
        const [first, second] = await Promise.all([store.snapshot(all), store.snapshot(all)]);
        expect(first).toEqual(await all(store));
        expect(second).toEqual(first);
      });

      test("rejects with what the look rejects with, and leaves the store as it was", async () => {
        const found = new AuditError("LOG_CORRUPT", "a tile is missing");
        await expect(store.snapshot(() => Promise.reject(found))).rejects.toBe(found);
        const both = store.snapshot((reads) => Promise.all([reads.head("default"), Promise.reject(found)]));
        await expect(both).rejects.toBe(found);
        expect(await store.append(batch("default", 0, [entry("a")]))).toEqual({ kind: "appended" });
      });
    });

    describe("tiles", () => {
      test("come back as written, in the order asked, undefined where not full", async () => {
        const low = tile({ level: 0, index: 0 });
        const next = tile({ level: 0, index: 1 });
        const high = tile({ level: 1, index: 0 });
        await store.append(filling([low], batch("default", 0, [entry("a")])));
        await store.append(filling([next, high], batch("default", 1, [entry("b")])));
        const read = await store.tiles("default", [high.id, { level: 0, index: 2 }, low.id, next.id, high.id]);
        expect(read.map((bytes) => bytes?.[0])).toEqual([
          high.bytes[0],
          undefined,
          low.bytes[0],
          next.bytes[0],
          high.bytes[0],
        ]);
        expect(read[0]).toEqual(high.bytes);
      });

      test("belong to one log", async () => {
        await store.createLog(emptyHead("second"));
        await store.append(filling([tile({ level: 0, index: 0 })], batch("default", 0, [entry("a")])));
        expect(await store.tiles("second", [{ level: 0, index: 0 }])).toEqual([undefined]);
        expect(await store.tiles("unknown", [{ level: 0, index: 0 }])).toEqual([undefined]);
      });
    });

    describe("firstAtOrAfter", () => {
      beforeEach(async () => {
        const ticks = [10, 20, 20, 20, 30];
        await store.append(
          batch(
            "default",
            0,
            ticks.map((tick, place) => entry(`entry ${place}`, tick)),
          ),
        );
      });

      test.each([
        { asked: "before all entries", tick: 5, size: 5, expected: 0 },
        { asked: "exactly at the first of equal times", tick: 20, size: 5, expected: 1 },
        { asked: "between two times", tick: 25, size: 5, expected: 4 },
        { asked: "after all entries: the size", tick: 31, size: 5, expected: 5 },
        { asked: "beyond the size asked about: that size", tick: 30, size: 3, expected: 3 },
        { asked: "at a time whose entries begin below the size", tick: 20, size: 2, expected: 1 },
        { asked: "in an empty prefix", tick: 10, size: 0, expected: 0 },
      ])("$asked", async ({ tick, size, expected }) => {
        expect(await store.firstAtOrAfter("default", receivedAt(tick), size)).toBe(expected);
      });

      test("counts nothing in an unknown log", async () => {
        expect(await store.firstAtOrAfter("unknown", CREATED_AT, 5)).toBe(0);
      });
    });
  });
}
