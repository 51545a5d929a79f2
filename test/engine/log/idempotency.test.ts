import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { ScopedService } from "../../../src/access/scoped-service.js";
import { AuditError } from "../../../src/audit/errors.js";
import type { AuditService, LogRequest, Receipt } from "../../../src/audit/service.js";
import { utf8 } from "../../../src/core/bytes.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { CREDENTIALS, NOW_MS } from "../../access/credentials.js";
import { expectCode, expectProblems, rejection } from "../rejection.js";
import { FaultStore } from "../fault-store.js";
import { checkEverything, closedGate, logMessages, message, messages, openTestService } from "../test-log.js";

const APPEND_TIMEOUT_MS = 40;

let store: FaultStore;
let service: AuditService;

const gateway = (over = store) =>
  openTestService({ store: over, sharedStore: true, appendTimeoutMs: APPEND_TIMEOUT_MS });

beforeEach(async () => {
  store = new FaultStore(new MemoryLogStore());
  service = await gateway();
});

function log(
  text: string,
  request: Partial<LogRequest> = {},
  by: Pick<AuditService, "append"> = service,
): Promise<Receipt> {
  const events = [message(text), message(`${text} again`)];
  return by.append({ log: "default", events, sign: false, path: "events", idempotencyKey: "key", ...request });
}

afterEach(() => {
  expect(store.appends.filter(({ entries }) => entries.length === 0)).toEqual([]); // nothing is a batch of nothing
});

const stored = async (): Promise<number> => (await store.honest.head("default"))?.size ?? 0;

