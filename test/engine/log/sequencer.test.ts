import { beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditService } from "../../../src/audit/service.js";
import type { LogStore } from "../../../src/audit/store.js";
import { replaced } from "../../../src/audit/calls.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { expectCode, rejection } from "../rejection.js";
import { FaultStore } from "../fault-store.js";
import { checkEverything, closedGate, logMessages, message, openTestService, TestClock } from "../test-log.js";

let store: FaultStore;
let clock: TestClock;
let service: AuditService;
let alarms: string[];

beforeEach(async () => {
  store = new FaultStore(new MemoryLogStore());
  clock = new TestClock();
  alarms = [];
  service = await openTestService({ store, clock: clock.now, alarm: (text) => alarms.push(text) });
});

function log(text: string, by = service) {
  return by.append({ log: "default", events: [message(text)], sign: false, path: "event" });
}

describe("batches", () => {
  test("hold what arrived while another was in flight", async () => {
    await Promise.all(Array.from({ length: 64 }, (_, i) => log(`caller ${i}`)));
    expect(store.appends.map(({ entries }) => entries.length)).toEqual([1, 63]);
    expect(await checkEverything(store)).toEqual(Array.from({ length: 64 }, (_, i) => `caller ${i}`));
  });

  test("never split a request, and end before the one that is too much", async () => {
    const limits = { maxBatchEvents: 5, maxWaitingEvents: 100 };
    const bounded = await openTestService({ store, queueLimits: limits });
    await Promise.all([1, 3, 2, 1, 8, 2].map((count) => logMessages(bounded, count)));
    expect(store.appends.map(({ entries }) => entries.length)).toEqual([1, 5, 1, 8, 2]);
  });

  test("that wait are bounded: who comes too late is told when to come again, who waits is served", async () => {
    const limits = { maxBatchEvents: 4, maxWaitingEvents: 6 };
    const bounded = await openTestService({ store, queueLimits: limits });
    const waiting = [1, 3, 3].map((count) => logMessages(bounded, count));
    const error = await rejection(logMessages(bounded, 1));
    expect([error.code, error.retryAfterMs, error.outcome]).toEqual(["UNAVAILABLE", 250, "NONE"]);
    expect((await Promise.all(waiting)).map(({ root }) => root.treeSize)).toEqual([1, 4, 7]);
    expect((await logMessages(bounded, 1)).root.treeSize).toBe(8);
  });

  test("of one request that is larger than the room are taken by a log that does nothing else", async () => {
    const bounded = await openTestService({ store, queueLimits: { maxBatchEvents: 4, maxWaitingEvents: 6 } });
    expect((await logMessages(bounded, 8)).root.treeSize).toBe(8);
    expect((await logMessages(bounded, 7)).root.treeSize).toBe(15);
  });

  test("leave no request waiting, at whatever moment of the last batch it comes", async () => {
    for (let moments = 0; moments < 40; moments++) {
      let second: Promise<unknown> = Promise.resolve();
      store.beforeAppend = async () => {
        store.beforeAppend = () => Promise.resolve();
        second = after(moments, () => log("second"));
      };
      await log("first");
      await second;
    }
    expect(await checkEverything(store)).toHaveLength(80);
  });

  test("are all stored when the service is closed, however long the store takes", async () => {
    const gate = closedGate();
    store.beforeAppend = () => gate.passed;
    const logged = Array.from({ length: 10 }, (_, i) => log(`caller ${i}`));
    let isClosed = false;
    const closing = service.close().then(() => {
      isClosed = true;
    });
    await sleep(20); // in which a close that does not wait would be over
    expect(isClosed).toBe(false);
    gate.open();
    await closing;
    expect(await checkEverything(store)).toHaveLength(10);
    await Promise.all(logged);
  });

  test("hold a request that was still looking up its idempotency key when the service was closed", async () => {
    const gate = closedGate();
    const receipts: LogStore["receipts"] = async (...asked) => {
      await gate.passed;
      return store.receipts(...asked);
    };
    const closing = await openTestService({ store: replaced<LogStore>(store, { receipts }) });
    const events = [message("keyed")];
    const logged = closing.append({ log: "default", events, sign: false, path: "events", idempotencyKey: "key" });
    await sleep(0); // by now it looks
    let isClosed = false;
    const closed = closing.close().then(() => {
      isClosed = true;
    });
    await sleep(20); // in which a close that does not wait would be over
    expect(isClosed).toBe(false);
    gate.open();
    await closed;
    expect(await checkEverything(store)).toEqual(["keyed"]);
    await logged;
  });
});

