import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { AppendBatch, LogStore, RequestReceipt } from "../../src/audit/store.js";
import { answering, batch, emptyHead, entry, filling, hashOf, requestReceipt, tile } from "./batches.js";
import type { LogStoreEngine } from "./log-store-contract.js";

/** What every engine promises of the receipts that it keeps with the entries. */
export function receiptsContract(name: string, engine: LogStoreEngine): void {
  describe(`LogStore contract, receipts: ${name}`, () => {
    let store: LogStore;
    beforeEach(async () => {
      store = await engine.open();
      await store.createLog(emptyHead("default"));
    });
    afterEach(async () => {
      await store.close();
    });

    const keyed = (expectedSize: number, key: string, text = key): AppendBatch =>
      answering([requestReceipt(key, expectedSize)], batch("default", expectedSize, [entry(text), entry("more")]));

    test("come back as written, in the order asked", async () => {
      await store.append(keyed(0, "one"));
      await store.append(keyed(2, "two"));
      const keys = ["two", "never used", "one", "two"].map(hashOf);
      const [one, two] = [requestReceipt("one", 0), requestReceipt("two", 2)];
      expect((await store.receipts("default", keys)).map(plain)).toEqual([two, undefined, one, two].map(plain));
    });

    test("of a key that was used before leave nothing of their batch", async () => {
      await store.append(keyed(0, "one"));
      const before = await store.head("default");
      const again = keyed(2, "new");
      const receipts = [...(again.receipts ?? []), requestReceipt("one", 3)];
      const outcome = await store.append(filling([tile({ level: 0, index: 0 })], answering(receipts, again)));
      expect(outcome).toEqual({ kind: "repeated" });
      expect(await store.head("default")).toEqual(before);
      expect(await store.entries("default", [2, 3])).toEqual([undefined, undefined]);
      expect(await store.tiles("default", [{ level: 0, index: 0 }])).toEqual([undefined]);
      expect(await store.receipts("default", [hashOf("new")])).toEqual([undefined]);
    });

    test("of a key that was used before are no reason to write at another size", async () => {
      await store.append(keyed(0, "one"));
      expect(await store.append(keyed(0, "one"))).toEqual({ kind: "conflict" });
    });

    test("are taken once when the same request is appended several times at once", async () => {
      const texts = ["a", "b", "c", "d"];
      const outcomes = await Promise.all(texts.map(async (text) => store.append(keyed(0, "one", text))));
      expect(outcomes.filter(({ kind }) => kind === "appended")).toHaveLength(1);
      const { size = 0 } = (await store.head("default")) ?? {};
      expect(await store.append(keyed(size, "one"))).toEqual({ kind: "repeated" });
    });

    test("of a version that made no seals have none", async () => {
      const unsealed = { ...requestReceipt("one", 0), seal: undefined };
      await store.append(answering([unsealed], batch("default", 0, [entry("a"), entry("b")])));
      await store.keepReceipts("default", [{ ...requestReceipt("two", 0), seal: undefined }]);
      const found = await store.receipts("default", ["one", "two"].map(hashOf));
      expect(found.map((receipt) => receipt?.seal)).toEqual([undefined, undefined]);
    });

    test("belong to one log", async () => {
      await store.createLog(emptyHead("second"));
      await store.append(keyed(0, "one"));
      expect(await store.receipts("second", [hashOf("one")])).toEqual([undefined]);
      expect(await store.receipts("unknown", [hashOf("one")])).toEqual([undefined]);
      const receipts = [requestReceipt("one", 0)];
      const outcome = await store.append(answering(receipts, batch("second", 0, [entry("a"), entry("b")])));
      expect(outcome).toEqual({ kind: "appended" });
    });

    test("can be asked for none", async () => {
      expect(await store.receipts("default", [])).toEqual([]);
    });

    describe("are listed by their keys", () => {
      const all = ["one", "two", "three", "four"].map((key, place) => requestReceipt(key, 2 * place));
      const byKey = [...all].sort((a, b) => Buffer.compare(a.key, b.key));
      const listed = async (key: Uint8Array, limit: number) =>
        (await store.receiptsBehind("default", key, limit)).map(plain);

      test("page after page, and end", async () => {
        for (const [place, key] of ["one", "two", "three", "four"].entries()) await store.append(keyed(2 * place, key));
        const [, second, , last] = byKey;
        expect(await listed(new Uint8Array(0), 2)).toEqual(byKey.slice(0, 2).map(plain));
        expect(await listed(second?.key ?? new Uint8Array(0), 9)).toEqual(byKey.slice(2).map(plain));
        expect(await listed(last?.key ?? new Uint8Array(0), 9)).toEqual([]);
      });

      test("and each log has its own", async () => {
        await store.append(keyed(0, "one"));
        await store.createLog(emptyHead("second"));
        expect(await store.receiptsBehind("second", new Uint8Array(0), 9)).toEqual([]);
        expect(await store.receiptsBehind("unknown", new Uint8Array(0), 9)).toEqual([]);
      });
    });

    describe("are kept for entries that are there", () => {
      test("and found like those that came with their entries", async () => {
        await store.append(batch("default", 0, [entry("a"), entry("b")]));
        await store.keepReceipts("default", [requestReceipt("one", 0)]);
        expect((await store.receipts("default", [hashOf("one")])).map(plain)).toEqual([
          plain(requestReceipt("one", 0)),
        ]);
        expect(await store.append(keyed(2, "one"))).toEqual({ kind: "repeated" });
        expect((await store.head("default"))?.size).toBe(2);
      });

      test("but a key that is there keeps the receipt it has", async () => {
        await store.append(keyed(0, "one"));
        await store.keepReceipts("default", [requestReceipt("one", 7), requestReceipt("two", 0)]);
        const found = await store.receipts("default", [hashOf("one"), hashOf("two")]);
        expect(found.map(plain)).toEqual([requestReceipt("one", 0), requestReceipt("two", 0)].map(plain));
      });

      test("none, and more than one statement's worth", async () => {
        await store.keepReceipts("default", []);
        const many = Array.from({ length: 1_000 }, (_, place) => requestReceipt(`key ${place}`, place));
        await store.keepReceipts("default", many);
        expect(await store.receiptsBehind("default", new Uint8Array(0), 2_000)).toHaveLength(1_000);
      });
    });

    const { reopen } = engine;
    if (reopen === undefined) return;

    test("finds receipts again, and does not take their keys twice", async () => {
      const receipts = [requestReceipt("key", 0)];
      await store.append(answering(receipts, batch("default", 0, [entry("a"), entry("b")])));
      store = await reopen(store);
      const [receipt] = await store.receipts("default", [hashOf("key")]);
      expect(plain(receipt)).toEqual(plain(requestReceipt("key", 0)));
      const again = answering([requestReceipt("key", 2)], batch("default", 2, [entry("a"), entry("b")]));
      expect(await store.append(again)).toEqual({ kind: "repeated" });
    });
  });
}

/** Bytes as plain lists: one engine answers a Buffer, another a Uint8Array. */
function plain(receipt: RequestReceipt | undefined): object | undefined {
  if (receipt === undefined) return undefined;
  const { key, requestDigest, seal, ...rest } = receipt;
  return { ...rest, key: [...key], requestDigest: [...requestDigest], seal: seal && [...seal] };
}
