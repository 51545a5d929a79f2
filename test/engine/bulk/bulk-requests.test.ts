import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { ScopedService } from "../../../src/access/scoped-service.js";
import type { BulkQueue } from "../../../src/audit/bulk-queue.js";
import type { AuditService, BulkRequest, LogRequest, SignedEvent } from "../../../src/audit/service.js";
import type { LocalServiceOptions } from "../../../src/engine/local-service.js";
import { replaced } from "../../../src/audit/wrapped.js";
import { MemoryBulkQueue } from "../../../src/stores/memory/bulk-queue.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { CREDENTIALS, NOW_MS } from "../../access/credentials.js";
import { expectCode, rejection } from "../rejection.js";
import { FaultStore } from "../fault-store.js";
import { checkEverything, logMessages, message, messages, openTestService, TestClock } from "../test-log.js";

const DAY_MS = 86_400_000;
const LEASE_MS = 10_000;
const ALL_LOGS = { logs: ["default"] };

let store: FaultStore;
let queue: BulkQueue;
let clock: TestClock;
let service: AuditService;
let alarms: string[];
const opened: AuditService[] = [];

async function gateway(
  over = store,
  taking = queue,
  options: Partial<LocalServiceOptions> = {},
): Promise<AuditService> {
  const alarm = (text: string) => alarms.push(text);
  const another = await openTestService({
    ...{ store: over, bulkQueue: taking, clock: clock.now, alarm },
    ...{ sharedStore: true, appendTimeoutMs: 40, maxWaitingBulkBytes: 1_000_000, ...options },
  });
  opened.push(another);
  return another;
}

beforeEach(async () => {
  store = new FaultStore(new MemoryLogStore());
  queue = new MemoryBulkQueue();
  clock = new TestClock();
  alarms = [];
  service = await gateway();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((another) => another.close()));
});

function request(events: readonly SignedEvent[], more: Partial<LogRequest> = {}): LogRequest {
  return { log: "default", events, sign: false, path: "events", ...more };
}

const TWO = [message("one"), message("two")];

/** Polls until the request has ended. */
async function ended(id: string, by = service, owner?: string): Promise<BulkRequest> {
  for (let polls = 0; polls < 500; polls++) {
    const found = await by.bulkRequest(id, { owner });
    if (found !== undefined && found.kind !== "pending") return found;
    await sleep(10);
  }
  throw new Error("the request does not end");
}

