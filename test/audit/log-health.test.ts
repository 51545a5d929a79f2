import { describe, expect, test } from "@jest/globals";
import { AuditError } from "../../src/audit/errors.js";
import { checkLog } from "../../src/audit/log-health.js";
import type { LogStore } from "../../src/audit/store.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { logMessages, openTestService } from "./test-log.js";

const dead = new AuditError("UNAVAILABLE", "the reader has ended");

describe("the health of a log", () => {
  test("is sound while it can be read and written, also when it is empty", async () => {
    const store = new MemoryLogStore();
    const service = await openTestService({ store });
    expect(await checkLog({ service, store }, "default")).toBeUndefined();
    await logMessages(service, 2);
    expect(await checkLog({ service, store }, "default")).toBeUndefined();
  });

  test("is that of reads: where entries or heads cannot be read, nothing else counts", async () => {
    const store = new MemoryLogStore();
    const service = await openTestService({ store });
    const failing: Partial<LogStore>[] = [
      { entries: () => Promise.reject(dead) },
      { head: () => Promise.reject(dead) },
    ];
    for (const failure of failing) {
      const read = { entries: store.entries.bind(store), head: store.head.bind(store), ...failure };
      await expect(checkLog({ service, store: read }, "default")).rejects.toBe(dead);
    }
  });

  test("says why a log that became untrustworthy while it was open takes no more entries", async () => {
    const store = new MemoryLogStore();
    const service = await openTestService({ store, sharedStore: true });
    await logMessages(service, 2);
    const older = new MemoryLogStore();
    const other = await openTestService({ store: older });
    await logMessages(other, 1);
    store.head = older.head.bind(older);
    // Looks at the store, and is answered from what is there.
    await service.search({ log: "default", query: "" }, { first: 1 });
    expect(await service.root("default")).toMatchObject({ treeSize: 2 });
    expect(await checkLog({ service, store }, "default")).toMatchObject({ code: "ROOT_CONFLICT" });
  });
});
