import { beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditService } from "../../src/audit/service.js";
import { MemoryLogStore } from "../../src/stores/memory/log-store.js";
import { FaultStore } from "./fault-store.js";
import { expectCode, rejection } from "./rejection.js";
import { checkEverything, logMessages, message, openTestService, TestClock } from "./test-log.js";

const APPEND_TIMEOUT_MS = 40;

let store: FaultStore;
let clock: TestClock;
let service: AuditService;
let alarms: string[];

beforeEach(async () => {
  store = new FaultStore(new MemoryLogStore());
  clock = new TestClock();
  alarms = [];
  service = await openTestService({
    store,
    clock: clock.now,
    appendTimeoutMs: APPEND_TIMEOUT_MS,
    alarm: (text) => alarms.push(text),
  });
});

function log(text: string, by = service) {
  return by.append({ log: "default", events: [message(text)], sign: false, path: "event" });
}

describe("an append that", () => {
  test("fails before it is written is refused, and leaves no gap", async () => {
    store.faults.push({ kind: "fails before it is written" });
    const error = await rejection(log("lost"));
    expect([error.code, error.retryAfterMs]).toEqual(["UNAVAILABLE", 1_000]);
    expect(error.message).toBe("The store did not take the entries: try again.");
    expect((await log("kept")).entries[0]?.leafIndex).toBe(0);
    expect(await checkEverything(store)).toEqual(["kept"]);
  });

  test("is written though it said no is found, and acknowledged as what it is", async () => {
    store.faults.push({ kind: "is written though it said no" });
    expect((await log("one")).entries[0]?.leafIndex).toBe(0);
    expect((await log("two")).entries[0]?.leafIndex).toBe(1);
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });

  test("never answers, though it is written, is found after a bounded wait", async () => {
    store.faults.push({ kind: "never answers, though it is written" });
    expect((await log("one")).root.treeSize).toBe(1);
    expect(await checkEverything(store)).toEqual(["one"]);
  });

  test("never answers, and is not written, is refused after a bounded wait", async () => {
    store.faults.push({ kind: "never answers, and is not written" });
    await expectCode(log("lost"), "UNAVAILABLE");
    await log("kept");
    expect(await checkEverything(store)).toEqual(["kept"]);
  });

  test("is written after everybody gave up takes an index that nobody else gets", async () => {
    store.faults.push({ kind: "is written after the wait", delayMs: APPEND_TIMEOUT_MS * 3 });
    await expectCode(log("late"), "UNAVAILABLE");
    await sleep(APPEND_TIMEOUT_MS * 4);
    expect((await log("next")).entries[0]?.leafIndex).toBe(1);
    expect(await checkEverything(store)).toEqual(["late", "next"]);
  });

  test("is in doubt while the store is away is looked for before anything else is written", async () => {
    store.faults.push({ kind: "is written though it said no" });
    store.headFailures = 4;
    const error = await rejection(log("unsure"));
    expect(error.message).toBe("The store cannot be reached, and it is not known whether the entries were stored.");
    const reads = store.headReads;
    expect((await log("next")).entries[0]?.leafIndex).toBe(1);
    expect(store.headReads).toBe(reads + 1);
    expect(await checkEverything(store)).toEqual(["unsure", "next"]);
  });

  test("cannot even look is refused without being tried", async () => {
    store.faults.push({ kind: "fails before it is written" });
    store.headFailures = 5;
    await expectCode(log("unsure"), "UNAVAILABLE");
    await expectCode(log("also refused"), "UNAVAILABLE");
    expect(store.appends).toHaveLength(1);
    await log("kept");
    expect(await checkEverything(store)).toEqual(["kept"]);
  });

  test("fails takes its whole batch with it, and no other", async () => {
    store.faults.push({ kind: "fails before it is written" });
    const outcomes = await Promise.allSettled(["first", "second", "third"].map((text) => log(text)));
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(await checkEverything(store)).toEqual(["second", "third"]);
  });
});

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
    expect([error.code, error.retryAfterMs]).toEqual(["UNAVAILABLE", 250]);
    expect((await Promise.all(waiting)).map(({ root }) => root.treeSize)).toEqual([1, 4, 7]);
    expect((await logMessages(bounded, 1)).root.treeSize).toBe(8);
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

  test("are all stored when the service is closed", async () => {
    const logged = Array.from({ length: 10 }, (_, i) => log(`caller ${i}`));
    await service.close();
    expect(await checkEverything(store)).toHaveLength(10);
    await Promise.all(logged);
  });
});

describe("time", () => {
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
    expect((await rejection(logMessages(service, 1))).message).toBe("The log default is gone from the store.");
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
