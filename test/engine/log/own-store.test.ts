import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { LocalAuditService } from "../../../src/engine/log-health.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { FaultStore } from "../fault-store.js";
import { expectCode } from "../rejection.js";
import { logMessages, openTestService } from "../test-log.js";

let store: FaultStore;
let service: LocalAuditService;
let reader: AbortController;
beforeEach(async () => {
  [store, reader] = [new FaultStore(new MemoryLogStore()), new AbortController()];
  service = await openTestService({ store, alarm: () => undefined });
  await logMessages(service, 3);
});
afterEach(async () => {
  reader.abort();
  await service.close();
});

describe("a log that nobody else writes", () => {
  test("is not looked at for who follows it", async () => {
    jest.useFakeTimers();
    try {
      const tail = await service.tail({ log: "default" }, reader);
      const next = tail[Symbol.asyncIterator]().next();
      const { headReads } = store;
      await jest.advanceTimersByTimeAsync(10_000);
      expect(store.headReads).toBe(headReads);
      await logMessages(service, 1);
      expect((await next).value).toMatchObject({ kind: "entry", entry: { leafIndex: 3 } });
    } finally {
      jest.useRealTimers();
    }
  });

  test("tells who follows it when it is found broken, and is followed by nobody then", async () => {
    const tail = await service.tail({ log: "default" }, reader);
    const told = expectCode(tail[Symbol.asyncIterator]().next(), "LOG_CORRUPT");
    store.honest = new MemoryLogStore();
    await expectCode(logMessages(service, 1), "LOG_CORRUPT");
    await told;
    const { headReads, confirmations } = store;
    await expectCode(service.tail({ log: "default" }, reader), "LOG_CORRUPT");
    expect([store.headReads, store.confirmations]).toEqual([headReads, confirmations]);
  });
});
