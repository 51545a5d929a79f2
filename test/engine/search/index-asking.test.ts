import { expect, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import type { SearchIndex } from "../../../src/audit/search-index.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { logMessages, openTestService } from "../test-log.js";
import { memoryIndex } from "./memory-index.js";

test("the index is asked nothing for who is gone", async () => {
  const store = new MemoryLogStore();
  const index = replaced<SearchIndex>(memoryIndex(store), {
    indexHead: () => Promise.reject(new Error("asked")),
    indexRecords: () => Promise.reject(new Error("asked")),
  });
  const service = await openTestService({ store, index });
  await logMessages(service, 3);
  const asking = { signal: AbortSignal.abort(new Error("gone")) };
  await expect(service.indexRoot("default", 3)).rejects.toThrow("asked");
  await expect(service.indexRoot("default", 3, asking)).rejects.toThrow("gone");
  const root = { log: "default", treeSize: 0, hash: (await service.root("default")).hash, checkpoint: "" };
  await expect(service.indexRecords({ root, from: 0, count: 1 })).rejects.toThrow("asked");
  await expect(service.indexRecords({ root, from: 0, count: 1 }, asking)).rejects.toThrow("gone");
});
