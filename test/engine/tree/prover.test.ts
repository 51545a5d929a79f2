import { beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { AuditService } from "../../../src/audit/service.js";
import { digestOf } from "../../../src/core/bytes.js";
import { consistencyVerdict, membershipVerdict } from "../../../src/core/proof.js";
import { VALID } from "../../../src/core/verdict.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { FaultStore } from "../fault-store.js";
import { fill, logMessages, openTestService } from "../test-log.js";

const SIZE = 3_000;

describe("proofs of a log of many tiles", () => {
  let store: FaultStore;
  let service: AuditService;
  beforeEach(async () => {
    store = new FaultStore(new MemoryLogStore());
    await fill(await openTestService({ store }), SIZE);
    service = await openTestService({ store });
    store.tileReads = 0;
  });

  test("of a page of 50 entries cost one read of tiles, and none the second time", async () => {
    const asked = { log: "default", treeSize: SIZE, leafIndexes: Array.from({ length: 50 }, (_, i) => i * 57) };
    expect(await service.membershipProofs(asked)).toHaveLength(50);
    expect(store.tileReads).toBe(1);
    await service.membershipProofs(asked);
    expect(store.tileReads).toBe(1);
  });

  test("of an earlier size cost one read of tiles too, with the proof of its root", async () => {
    const asked = { log: "default", treeSize: 2_000, leafIndexes: Array.from({ length: 50 }, (_, i) => i * 13) };
    await service.membershipProofs(asked);
    expect(store.tileReads).toBe(1);
  });

  test("of the newest entries cost no read: they are in the edge", async () => {
    await logMessages(service, 1);
    await service.membershipProofs({ log: "default", treeSize: SIZE + 1, leafIndexes: [SIZE] });
    const reads = store.tileReads;
    await service.membershipProofs({ log: "default", treeSize: SIZE + 1, leafIndexes: [SIZE - 1, SIZE] });
    expect(store.tileReads).toBe(reads);
  });

  test("and entries of a tile that is in memory cost no read of tiles", async () => {
    const asked: number[] = [];
    store.canonicals = (log, leafIndexes, signal) => {
      asked.push(...leafIndexes);
      return store.honest.canonicals(log, leafIndexes, signal);
    };
    for (const leafIndex of [7, 9, 7, 7]) {
      await service.entries("default", [leafIndex]);
      expect(store.tileReads).toBe(1);
    }
    expect(asked).toEqual([7, 9, 7]); // once more to be kept, and no other entry to make the tile again
  });

  test("of tiles that this process filled cost no read", async () => {
    const fresh = new FaultStore(new MemoryLogStore());
    const writer = await openTestService({ store: fresh });
    await fill(writer, SIZE);
    await writer.membershipProofs({ log: "default", treeSize: SIZE, leafIndexes: [0, 700, 2_999] });
    expect(fresh.tileReads).toBe(0);
  });

  test("are not needed for the root of size 0, which is the empty tree's", async () => {
    const { emptyRoot } = (await service.identity("default")).format;
    const root = await service.root("default", 0);
    expect([root.treeSize, root.hash]).toEqual([0, digestOf(emptyRoot)]);
    expect(store.tileReads).toBeLessThanOrEqual(1); // of the first entry, which dates it
  });

  test("of consistency with one earlier size, asked again and again, are computed once", async () => {
    await service.consistency("default", 1_234);
    const reads = store.tileReads;
    for (let i = 0; i < 10; i++) await service.consistency("default", 1_234);
    expect(store.tileReads).toBe(reads);
  });

  test("verify at any size, for any leaf and any older size", async () => {
    const { format } = await service.identity("default");
    const size = fc.integer({ min: 1, max: SIZE });
    await fc.assert(
      fc.asyncProperty(size, size, fc.nat(), async (a, b, n) => {
        const [fromSize, toSize] = a < b ? [a, b] : [b, a];
        const leafIndex = n % toSize;
        const asked = { log: "default", treeSize: toSize, leafIndexes: [leafIndex] };
        for (const proof of await service.membershipProofs(asked))
          expect(membershipVerdict(format, proof)).toEqual(VALID);
        const proof = await service.consistencyProof({ log: "default", fromSize, toSize });
        expect(consistencyVerdict(format, proof)).toEqual(VALID);
      }),
      { numRuns: 60 },
    );
  });
});
