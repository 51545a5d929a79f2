import { beforeEach, describe, expect, test } from "@jest/globals";
import type { KeptBulk } from "../../../src/audit/bulk-queue.js";
import type { RequestReceipt } from "../../../src/audit/store.js";
import { copyRequests, type RequestStores } from "../../../src/engine/upkeep/copy-requests.js";
import { replaced } from "../../../src/audit/wrapped.js";
import { MemoryBulkQueue } from "../../../src/stores/memory/bulk-queue.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { expectCode } from "../rejection.js";
import { emptyHead, hashOf, requestReceipt } from "../../stores/batches.js";

const SIZE = 10_000;
const ALL = 100_000;
const END = { outcome: "{}", expiresAtMs: 1 };

let from: RequestStores;
let to: RequestStores;

beforeEach(async () => {
  from = { log: new MemoryLogStore(), bulkQueue: new MemoryBulkQueue() };
  to = { log: new MemoryLogStore(), bulkQueue: new MemoryBulkQueue() };
  await from.log.createLog(emptyHead("default"));
  await to.log.createLog(emptyHead("default"));
});

const copy = (source = from, target = to) => copyRequests({ log: "default", size: SIZE, from: source, to: target });
const receiptsIn = ({ log }: RequestStores): Promise<readonly RequestReceipt[]> =>
  log.receiptsBehind("default", new Uint8Array(0), ALL);
const bulksIn = ({ bulkQueue }: RequestStores): Promise<readonly KeptBulk[]> =>
  bulkQueue.listBehind({ log: "default", name: "" }, ALL);

async function enqueue({ bulkQueue }: RequestStores, name: string, digestOf = name): Promise<void> {
  const bulk = { log: "default", name, owner: "alice", requestDigest: hashOf(digestOf), body: `of ${name}` };
  await bulkQueue.enqueue({ ...bulk, bytes: 1_000, acceptedAtMs: 5, seal: hashOf(`seal of ${name}`) }, ALL);
}

const keep = ({ log }: RequestStores, count: number): Promise<void> =>
  log.keepReceipts(
    "default",
    Array.from({ length: count }, (_, place) => requestReceipt(`key ${place}`, place)),
  );

describe("a copy of what a log knows of its requests", () => {
  beforeEach(async () => {
    await keep(from, 2_500);
    for (let i = 0; i < 40; i++) await enqueue(from, `bulk ${i}`);
    await from.bulkQueue.finish({ log: "default", name: "bulk 7" }, END);
  });

  test("has every receipt and every bulk request, the same to the byte", async () => {
    expect(await copy()).toEqual({ receipts: 2_500, waitingBulks: 39, endedBulks: 1 });
    expect(await receiptsIn(to)).toEqual(await receiptsIn(from));
    expect(await bulksIn(to)).toEqual(await bulksIn(from));
  });

  test("goes on where it was cut off, and changes nothing when it is made again", async () => {
    let kept = 0;
    const log = replaced(to.log, {
      keepReceipts: (name, receipts) =>
        kept++ === 1 ? Promise.reject(new Error("cut off")) : to.log.keepReceipts(name, receipts),
    });
    let queued = 0;
    const bulkQueue = replaced(to.bulkQueue, {
      enqueue: (bulk, max) => (queued++ === 20 ? Promise.reject(new Error("cut")) : to.bulkQueue.enqueue(bulk, max)),
    });
    await expect(copy(from, { log, bulkQueue })).rejects.toThrow("cut off");
    expect(await receiptsIn(to)).toHaveLength(1_000);
    await expect(copy(from, { log, bulkQueue })).rejects.toThrow("cut");
    expect(await bulksIn(to)).toHaveLength(20);
    for (let again = 0; again < 2; again++) {
      expect(await copy()).toEqual({ receipts: 2_500, waitingBulks: 39, endedBulks: 1 });
      expect(await receiptsIn(to)).toEqual(await receiptsIn(from));
      expect(await bulksIn(to)).toEqual(await bulksIn(from));
    }
  });

  test("brings over the end of a request that waited when it was copied first", async () => {
    await copy();
    await from.bulkQueue.finish({ log: "default", name: "bulk 8" }, END);
    expect(await copy()).toMatchObject({ waitingBulks: 38, endedBulks: 2 });
    expect(await bulksIn(to)).toEqual(await bulksIn(from));
  });

  test("leaves the receipt of an entry out that was not copied", async () => {
    await from.log.keepReceipts("default", [requestReceipt("later", SIZE - 1), requestReceipt("last", SIZE - 2)]);
    expect((await copy()).receipts).toBe(2_501);
    const found = await to.log.receipts("default", [hashOf("later"), hashOf("last")]);
    expect(found.map((receipt) => receipt?.treeSize)).toEqual([undefined, SIZE]);
  });

  test.each<[string, () => Promise<void>]>([
    ["a receipt", () => to.log.keepReceipts("default", [{ ...requestReceipt("key 9", 9), firstIndex: 8 }])],
    ["a bulk request", () => enqueue(to, "bulk 9", "other events")],
  ])("is refused by a target that has another under the key of %s", async (_what, prepare) => {
    await prepare();
    await expectCode(copy(), "CONFLICT");
  });
});