describe("time", () => {
  test("does not go back inside a batch, when the clock is set back between two of its requests", async () => {
    const gate = closedGate();
    store.beforeAppend = () => gate.passed;
    const inFlight = log("in flight");
    await sleep(0); // by now it has its time
    clock.advanceMs(1_000);
    const before = log("before");
    await sleep(0);
    clock.advanceMs(-600_000);
    const after = log("after");
    await sleep(0);
    gate.open();
    await inFlight;
    expect((await after).entries[0]?.envelope.received_at).toBe((await before).entries[0]?.envelope.received_at);
    expect(store.appends.map(({ entries }) => entries.length)).toEqual([1, 2]);
    expect(await checkEverything(store)).toEqual(["in flight", "before", "after"]);
  });

  test("of a batch's root is that of its last entry", async () => {
    const gate = closedGate();
    store.beforeAppend = () => gate.passed;
    const inFlight = log("in flight");
    await sleep(0); // by now it has its time
    clock.advanceMs(1_000);
    const first = log("first");
    await sleep(0);
    clock.advanceMs(1_000);
    const last = log("last");
    await sleep(0);
    gate.open();
    await Promise.all([inFlight, first]);
    const { entries, root } = await last;
    expect(store.appends.map((batch) => batch.entries.length)).toEqual([1, 2]);
    expect(root.publishedAt).toBe("2026-01-01T00:00:02.000000Z");
    expect(root.publishedAt).toBe(entries[0]?.envelope.received_at);
  });

  test("does not go back when the clock is set back ten minutes", async () => {
    const before = (await log("before")).entries[0]?.envelope.received_at;
    clock.advanceMs(-600_000);
    expect((await log("after")).entries[0]?.envelope.received_at).toBe(before);
    clock.advanceMs(600_001);
    expect((await log("later")).entries[0]?.envelope.received_at).toBe("2026-01-01T00:00:00.001000Z");
    expect(await checkEverything(store)).toEqual(["before", "after", "later"]);
  });

  test("does not go back when the gateway starts again with a clock that is behind", async () => {
    await log("before");
    const behind = new TestClock();
    behind.advanceMs(-600_000);
    await log("after", await openTestService({ store, clock: behind.now }));
    expect(await checkEverything(store)).toEqual(["before", "after"]);
  });
});

