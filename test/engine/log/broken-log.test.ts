import { beforeEach, describe, expect, test } from "@jest/globals";
import type { LocalAuditService } from "../../../src/engine/log-health.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { memoryIndex } from "../search/memory-index.js";
import { rejection } from "../rejection.js";
import { damaged, flipped } from "../tree/damaged-store.js";
import { FaultStore } from "../fault-store.js";
import { logMessages, NEW_YEAR, openTestService } from "../test-log.js";

const LOG = "default";
const FEW = 5;

let honest: MemoryLogStore;
/** Of the store: how often it was asked for what. */
let asked: string[];
let service: LocalAuditService;

/** A log that was damaged before it was opened: its leaf hashes lead nowhere, its entries to the signed root no more. */
async function opened(sharedStore: boolean): Promise<void> {
  honest = new MemoryLogStore();
  const writer = await openTestService({ store: honest });
  await logMessages(writer, FEW);
  await writer.close();
  asked = [];
  const store = damaged(honest, {
    head: (log) => (asked.push("head"), honest.head(log)),
    leafHashes: async (log, range) => flipped(await honest.leafHashes(log, range), 5),
    entries: async (log, leaves) =>
      (await honest.entries(log, leaves)).map(
        (entry) => entry && { ...entry, canonical: entry.canonical.replace("event 3", "event 4") },
      ),
  });
  service = await openTestService({ store, index: memoryIndex(honest), sharedStore, alarm: () => undefined });
  asked.length = 0;
}

describe.each([false, true])(
  "a log that was damaged before it was opened, in a shared store or not: %j",
  (isShared) => {
    beforeEach(() => opened(isShared));

    test.each<readonly [string, () => Promise<unknown>]>([
      ["a write", () => logMessages(service, 1)],
      [
        "a write under a key",
        () =>
          service.append({
            log: LOG,
            events: [{ event: { message: "m" } }],
            sign: false,
            path: "event",
            idempotencyKey: "k",
          }),
      ],
      ["the newest root", () => service.root(LOG)],
      ["an earlier root", () => service.root(LOG, 2)],
      ["membership proofs", () => service.membershipProofs({ log: LOG, treeSize: FEW, leafIndexes: [0] })],
      ["a consistency proof", () => service.consistencyProof({ log: LOG, fromSize: 2, toSize: FEW })],
      ["consistency with the newest", () => service.consistency(LOG, 2)],
    ])("refuses %s, and asks the store for nothing", async (_, ask) => {
      expect((await rejection(ask())).code).toBe("LOG_CORRUPT");
      expect(asked).toEqual([]);
    });

    test("ends who follows it with the reason", async () => {
      const reader = new AbortController();
      const followed = service.tail({ log: LOG }, reader).then((tail) => tail[Symbol.asyncIterator]().next());
      expect((await rejection(followed)).code).toBe("LOG_CORRUPT");
      reader.abort();
    });
  },
);

test("a log whose store fell back to fewer entries is searched as far as both go", async () => {
  const grown = async (count: number): Promise<MemoryLogStore> => {
    const memory = new MemoryLogStore();
    await logMessages(await openTestService({ store: memory, clock: () => NEW_YEAR }), count);
    return memory;
  };
  const store = new FaultStore(await grown(5));
  const options = { store, index: memoryIndex(store), sharedStore: true, behindPatienceMs: 0, alarm: () => undefined };
  const reader = await openTestService(options);
  expect((await reader.root(LOG)).treeSize).toBe(5);
  store.honest = await grown(3);
  await logMessages(reader, 1).catch(() => undefined); // finds out
  expect((await rejection(logMessages(reader, 1))).code).toBe("ROOT_CONFLICT");
  const { leafIndexes } = await reader.search({ log: LOG, query: "" }, { first: 10 });
  expect(leafIndexes).toEqual([2, 1, 0]);
  await reader.close();
});

test("a log whose head says fewer entries than it signed is searched as far as it signed", async () => {
  const memory = new MemoryLogStore();
  await logMessages(await openTestService({ store: memory }), FEW);
  const store = damaged(memory, {
    head: async (log) => {
      const head = await memory.head(log);
      return head && { ...head, size: 2 };
    },
  });
  const reader = await openTestService({ store, index: memoryIndex(memory), alarm: () => undefined });
  expect((await rejection(reader.root(LOG))).code).toBe("LOG_CORRUPT");
  const { result, leafIndexes } = await reader.search({ log: LOG, query: "" }, { first: 10 });
  expect([result.treeSize, leafIndexes]).toEqual([FEW, [4, 3, 2, 1, 0]]);
  await reader.close();
});