describe("a request with the key of an earlier one", () => {
  test("is answered with the first receipt, however the log has grown since, and nothing is logged", async () => {
    await logMessages(service, 3);
    const first = await log("once");
    await logMessages(service, 4);
    expect(await log("once")).toEqual(first);
    expect(first.root.treeSize).toBe(5);
    expect(await stored()).toBe(9);
  });

  test("is answered so by a gateway that started since, and by another one", async () => {
    const first = await log("once");
    await logMessages(service, 2);
    expect(await log("once", {}, await gateway())).toEqual(first);
    const other = await gateway(new FaultStore(store.honest));
    await log("elsewhere", { idempotencyKey: "other" }, other);
    expect(await log("elsewhere", { idempotencyKey: "other" })).toMatchObject({ root: { treeSize: 6 } });
    expect(await stored()).toBe(6);
  });

  test("is not answered before what it finds is known to be durable, and then with the first receipt", async () => {
    store.faults.push({ kind: "is written though it said no" });
    store.durability = "away";
    expect(await rejection(log("once"))).toMatchObject({ code: "UNAVAILABLE", outcome: "UNKNOWN" });
    expect(await rejection(log("once"))).toMatchObject({ code: "UNAVAILABLE", outcome: "UNKNOWN" });
    store.durability = "replica";
    expect(await rejection(log("once"))).toMatchObject({ code: "UNAVAILABLE", outcome: "UNKNOWN" });
    store.durability = "durable";
    expect((await log("once")).root.treeSize).toBe(2);
    expect(await stored()).toBe(2);
  });

  test("is answered without asking the store again what an append of this gateway has made durable", async () => {
    const first = await log("once");
    store.durability = "away";
    expect(await log("once")).toEqual(first);
    expect(store.confirmations).toBe(0);
  });

  test("that cannot be looked for is refused with the outcome NONE", async () => {
    store.receipts = () => Promise.reject(new AuditError("UNAVAILABLE", "the store is away"));
    expect(await rejection(log("once"))).toMatchObject({ code: "UNAVAILABLE", outcome: "NONE" });
    expect(await stored()).toBe(0);
  });

  test("is not looked for when its key was made for the request; the store knows it all the same", async () => {
    store.receipts = () => Promise.reject(new Error("the store was asked for a key that nobody had before"));
    const first = await log("once", { isNewKey: true });
    expect(await log("once", { isNewKey: true }, await gateway(new FaultStore(store.honest)))).toEqual(first);
    await service.appendLater({ log: "default", events: [message("later")], sign: false, path: "events" });
    expect(await stored()).toBe(3);
  });

  test("is answered with the gateway's first signature", async () => {
    const first = await log("signed", { sign: true });
    expect(await log("signed", { sign: true })).toEqual(first);
    expect(await stored()).toBe(2);
  });

  test.each<[string, Partial<LogRequest>]>([
    ["other events", { events: [message("other")] }],
    ["the events in another order", { events: [message("once again"), message("once")] }],
    ["a wish to have them signed", { sign: true }],
  ])("but with %s is a CONFLICT, and nothing is logged", async (_, request) => {
    await log("once");
    const error = await rejection(log("once", request));
    expect([error.code, error.message]).toEqual([
      "CONFLICT",
      "The idempotency key was used before for other events: repeat that request as it was, or choose a new key.",
    ]);
    expect(await stored()).toBe(2);
  });

  test("is the same request when a field is null instead of absent", async () => {
    const first = await log("", { events: [{ event: { message: "m", actor: null } }] });
    expect(await log("", { events: [{ event: { message: "m" } }] })).toEqual(first);
  });

  test("is another request in another log, and in the name of another credential", async () => {
    const two = await openTestService({
      store: store.honest,
      logs: ["default", "second"].map((name) => ({ log: name, format: "rfc6962" })),
    });
    const as = (name: "log only" | "read only" | "admin") => {
      const { principal } = CREDENTIALS[name];
      return new ScopedService(two, { principal: { ...principal, id: name }, now: () => NOW_MS });
    };
    const receipts = [await log("a", {}, two), await log("b", { log: "second" }, two)];
    receipts.push(await log("c", {}, as("log only")), await log("d", {}, as("admin")));
    const impostor = { append: (request: LogRequest) => as("admin").append(request, { owner: "log only" }) };
    receipts.push(await log("d", {}, impostor));
    expect(receipts.map(({ entries }) => entries[0]?.leafIndex)).toEqual([0, 0, 2, 4, 4]);
  });

  test.each([
    ["more entries than the log has", { count: 1_000_000 }],
    ["a larger tree than the log's", { treeSize: 3 }],
    ["no entries", { count: 0 }],
  ])("is not answered by a receipt without a seal that names %s, and nothing is read for it", async (_, change) => {
    await log("once");
    const read: number[] = [];
    store.receipts = async (...asked) =>
      (await store.honest.receipts(...asked)).map((receipt) => receipt && { ...receipt, seal: undefined, ...change });
    store.canonicals = (...asked) => (read.push(asked[1].length), store.honest.canonicals(...asked));
    await expectCode(log("once"), "ENTRY_CORRUPT");
    expect(read).toEqual([]);
  });

  test("is answered by a receipt without a seal, as an earlier version wrote it, when its entries are those asked for", async () => {
    const first = await log("once");
    await logMessages(service, 2);
    store.receipts = async (...asked) =>
      (await store.honest.receipts(...asked)).map((receipt) => receipt && { ...receipt, seal: undefined, ...change });
    let change = {};
    expect(await log("once")).toEqual(first);
    change = { firstIndex: 2, treeSize: 4 };
    await expectCode(log("once"), "ENTRY_CORRUPT");
  });

  test("is not answered with entries that were changed since", async () => {
    await log("once");
    const other = await gateway();
    store.canonicals = (_, leafIndexes) => Promise.resolve(leafIndexes.map(() => utf8("{}")));
    await expectCode(log("once", {}, other), "ENTRY_CORRUPT");
  });
});

