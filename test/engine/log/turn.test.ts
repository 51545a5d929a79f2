import { beforeEach, describe, expect, test } from "@jest/globals";
import { AuditError } from "../../../src/audit/errors.js";
import type { AuditService } from "../../../src/audit/service.js";
import type { LogReads } from "../../../src/audit/store.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { FaultStore } from "../fault-store.js";
import { expectCode, rejection } from "../rejection.js";
import { checkEverything, closedGate, logMessages, message, openTestService } from "../test-log.js";

/** A store whose turns are as told. */
let store: FaultStore;
let turn: () => Promise<LogReads | undefined>;
let turns: (readonly [log: string, size: number])[];
let ours: AuditService;
let other: AuditService;
let alarms: string[];

beforeEach(async () => {
  store = new FaultStore(new MemoryLogStore());
  turns = [];
  alarms = [];
  turn = () => Promise.resolve(store.honest);
  const inTurns = Object.assign(store, {
    turn: (name: string, size: number) => {
      turns.push([name, size]);
      return turn();
    },
  });
  const alarm = (text: string): number => alarms.push(text);
  ours = await openTestService({ store: inTurns, sharedStore: true, alarm });
  other = await openTestService({ store: store.honest, sharedStore: true });
});

const log = (text: string) => ours.append({ log: "default", events: [message(text)], sign: false, path: "event" });

describe("a gateway that is given the turn", () => {
  test("writes behind what others wrote, with one append and no other read of the head", async () => {
    await log("one");
    await logMessages(other, 300);
    const { headReads } = store;
    expect((await log("two")).entries[0]?.leafIndex).toBe(301);
    expect(turns).toEqual([
      ["default", 0],
      ["default", 1],
    ]);
    expect(store.appends.map(({ expectedSize }) => expectedSize)).toEqual([0, 301]);
    expect(store.headReads).toBe(headReads);
    expect(await checkEverything(store)).toHaveLength(302);
  });

  test("writes all that arrived while it waited", async () => {
    const gate = closedGate();
    turn = async () => {
      await gate.passed;
      return store.honest;
    };
    const logged = Promise.all(["first", "second", "third"].map(log));
    gate.open();
    await logged;
    expect(store.appends.map(({ entries }) => entries.length)).toEqual([3]);
  });

  test("does not show what it saw there as durable before its own append is", async () => {
    await logMessages(other, 2);
    store.faults.push({ kind: "is refused" });
    store.durability = "away";
    expect((await rejection(log("refused"))).outcome).toBe("NONE");
    await expectCode(ours.root("default"), "UNAVAILABLE");
    expect((await log("appended")).root.treeSize).toBe(3);
    expect((await ours.root("default")).treeSize).toBe(3);
  });

  test("writes nothing when the log turns out to be broken there", async () => {
    await log("one");
    const elsewhere = new MemoryLogStore();
    await logMessages(await openTestService({ store: elsewhere }), 3);
    turn = () => Promise.resolve(elsewhere);
    await expectCode(log("two"), "ROOT_CONFLICT");
    expect(alarms).toHaveLength(1);
    expect(store.appends).toHaveLength(1);
  });

  test("asks for it again after a conflict, as it may have lost it", async () => {
    store.beforeAppend = async () => {
      store.beforeAppend = () => Promise.resolve();
      await logMessages(other, 1);
    };
    expect((await log("ours")).entries[0]?.leafIndex).toBe(1);
    expect(turns.map(([, size]) => size)).toEqual([0, 0]);
  });
});

describe("a gateway that is given no turn", () => {
  test("appends at once, and reads the head after a conflict", async () => {
    turn = () => Promise.resolve(undefined);
    await log("one");
    await logMessages(other, 2);
    const { headReads } = store;
    expect((await log("two")).entries[0]?.leafIndex).toBe(3);
    expect(store.appends.map(({ expectedSize }) => expectedSize)).toEqual([0, 1, 3]);
    expect(store.headReads).toBeGreaterThan(headReads);
  });

  test("because the store cannot be reached refuses with the outcome NONE", async () => {
    turn = () => Promise.reject(new AuditError("UNAVAILABLE", "the database is away", { retryAfterMs: 1_000 }));
    expect(await rejection(log("lost"))).toMatchObject({ code: "UNAVAILABLE", outcome: "NONE" });
    expect(store.appends).toEqual([]);
  });
});
