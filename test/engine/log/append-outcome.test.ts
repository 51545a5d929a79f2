import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { AuditService } from "../../../src/audit/service.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { rejection } from "../rejection.js";
import { FaultStore } from "../fault-store.js";
import { checkEverything, logMessages, message, NEW_YEAR, openTestService } from "../test-log.js";

const APPEND_TIMEOUT_MS = 40;

let store: FaultStore;
let service: AuditService;
let alarms: string[];

beforeEach(async () => {
  store = new FaultStore(new MemoryLogStore());
  alarms = [];
  service = await openTestService({ store, alarm: (text) => alarms.push(text) });
});

/** A service that gives an append up soon. */
const impatient = (): Promise<AuditService> => openTestService({ store, appendTimeoutMs: APPEND_TIMEOUT_MS });

function log(text: string, by = service) {
  return by.append({ log: "default", events: [message(text)], sign: false, path: "event" });
}

describe("an append that", () => {
  test("is refused by the store is refused with the outcome NONE, and leaves no gap", async () => {
    store.faults.push({ kind: "is refused" });
    const { headReads } = store;
    const error = await rejection(log("lost"));
    expect([error.code, error.retryAfterMs, error.outcome]).toEqual(["UNAVAILABLE", 1_000, "NONE"]);
    expect(error.message).toBe("The store did not accept the entries: try again.");
    expect(store.headReads).toBe(headReads);
    expect((await log("kept")).entries[0]?.leafIndex).toBe(0);
    expect(await checkEverything(store)).toEqual(["kept"]);
  });

  test("fails, and is not seen in the log, is of UNKNOWN outcome, and leaves no gap", async () => {
    store.faults.push({ kind: "fails before it is written" });
    const error = await rejection(log("lost"));
    expect([error.code, error.retryAfterMs, error.outcome]).toEqual(["UNAVAILABLE", 1_000, "UNKNOWN"]);
    expect(error.message).toMatch(
      /^The store did not report whether the entries were stored: they are not there now, but may still be/,
    );
    expect((await log("kept")).entries[0]?.leafIndex).toBe(0);
    expect(await checkEverything(store)).toEqual(["kept"]);
  });

  test("is written though it said no is found, and acknowledged as what it is", async () => {
    store.faults.push({ kind: "is written though it said no" });
    expect((await log("one")).entries[0]?.leafIndex).toBe(0);
    expect((await log("two")).entries[0]?.leafIndex).toBe(1);
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });

  test("is found in the log is not acknowledged before it is known to be durable", async () => {
    store.faults.push({ kind: "is written though it said no" });
    store.durability = "away";
    const error = await rejection(log("visible"));
    expect([error.code, error.retryAfterMs, error.outcome]).toEqual(["UNAVAILABLE", 1_000, "UNKNOWN"]);
    store.durability = "durable";
    expect((await log("on top")).entries[0]?.leafIndex).toBe(1);
    expect(await checkEverything(store)).toEqual(["visible", "on top"]);
  });

  test("is found though the hashes beside its entries were changed is acknowledged", async () => {
    const { honest } = store;
    await logMessages(service, 250);
    store.leafHashes = async (...asked) => (await honest.leafHashes(...asked)).map((byte) => byte ^ 1);
    store.faults.push({ kind: "is written though it said no" });
    const { entries } = await service.append({
      ...{ log: "default", sign: false, path: "events" },
      events: Array.from({ length: 20 }, (_, place) => message(`ours ${place}`)), // fills a tile
    });
    expect(entries.map(({ leafIndex }) => leafIndex)).toEqual(Array.from({ length: 20 }, (_, place) => 250 + place));
  });

  test("is not found though the hashes beside another's entries were changed to ours is not acknowledged", async () => {
    const other = await openTestService({ store: store.honest });
    store.faults.push({ kind: "fails before it is written" });
    store.beforeAppend = async () => {
      store.beforeAppend = () => Promise.resolve();
      await logMessages(other, 1);
    };
    store.leafHashes = () => Promise.resolve(store.appends[0]?.entries[0]?.leafHash ?? new Uint8Array());
    const error = await rejection(log("ours"));
    expect([error.code, error.outcome]).toEqual(["UNAVAILABLE", "UNKNOWN"]);
    expect(await checkEverything(store.honest)).toEqual(["event 0"]);
  });

  test("leaves the place it was meant for to another gateway's entries is not taken for written", async () => {
    const other = await openTestService({ store: store.honest });
    store.faults.push({ kind: "fails before it is written" });
    store.beforeAppend = async () => {
      store.beforeAppend = () => Promise.resolve();
      await logMessages(other, 2);
    };
    expect((await rejection(log("ours"))).outcome).toBe("UNKNOWN");
    expect(await checkEverything(store)).toEqual(["event 0", "event 1"]);
  });

  test("is not taken for written where another gateway's entries begin as ours do", async () => {
    const here = await openTestService({ store, clock: () => NEW_YEAR });
    const there = await openTestService({ store: store.honest, clock: () => NEW_YEAR });
    const logged = (texts: readonly string[], by = here) =>
      by.append({ log: "default", events: texts.map(message), sign: false, path: "events" });
    store.faults.push({ kind: "fails before it is written" });
    store.beforeAppend = async () => {
      store.beforeAppend = () => Promise.resolve();
      await logged(["the same", "theirs"], there);
    };
    expect((await rejection(logged(["the same", "ours"]))).outcome).toBe("UNKNOWN");
    expect(await checkEverything(store)).toEqual(["the same", "theirs"]);
  });

  test("is in doubt while the log turns out to be broken is refused with what broke it", async () => {
    await log("kept");
    const gone = store.head.bind(store);
    const { headReads } = store;
    store.faults.push({ kind: "fails before it is written" });
    store.head = async (name) => {
      await gone(name);
      return undefined;
    };
    const error = await rejection(log("in doubt"));
    expect([error.code, error.outcome]).toEqual(["LOG_CORRUPT", "UNKNOWN"]);
    expect(store.headReads).toBe(headReads + 1);
    expect(alarms).toEqual(["The log default is missing from the store."]);
  });

  test("fails takes its whole batch with it, and no other", async () => {
    store.faults.push({ kind: "fails before it is written" });
    const outcomes = await Promise.allSettled(["first", "second", "third"].map((text) => log(text)));
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(await checkEverything(store)).toEqual(["second", "third"]);
  });
});