describe("a bulk request", () => {
  test("is accepted, logged and answered with the receipt of its events", async () => {
    await logMessages(service, 3);
    const accepted = await service.appendLater(request(TWO, { sign: true }));
    expect(accepted.kind).toBe("pending");
    const done = await ended(accepted.id);
    if (done.kind !== "done") throw new Error(done.kind);
    const { entries, root } = done.receipt;
    expect(entries.map(({ leafIndex, envelope }) => [leafIndex, envelope.event.message])).toEqual([
      [3, "one"],
      [4, "two"],
    ]);
    expect(entries.every(({ envelope }) => envelope.signature !== undefined)).toBe(true);
    expect([root.treeSize, done.expiresAt]).toEqual([5, "2026-01-02T00:00:00.000000Z"]);
  });

  test("with bad events is refused at once, every bad path named, and not queued", async () => {
    const error = await rejection(service.appendLater(request([message(""), { event: { mesage: "m" } }])));
    expect(error.code).toBe("BAD_USER_INPUT");
    expect(error.problems.map(({ path }) => path)).toEqual(expect.arrayContaining(["events[0].message"]));
    await expectCode(service.appendLater(request(messages(1_001))), "BAD_USER_INPUT");
    await expectCode(service.appendLater(request(TWO, { log: "nope" })), "NOT_FOUND");
    expect(await queue.claim({ ...ALL_LOGS, nowMs: Infinity, heldUntilMs: Infinity, limit: 1 })).toEqual([]);
  });

  test("is found by its owner alone, and under its id alone", async () => {
    const { id } = await service.appendLater(request(TWO), { owner: "alice" });
    expect((await ended(id, service, "alice")).kind).toBe("done");
    expect(await service.bulkRequest(id, { owner: "bob" })).toBeUndefined();
    expect(await service.bulkRequest(id)).toBeUndefined();
    for (const other of ["", "x", `${id}A`, Buffer.from("BulkRequest:0:default").toString("base64url")]) {
      expect(await service.bulkRequest(other, { owner: "alice" })).toBeUndefined();
    }
  });

  test("is its credential's: logged in its tenant's name, its receipt shown to it, and nothing to others", async () => {
    const as = (name: "log only, of acme" | "globex") =>
      new ScopedService(service, { principal: { ...CREDENTIALS[name].principal, id: name }, now: () => NOW_MS });
    const { id } = await as("log only, of acme").appendLater(request(TWO));
    await ended(id, service, "log only, of acme");
    expect(await as("globex").bulkRequest(id)).toBeUndefined();
    const poll = as("log only, of acme");
    const done = await poll.bulkRequest(id);
    const { entries } = done?.kind === "done" ? done.receipt : { entries: [] };
    expect(entries.map(({ envelope }) => envelope.event.tenant_id)).toEqual(["acme", "acme"]);
    expect(await poll.membershipProofs({ log: "default", treeSize: 2, leafIndexes: [0, 1] })).toHaveLength(2);
    await expectCode(as("globex").appendLater(request([{ event: { message: "m", tenant_id: "acme" } }])), "FORBIDDEN");
  });

  test("is refused with a hint while too much waits, not queued at all, and taken when there is room again", async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    store.beforeAppend = () => released;
    const small = await gateway(store, queue, { maxWaitingBulkBytes: 5_000 });
    const accepted: BulkRequest[] = [];
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) accepted.push(await small.appendLater(request([message("x".repeat(1_000))])));
    };
    expect(await rejection(fill())).toMatchObject({ code: "UNAVAILABLE", retryAfterMs: 1_000 });
    expect(accepted).toHaveLength(2);
    await expectCode(small.appendLater(request([message("")])), "BAD_USER_INPUT");
    release();
    for (const { id } of accepted) await ended(id);
    expect(await checkEverything(store)).toHaveLength(2);
    await ended((await small.appendLater(request(TWO))).id);
    expect(await checkEverything(store)).toHaveLength(4);
  });

  test("is forgotten a day after its end", async () => {
    const { id } = await service.appendLater(request(TWO));
    await ended(id);
    clock.advanceMs(DAY_MS - 1);
    expect(await service.bulkRequest(id)).toBeDefined();
    clock.advanceMs(1);
    expect(await service.bulkRequest(id)).toBeUndefined();
  });
});

describe("a bulk request with an idempotency key", () => {
  const keyed = (events = TWO) => request(events, { idempotencyKey: "key" });

  test("is one request, however often it is sent", async () => {
    const [first, second] = await Promise.all([service.appendLater(keyed()), service.appendLater(keyed())]);
    expect(second.id).toBe(first.id);
    const done = await ended(first.id);
    expect(await service.appendLater(keyed())).toEqual(done);
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });

  test("but with other events is a CONFLICT", async () => {
    const { id } = await service.appendLater(keyed());
    await expectCode(service.appendLater(keyed([message("other")])), "CONFLICT");
    await ended(id);
    await expectCode(service.appendLater(keyed([message("other")])), "CONFLICT");
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });

  test("that was logged without the queue is answered with that receipt", async () => {
    const receipt = await service.append(keyed());
    const { id } = await service.appendLater(keyed());
    expect(await ended(id)).toMatchObject({ kind: "done", receipt: { root: receipt.root } });
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });

  test("that was used without the queue for other events is a CONFLICT, and not queued", async () => {
    await service.append(keyed([message("before")]));
    await expectCode(service.appendLater(keyed()), "CONFLICT");
    expect(await queue.claim({ ...ALL_LOGS, nowMs: Infinity, heldUntilMs: Infinity, limit: 1 })).toEqual([]);
    expect(alarms).toEqual([]);
  });

  test("that is used for other events while it waits fails, and says why", async () => {
    const own: BulkQueue = new MemoryBulkQueue();
    const claim: BulkQueue["claim"] = (asked) => (isHeld ? Promise.resolve([]) : own.claim(asked));
    let isHeld = true;
    const holding = await gateway(store, replaced(own, { claim }));
    const { id } = await holding.appendLater(keyed());
    await holding.append(keyed([message("before")]));
    isHeld = false;
    await holding.appendLater(request([message("after")]));
    expect(await ended(id, holding)).toMatchObject({ kind: "failed", error: { code: "CONFLICT" } });
    expect(alarms).toEqual(["A bulk request accepted for the log default could not be logged: CONFLICT."]);
    expect([...(await checkEverything(store))].sort()).toEqual(["after", "before"]);
  });

  test("is the same request when its end was forgotten: nothing is logged again", async () => {
    const { id } = await service.appendLater(keyed());
    await ended(id);
    clock.advanceMs(DAY_MS);
    await queue.removeExpired(clock.now() / 1_000);
    expect((await service.appendLater(keyed())).kind).toBe("pending");
    expect((await ended(id)).kind).toBe("done");
    clock.advanceMs(DAY_MS);
    await queue.removeExpired(clock.now() / 1_000);
    await expectCode(service.appendLater(keyed([message("other")])), "CONFLICT");
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });
});

