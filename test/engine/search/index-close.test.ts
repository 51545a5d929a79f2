import { afterEach, expect, jest, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import { SegmentIndex } from "../../../src/engine/search/segment-index.js";
import { SegmentMerger } from "../../../src/engine/search/segment-merger.js";
import { SerialThread } from "../../../src/engine/search/serial-thread.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";

afterEach(() => {
  jest.restoreAllMocks();
});

test("an index that is closed ends its merges, then each of its threads, and closes its blocks last", async () => {
  const ended: string[] = [];
  const threads = jest.spyOn(SerialThread.prototype, "close").mockImplementation(() => {
    ended.push("thread");
    return Promise.resolve();
  });
  jest.spyOn(SegmentMerger.prototype, "close").mockImplementation(() => {
    ended.push("merges");
    return Promise.resolve();
  });
  const cleared = jest.spyOn(globalThis, "clearInterval");
  const blocks = replaced(new MemoryBlockStore(), { close: () => Promise.resolve(void ended.push("blocks")) });
  const index = new SegmentIndex({ log: new MemoryLogStore(), blocks, isShared: false });
  await index.close();
  // Of what builds segments, with and without haste, small segments, and long entries, and what checks proofs.
  expect(ended).toEqual(["merges", ...Array<string>(5).fill("thread"), "blocks"]);
  expect(new Set(threads.mock.contexts).size).toBe(5);
  expect(cleared).toHaveBeenCalledTimes(1);
});