describe("a store that does not report an append", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  async function afterAllLooks<Result>(outcome: Promise<Result>): Promise<Result> {
    await jest.advanceTimersByTimeAsync(1_250);
    return outcome;
  }

  test("is looked for before anything else is written", async () => {
    store.faults.push({ kind: "is written though it said no" });
    store.headFailures = 4;
    const error = await afterAllLooks(rejection(log("unsure")));
    expect(error.message).toMatch(
      /^The store cannot be reached, and it is not known whether the entries were stored\./,
    );
    expect(error.outcome).toBe("UNKNOWN");
    const reads = store.headReads;
    expect((await log("next")).entries[0]?.leafIndex).toBe(1);
    expect(store.headReads).toBe(reads + 1);
    expect(await checkEverything(store)).toEqual(["unsure", "next"]);
  });

  test("refuses the next without its being tried while it cannot even be looked at", async () => {
    store.faults.push({ kind: "fails before it is written" });
    store.headFailures = 5;
    expect(await afterAllLooks(rejection(log("unsure")))).toMatchObject({ code: "UNAVAILABLE", outcome: "UNKNOWN" });
    expect(await rejection(log("also refused"))).toMatchObject({ code: "UNAVAILABLE", outcome: "NONE" });
    expect(store.appends).toHaveLength(1);
    await log("kept");
    expect(await checkEverything(store)).toEqual(["kept"]);
  });

  test("is looked at at once, and again after 50, 200 and 1,000 ms", async () => {
    const head = store.head.bind(store);
    const looksMs: number[] = [];
    const beganMs = performance.now();
    store.head = (name) => (looksMs.push(performance.now() - beganMs), head(name));
    store.faults.push({ kind: "fails before it is written" });
    store.headFailures = 5;
    const refused = rejection(log("lost"));
    await jest.advanceTimersByTimeAsync(60_000);
    expect((await refused).outcome).toBe("UNKNOWN");
    expect(looksMs).toEqual([0, 50, 250, 1_250]);
  });

  test("is looked at again while it is behind what was signed: what it does not hold may be in another one", async () => {
    const shared = await openTestService({ store, sharedStore: true, clock: () => NEW_YEAR });
    await logMessages(shared, 3);
    const shorter = new MemoryLogStore();
    await logMessages(await openTestService({ store: shorter, clock: () => NEW_YEAR }), 2);
    const { honest } = store;
    store.faults.push({ kind: "is written though it said no" });
    const confirmed = store.append.bind(store);
    store.append = (batch) =>
      confirmed(batch).finally(() => {
        store.honest = shorter;
      });
    const logged = log("found", shared);
    await jest.advanceTimersByTimeAsync(100);
    store.honest = honest;
    await jest.advanceTimersByTimeAsync(1_000);
    expect((await logged).root.treeSize).toBe(4);
  });

  test("is looked at no more once it has answered", async () => {
    store.faults.push({ kind: "is written though it said no" });
    store.headFailures = 2;
    const { headReads } = store;
    const logged = log("found");
    await jest.advanceTimersByTimeAsync(60_000);
    expect((await logged).root.treeSize).toBe(1);
    expect(store.headReads - headReads).toBe(3);
  });

  test.each([
    ["though it is written, is found", "never answers, though it is written", "one"],
    ["and is not written, is refused", "never answers, and is not written", undefined],
  ] as const)("within the time it has, %s, and nothing is written before that", async (_, kind, found) => {
    store.faults.push({ kind });
    service = await impatient();
    const logged = log("one").then(
      ({ root }) => root.treeSize,
      (error: unknown) => error,
    );
    await jest.advanceTimersByTimeAsync(APPEND_TIMEOUT_MS - 1);
    const next = log("two");
    await jest.advanceTimersByTimeAsync(0);
    expect(store.appends).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await logged).toEqual(found === undefined ? expect.objectContaining({ outcome: "UNKNOWN" }) : 1);
    await next;
    expect(await checkEverything(store)).toEqual(found === undefined ? ["two"] : [found, "two"]);
  });

  test("and writes it after everybody gave up, gives it an index that nobody else gets", async () => {
    store.faults.push({ kind: "is written after the wait", delayMs: 2 * APPEND_TIMEOUT_MS });
    service = await impatient();
    const refused = rejection(log("late"));
    await jest.advanceTimersByTimeAsync(2 * APPEND_TIMEOUT_MS - 1);
    expect(await refused).toMatchObject({ code: "UNAVAILABLE", outcome: "UNKNOWN" });
    expect((await store.honest.head("default"))?.size).toBe(0);
    await jest.advanceTimersByTimeAsync(1);
    expect((await log("next")).entries[0]?.leafIndex).toBe(1);
    expect(await checkEverything(store)).toEqual(["late", "next"]);
  });

  test("has thirty seconds to report it, if not told otherwise", async () => {
    store.faults.push({ kind: "never answers, and is not written" });
    const { headReads } = store;
    const refused = rejection(log("lost"));
    await jest.advanceTimersByTimeAsync(29_999);
    expect(store.headReads).toBe(headReads);
    await jest.advanceTimersByTimeAsync(100);
    expect((await refused).outcome).toBe("UNKNOWN");
  });
});