describe("another gateway", () => {
  let other: AuditService;
  let otherClock: TestClock;
  beforeEach(async () => {
    otherClock = new TestClock();
    other = await openTestService({ store: store.honest, clock: otherClock.now });
  });

  test("that was faster moves our entries behind its own, in index and in time", async () => {
    otherClock.advanceMs(600_000);
    store.beforeAppend = async () => {
      store.beforeAppend = () => Promise.resolve();
      await log("theirs", other);
    };
    const { entries, root } = await log("ours");
    expect(entries[0]?.leafIndex).toBe(1);
    expect(entries[0]?.envelope.received_at).toBe("2026-01-01T00:10:00.000000Z");
    expect(root.treeSize).toBe(2);
    expect(await checkEverything(store)).toEqual(["theirs", "ours"]);
  });

  describe("that was faster while more arrived", () => {
    const arrivals: Promise<unknown>[] = [];
    beforeEach(() => {
      arrivals.length = 0;
      store.beforeAppend = async () => {
        store.beforeAppend = () => Promise.resolve();
        arrivals.push(...["arrived", "too"].map((text) => log(text)));
        await log("theirs", other);
        await sleep(0); // by now they wait in the queue
      };
    });

    test("lets us write it all in our next turn", async () => {
      const { root } = await log("ours");
      await Promise.all(arrivals);
      expect(root.treeSize).toBe(4);
      expect(store.appends.map(({ entries }) => entries.length)).toEqual([1, 3]);
      expect(await checkEverything(store)).toEqual(["theirs", "ours", "arrived", "too"]);
    });

    test("lets nobody go into a batch that has no room", async () => {
      service = await openTestService({ store, queueLimits: { maxBatchEvents: 2, maxWaitingEvents: 100 } });
      await log("ours");
      await Promise.all(arrivals);
      expect(store.appends.map(({ entries }) => entries.length)).toEqual([1, 2, 1]);
      expect(await checkEverything(store)).toEqual(["theirs", "ours", "arrived", "too"]);
    });

    test("has them refused with the batch that they went into, when that fails", async () => {
      const append = store.append.bind(store);
      store.append = async (batch) => {
        if (batch.entries.length > 1) store.faults.push({ kind: "fails before it is written" });
        return append(batch);
      };
      await expectCode(log("ours"), "UNAVAILABLE");
      for (const arrival of arrivals) await expectCode(arrival, "UNAVAILABLE");
      await log("next");
      expect(await checkEverything(store)).toEqual(["theirs", "next"]);
    });
  });

  test("that is always faster leads to a refusal in the end, not to a loop without end", async () => {
    store.beforeAppend = async () => {
      await log("theirs", other);
    };
    const error = await rejection(log("ours"));
    expect(error.message).toBe("Other gateways kept appending to the log first: try again.");
    expect(error.outcome).toBe("NONE");
    expect(store.appends).toHaveLength(50);
    expect(await checkEverything(store)).not.toContain("ours");
  });

  test("racing us with many requests leaves one dense log", async () => {
    const texts = Array.from({ length: 60 }, (_, i) => `entry ${i}`);
    await Promise.all(texts.map((text, i) => log(text, i % 2 === 0 ? service : other)));
    expect([...(await checkEverything(store))].sort()).toEqual([...texts].sort());
  });

  test("that appended on top of a batch in doubt does not hide it", async () => {
    store.faults.push({ kind: "is written though it said no" });
    const honest = store.honest.append.bind(store.honest);
    store.honest.append = async (batch) => {
      store.honest.append = honest;
      const outcome = await honest(batch);
      await log("on top", other);
      return outcome;
    };
    const { entries, root } = await log("in doubt");
    expect([entries[0]?.leafIndex, root.treeSize]).toEqual([0, 1]);
    expect(await checkEverything(store)).toEqual(["in doubt", "on top"]);
  });
});

describe("a store that loses what it had", () => {
  test("stops the log: nothing is written over what was signed", async () => {
    await logMessages(service, 3);
    const emptied = new MemoryLogStore();
    const head = await store.honest.head("default");
    await emptied.createLog({ ...(head ?? fail()), size: 0 });
    store.append = () => Promise.resolve({ kind: "conflict" });
    store.head = () => emptied.head("default");
    await expectCode(logMessages(service, 1), "LOG_CORRUPT");
    await expectCode(logMessages(service, 1), "LOG_CORRUPT");
    expect(alarms).toHaveLength(1);
    await expectCode(service.root("default"), "LOG_CORRUPT");
  });

  test("is noticed when the whole log is gone", async () => {
    store.append = () => Promise.resolve({ kind: "conflict" });
    store.head = () => Promise.resolve(undefined);
    expect((await rejection(logMessages(service, 1))).message).toBe("The log default is missing from the store.");
  });
});

function fail(): never {
  throw new Error("no head");
}

/** Does something after so many turns of the promise queue. */
async function after(moments: number, act: () => Promise<unknown>): Promise<unknown> {
  for (let i = 0; i < moments; i++) await Promise.resolve();
  return act();
}