describe("the execution of bulk requests", () => {
  test("goes on until the store takes the events", async () => {
    store.faults.push({ kind: "fails before it is written" }, { kind: "fails before it is written" });
    const { id } = await service.appendLater(request(TWO));
    expect((await ended(id)).kind).toBe("done");
    expect(store.appends).toHaveLength(3);
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });

  test("logs once what was stored though the store did not say so", async () => {
    store.faults.push({ kind: "is written though it said no" });
    store.headFailures = 4;
    const { id } = await service.appendLater(request(TWO));
    expect((await ended(id)).kind).toBe("done");
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });

  test("logs every request once, of a hundred", async () => {
    const texts = Array.from({ length: 100 }, (_, i) => `request ${i}`);
    const accepted = await Promise.all(texts.map((text) => service.appendLater(request([message(text)]))));
    for (const { id } of accepted) expect((await ended(id)).kind).toBe("done");
    expect([...(await checkEverything(store))].sort()).toEqual([...texts].sort());
  });

  test("ends with the gateway, and goes on after its next start, once", async () => {
    store.beforeAppend = () => Promise.reject(new Error("down"));
    const { id } = await service.appendLater(request(TWO));
    await sleep(20);
    await service.close();
    expect((await service.bulkRequest(id))?.kind).toBe("pending");
    clock.advanceMs(LEASE_MS);
    expect((await ended(id, await gateway(new FaultStore(store.honest)))).kind).toBe("done");
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });

  test("is left to gateways that keep its log, for as long as none does", async () => {
    const logs = ["default", "added"].map((log) => ({ log, format: "rfc6962" }) as const);
    const idle = await gateway(store, replaced(queue, { claim: () => Promise.resolve([]) }), { logs });
    const accepted = await idle.appendLater(request(TWO, { log: "added" }));
    const { id } = await service.appendLater(request(TWO));
    expect((await ended(id)).kind).toBe("done");
    expect((await service.bulkRequest(accepted.id))?.kind).toBe("pending");
    const both = await gateway(store, queue, { logs });
    expect((await ended(accepted.id, both)).kind).toBe("done");
    expect([await checkEverything(store, "added"), alarms]).toEqual([["one", "two"], []]);
  });

  test("of two gateways on one queue logs once, even if both are given every request", async () => {
    const unheld: BulkQueue = {
      enqueue: (bulk, maxWaitingBytes) => queue.enqueue(bulk, maxWaitingBytes),
      claim: (claim) => queue.claim({ ...claim, heldUntilMs: 0 }),
      finish: (place, end) => queue.finish(place, end),
      find: (place, owner) => queue.find(place, owner),
      listBehind: (place, limit) => queue.listBehind(place, limit),
      waitingBytes: (log) => queue.waitingBytes(log),
      removeExpired: (nowMs) => queue.removeExpired(nowMs),
    };
    const both = await Promise.all([1, 2].map(() => gateway(new FaultStore(store.honest), unheld)));
    const texts = Array.from({ length: 20 }, (_, i) => `request ${i}`);
    const accepted = await Promise.all(
      texts.flatMap((text) => both.map((one) => one.appendLater(request([message(text)], { idempotencyKey: text })))),
    );
    for (const { id } of accepted) expect((await ended(id)).kind).toBe("done");
    expect([...(await checkEverything(store))].sort()).toEqual([...texts].sort());
  });
});
