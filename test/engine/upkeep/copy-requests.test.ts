import { beforeEach, describe, expect, test } from "@jest/globals";
import type { LogStore, RequestReceipt } from "../../../src/audit/store.js";
import { copyRequests } from "../../../src/engine/upkeep/copy-requests.js";
import { replaced } from "../../../src/audit/calls.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { expectCode } from "../rejection.js";
import { emptyHead, hashOf, requestReceipt } from "../../stores/batches.js";

const SIZE = 10_000;
const ALL = 100_000;

let from: LogStore;
let to: LogStore;

beforeEach(async () => {
  from = new MemoryLogStore();
  to = new MemoryLogStore();
  await from.createLog(emptyHead("default"));
  await to.createLog(emptyHead("default"));
});

const copy = (source = from, target = to) => copyRequests({ log: "default", size: SIZE, from: source, to: target });
const receiptsIn = (log: LogStore): Promise<readonly RequestReceipt[]> =>
  log.receiptsBehind("default", new Uint8Array(0), ALL);
const keep = (log: LogStore, count: number): Promise<void> =>
  log.keepReceipts(
    "default",
    Array.from({ length: count }, (_, place) => requestReceipt(`key ${place}`, place)),
  );

describe("a copy of what a log knows of its requests", () => {
  beforeEach(async () => {
    await keep(from, 2_500);
  });

  test("has every receipt, the same to the byte", async () => {
    expect(await copy()).toBe(2_500);
    expect(await receiptsIn(to)).toEqual(await receiptsIn(from));
  });

  test("goes on where it was cut off, and changes nothing when it is made again", async () => {
    let kept = 0;
    const log = replaced(to, {
      keepReceipts: (name, receipts) =>
        kept++ === 1 ? Promise.reject(new Error("cut off")) : to.keepReceipts(name, receipts),
    });
    await expect(copy(from, log)).rejects.toThrow("cut off");
    expect(await receiptsIn(to)).toHaveLength(1_000);
    for (let again = 0; again < 2; again++) {
      expect(await copy()).toBe(2_500);
      expect(await receiptsIn(to)).toEqual(await receiptsIn(from));
    }
  });

  test("leaves the receipt of an entry out that was not copied", async () => {
    await from.keepReceipts("default", [requestReceipt("later", SIZE - 1), requestReceipt("last", SIZE - 2)]);
    expect(await copy()).toBe(2_501);
    const found = await to.receipts("default", [hashOf("later"), hashOf("last")]);
    expect(found.map((receipt) => receipt?.treeSize)).toEqual([undefined, SIZE]);
  });

  const SEALED = { ...requestReceipt("key 9", 9), seal: hashOf("seal") };
  test.each<[string, Partial<RequestReceipt>]>([
    ["another first entry", { firstIndex: 8 }],
    ["another number of entries", { count: 3 }],
    ["another tree", { treeSize: 12 }],
    ["another request", { requestDigest: hashOf("other") }],
    ["another seal", { seal: hashOf("other") }],
  ])("is refused by a target that has %s under a key", async (_, other) => {
    await from.keepReceipts("default", [{ ...SEALED, key: hashOf("k") }]);
    await to.keepReceipts("default", [{ ...SEALED, key: hashOf("k"), ...other }]);
    await expectCode(copy(), "CONFLICT");
  });

  test.each([
    ["before there were seals, to one with them", undefined, SEALED.seal],
    ["with seals, to one from before there were any", SEALED.seal, undefined],
  ])("of a log %s is the same", async (_, seal, kept) => {
    await from.keepReceipts("default", [{ ...SEALED, key: hashOf("k"), seal }]);
    await to.keepReceipts("default", [{ ...SEALED, key: hashOf("k"), seal: kept }]);
    expect(await copy()).toBe(2_501);
  });

  test("is refused by a target that keeps nothing", async () => {
    const forgetful = replaced(to, { receipts: (_, keys) => Promise.resolve(keys.map(() => undefined)) });
    await expectCode(copy(from, forgetful), "CONFLICT");
  });
});