describe("requests with one key at once", () => {
  test("in one gateway are logged once: the others wait, and get the same receipt", async () => {
    const receipts = await Promise.all(Array.from({ length: 8 }, () => log("once")));
    expect(new Set(receipts.map((receipt) => JSON.stringify(receipt))).size).toBe(1);
    expect(await checkEverything(store)).toEqual(["once", "once again"]);
  });

  test("in one gateway, but for different events, are one receipt and one CONFLICT", async () => {
    const outcomes = await Promise.allSettled([log("one"), log("two")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await expectCode(log("two"), "CONFLICT");
    expect(await checkEverything(store)).toEqual(["one", "one again"]);
  });

  test("are not lost when the first of them fails", async () => {
    store.faults.push({ kind: "fails before it is written" });
    const outcomes = await Promise.allSettled([log("once"), log("once"), log("once")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(await checkEverything(store)).toEqual(["once", "once again"]);
  });

  test("go on one after the other when the first of them fails, also while others are being logged", async () => {
    service = await openTestService({ store });
    store.faults.push({ kind: "is refused" });
    const gate = closedGate();
    const others: Promise<Receipt>[] = [];
    let appends = 0;
    store.beforeAppend = async () => {
      appends += 1;
      if (appends === 1) others.push(logMessages(service, 1)); // is in flight when the first has failed
      if (appends === 2) await gate.passed;
    };
    const outcomes = Promise.allSettled([log("once"), log("once"), log("once")]);
    await sleep(20); // in which two that go on together would both be queued
    gate.open();
    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    await Promise.all(others);
    expect(await checkEverything(store)).toEqual(["event 0", "once", "once again"]);
  });

  test("in two gateways over one store are logged once", async () => {
    const other = await gateway(new FaultStore(store.honest));
    const receipts = await Promise.all([log("once"), log("once", {}, other), log("once"), log("once", {}, other)]);
    expect(new Set(receipts.map((receipt) => JSON.stringify(receipt))).size).toBe(1);
    expect(await checkEverything(store)).toEqual(["once", "once again"]);
  });

  test("lose to the gateway that stored the key between their look and their append", async () => {
    const other = await gateway(new FaultStore(store.honest));
    let theirs: Receipt | undefined;
    store.beforeAppend = async () => {
      theirs ??= await log("once", {}, other);
    };
    expect(await log("once")).toEqual(theirs);
    expect(store.appends).toHaveLength(2);
    await expectCode(log("not the same"), "CONFLICT");
    expect(await checkEverything(store)).toEqual(["once", "once again"]);
  });

  test("lose so without the other requests of their batch", async () => {
    const other = await gateway(new FaultStore(store.honest));
    let isTheirTurn = false;
    store.beforeAppend = async () => {
      if (isTheirTurn) await log("once", {}, other);
      isTheirTurn = !isTheirTurn;
    };
    const receipts = await Promise.all([logMessages(service, 1), log("once"), logMessages(service, 2)]);
    expect(receipts.map(({ entries }) => entries[0]?.leafIndex)).toEqual([0, 1, 3]);
    expect(await stored()).toBe(5);
  });
});

describe("an outcome that nobody knows", () => {
  test("is found out by repeating the request: it was stored, once", async () => {
    store.faults.push({ kind: "is written though it said no" });
    store.headFailures = 4;
    await expectCode(log("once"), "UNAVAILABLE");
    expect((await log("once")).entries.map(({ leafIndex }) => leafIndex)).toEqual([0, 1]);
    expect(await checkEverything(store)).toEqual(["once", "once again"]);
  });

  test("is found out after a crash: it was stored, and another gateway says so", async () => {
    store.faults.push({ kind: "is written though it said no" });
    store.headFailures = Infinity;
    await expectCode(log("once"), "UNAVAILABLE");
    const restarted = await gateway(new FaultStore(store.honest));
    expect((await log("once", {}, restarted)).root.treeSize).toBe(2);
    expect(await stored()).toBe(2);
  });

  test("is found out by repeating the request: it was not stored, and now is, once", async () => {
    store.faults.push({ kind: "never answers, and is not written" });
    await expectCode(log("once"), "UNAVAILABLE");
    expect((await log("once")).root.treeSize).toBe(2);
    expect(await stored()).toBe(2);
  });

  test("is one receipt even when the first append arrives while the request is repeated", async () => {
    store.faults.push({ kind: "never answers, and is not written" });
    await expectCode(log("once"), "UNAVAILABLE");
    const [late] = store.appends;
    store.beforeAppend = async () => {
      if (late !== undefined) await store.honest.append(late);
    };
    expect((await log("once")).entries[0]?.leafIndex).toBe(0);
    expect(store.appends).toHaveLength(3);
    expect(await checkEverything(store)).toEqual(["once", "once again"]);
  });
});

test("a key is 1 to 128 characters of text that can be stored, and named beside every bad event", async () => {
  const events = messages(1);
  await expectProblems(log("", { events, idempotencyKey: "" }), { idempotencyKey: "0" });
  await expectProblems(log("", { events, idempotencyKey: "\u{1f986}".repeat(129) }), { idempotencyKey: "129" });
  await expectProblems(log("", { events: [message("")], idempotencyKey: "\ud800" }), {
    "events[0].message": expect.any(String) as unknown as string,
    idempotencyKey: "a lone surrogate",
  });
  const longest = { events, idempotencyKey: "\u{1f986}".repeat(128) };
  expect(await log("", longest)).toEqual(await log("", longest));
});
