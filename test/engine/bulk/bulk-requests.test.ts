import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ScopedService } from "../../../src/access/scoped-service.js";
import type { AuditService, BulkRequest, LogRequest, SignedEvent } from "../../../src/audit/service.js";
import { digestOf } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { keyOf } from "../../../src/engine/log/keyed-appends.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { CREDENTIALS, NOW_MS } from "../../access/credentials.js";
import { FaultStore } from "../fault-store.js";
import { expectCode, rejection } from "../rejection.js";
import { checkEverything, closedGate, logMessages, message, messages, openTestService } from "../test-log.js";

let store: FaultStore;
let service: AuditService;
const opened: AuditService[] = [];

async function gateway(over = store, maxWaitingCharacters = 1_000_000): Promise<AuditService> {
  const bulkLimits = { atOnce: 4, maxWaitingCharacters };
  const another = await openTestService({ store: over, sharedStore: true, appendTimeoutMs: 40, bulkLimits });
  opened.push(another);
  return another;
}

beforeEach(async () => {
  store = new FaultStore(new MemoryLogStore());
  service = await gateway();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((another) => another.close()));
});

function request(events: readonly SignedEvent[], more: Partial<LogRequest> = {}): LogRequest {
  return { log: "default", events, sign: false, path: "events", ...more };
}

const TWO = [message("one"), message("two")];
const keyed = (events = TWO) => request(events, { idempotencyKey: "key" });

/** The id that an earlier version gave a request: of the hash of owner and key. */
const earlierId = (owner: string | undefined, key: string): string =>
  Buffer.from(`BulkRequest:${digestOf(keyOf(owner, key))}:default`).toString("base64url");

describe("a bulk request", () => {
  test("returns when its events are logged, and is found by its id", async () => {
    await logMessages(service, 3);
    const { id, logged, refused } = await service.appendLater(request(TWO, { sign: true }));
    expect(logged.entries.map(({ leafIndex, envelope }) => [leafIndex, envelope.event.message])).toEqual([
      [3, "one"],
      [4, "two"],
    ]);
    expect(logged.entries.every(({ envelope }) => envelope.signature !== undefined)).toBe(true);
    expect([logged.root.treeSize, refused]).toEqual([5, []]);
    expect(await service.bulkRequest(id)).toEqual({ id, logged, refused: undefined });
    expect(await (await gateway()).bulkRequest(id)).toEqual({ id, logged, refused: undefined });
  });

  test("with bad events is refused, every bad path named, and nothing is logged", async () => {
    const error = await rejection(service.appendLater(request([message(""), { event: { mesage: "m" } }])));
    expect(error.code).toBe("BAD_USER_INPUT");
    expect(error.problems.map(({ path }) => path)).toEqual(expect.arrayContaining(["events[0].message"]));
    await expectCode(service.appendLater(request(messages(1_001))), "BAD_USER_INPUT");
    await expectCode(service.appendLater(request(TWO, { log: "nope" })), "NOT_FOUND");
    expect(await checkEverything(store)).toEqual([]);
  });

  test("lists the events it skipped, also when it is repeated, but not when it is found by its id", async () => {
    const skipping = { ...keyed([message("one"), message("")]), skipInvalid: true };
    const first = await service.appendLater(skipping);
    expect(first.refused).toMatchObject([{ index: 1 }]);
    expect(await service.appendLater(skipping)).toEqual(first);
    expect((await service.bulkRequest(first.id))?.refused).toBeUndefined();
  });

  test("is found only by its owner, and only by its id", async () => {
    const { id } = await service.appendLater(request(TWO), { owner: "alice" });
    expect(await service.bulkRequest(id, { owner: "alice" })).toBeDefined();
    expect(await service.bulkRequest(id, { owner: "bob" })).toBeUndefined();
    expect(await service.bulkRequest(id)).toBeUndefined();
    const others = ["BulkRequest:0:default", "BulkRequest:key:", "BulkRequest:key:[]", 'BulkRequest:key:["default",1]'];
    const ids = others.map((other) => Buffer.from(other).toString("base64url"));
    for (const other of ["", "x", `${id}A`, "A".repeat(1_000_000), ...ids]) {
      expect(await service.bulkRequest(other, { owner: "alice" })).toBeUndefined();
    }
  });

  test("belongs to its credential: it has its tenant, its receipt is shown to it, and nothing to others", async () => {
    const as = (name: "log only, of acme" | "globex") =>
      new ScopedService(service, { principal: { ...CREDENTIALS[name].principal, id: name }, now: () => NOW_MS });
    const { id } = await as("log only, of acme").appendLater(request(TWO));
    expect(await as("globex").bulkRequest(id)).toBeUndefined();
    const poll = as("log only, of acme");
    const found = await poll.bulkRequest(id);
    expect(found?.logged.entries.map(({ envelope }) => envelope.event.tenant_id)).toEqual(["acme", "acme"]);
    expect(await poll.membershipProofs({ log: "default", treeSize: 2, leafIndexes: [0, 1] })).toHaveLength(2);
    await expectCode(as("globex").appendLater(request([{ event: { message: "m", tenant_id: "acme" } }])), "FORBIDDEN");
  });

  test("of an earlier version is found by its id, but only by credentials that may read everything", async () => {
    const { root } = await service.append(keyed(), { owner: "alice" });
    const id = earlierId("alice", "key");
    expect(await service.bulkRequest(id, { owner: "alice" })).toMatchObject({ id, logged: { root } });
    expect(await service.bulkRequest(earlierId("bob", "key"), { owner: "bob" })).toBeUndefined();
    const as = (name: keyof typeof CREDENTIALS) =>
      new ScopedService(service, { principal: CREDENTIALS[name].principal, now: () => NOW_MS });
    expect(await as("log only, of acme").bulkRequest(id)).toBeUndefined();
    expect(await as("globex").bulkRequest(id)).toBeUndefined();
    expect(await as("admin").bulkRequest(id)).toMatchObject({ id });
  });
});

describe("a bulk request with an idempotency key", () => {
  test("is one request, however often it is sent and by which mutation", async () => {
    const [first, second] = await Promise.all([service.appendLater(keyed()), service.appendLater(keyed())]);
    expect(second).toEqual(first);
    expect((await service.append(keyed())).root).toEqual(first.logged.root);
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });

  test("and other events is a CONFLICT", async () => {
    await service.appendLater(keyed());
    await expectCode(service.appendLater(keyed([message("other")])), "CONFLICT");
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });

  test("is logged once when the store failed to say that it was stored", async () => {
    store.faults.push({ kind: "is written though it said no" });
    store.headFailures = 4;
    expect(await rejection(service.appendLater(keyed()))).toMatchObject({ code: "UNAVAILABLE", outcome: "UNKNOWN" });
    const { logged } = await service.appendLater(keyed());
    expect(logged.root.treeSize).toBe(2);
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });

  test("is UNAVAILABLE while the store refuses writes, and nothing is logged", async () => {
    store.faults.push({ kind: "is refused" });
    expect(await rejection(service.appendLater(keyed()))).toMatchObject({ code: "UNAVAILABLE", outcome: "NONE" });
    await service.appendLater(keyed());
    expect(await checkEverything(store)).toEqual(["one", "two"]);
  });
});

describe("a burst of bulk requests", () => {
  const text = (place: number): string => `request ${place}`;

  /** Sends `count` requests while the store takes its time. */
  function burst(by: AuditService, count: number): readonly Promise<BulkRequest>[] {
    return Array.from({ length: count }, (_, place) => by.appendLater(request([message(text(place))])));
  }

  test("is logged first in, first out, four at a time, each request once", async () => {
    const answers = await Promise.all(burst(service, 100));
    const places = answers.map(({ logged }) => logged.entries[0]?.leafIndex ?? -1);
    // All requests but three that came before it are in the log when a request begins.
    expect(places.filter((leafIndex, place) => leafIndex < place - 3)).toEqual([]);
    expect([...places].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect([...(await checkEverything(store))].sort()).toEqual(
      Array.from({ length: 100 }, (_, place) => text(place)).sort(),
    );
  });

  test("does not make a single event wait for all of it, nor take its room", async () => {
    const gate = closedGate();
    store.beforeAppend = () => gate.passed;
    const patient = await openTestService({ store, queueLimits: { maxBatchEvents: 10, maxWaitingEvents: 10 } });
    opened.push(patient);
    const answers = burst(patient, 100);
    const single = patient.append(request([message("single")]));
    gate.open();
    const { entries } = await single;
    await Promise.all(answers);
    expect(entries[0]?.leafIndex).toBeLessThanOrEqual(8);
  });

  test("is refused while too much waits, with a time to retry after; nothing is logged; accepted when there is room", async () => {
    const gate = closedGate();
    store.beforeAppend = () => gate.passed;
    const small = await gateway(store, 40 * text(0).length);
    const answers = burst(small, 100);
    const ended = Promise.allSettled(answers);
    for (const answer of answers.slice(90)) {
      expect(await rejection(answer)).toMatchObject({ code: "UNAVAILABLE", outcome: "NONE", retryAfterMs: 1_000 });
    }
    gate.open();
    const taken = (await ended).filter(({ status }) => status === "fulfilled");
    expect(taken.length).toBeGreaterThan(4);
    expect(await checkEverything(store)).toHaveLength(taken.length);
    await small.appendLater(request(TWO));
    expect(await checkEverything(store)).toHaveLength(taken.length + 2);
  });

  test("may wait with as many characters as the limit says, and not one more", async () => {
    const lengthOf = (place: number): number => logFormat("rfc6962").signedText({ message: text(place) }).length;
    const limit = lengthOf(4) + lengthOf(5);
    for (const [maxWaitingCharacters, taken] of [
      [limit, 6],
      [limit - 1, 5],
    ] as const) {
      const gate = closedGate();
      store = new FaultStore(new MemoryLogStore());
      store.beforeAppend = () => gate.passed;
      const answers = burst(await gateway(store, maxWaitingCharacters), 7);
      const ended = Promise.allSettled(answers);
      await expectCode(answers[6] ?? Promise.resolve(), "UNAVAILABLE");
      gate.open();
      expect((await ended).filter(({ status }) => status === "fulfilled")).toHaveLength(taken);
    }
  });

  test("may have one request that exceeds the limit when nothing else waits", async () => {
    const gate = closedGate();
    store.beforeAppend = () => gate.passed;
    const small = await gateway(store, 1);
    const answers = burst(small, 6);
    expect(await rejection(answers[5] ?? Promise.resolve())).toMatchObject({ code: "UNAVAILABLE" });
    gate.open();
    expect(await Promise.all(answers.slice(0, 5))).toHaveLength(5);
  });

  test("is refused as far as it waits when the service closes; the requests under way are logged", async () => {
    const gate = closedGate();
    store.beforeAppend = () => gate.passed;
    const closing = await openTestService({ store });
    const answers = Promise.allSettled(burst(closing, 10));
    await new Promise((resolve) => setImmediate(resolve));
    const closed = closing.close();
    gate.open();
    await closed;
    const statuses = (await answers).map(({ status }) => status);
    expect(statuses).toEqual([...Array<string>(4).fill("fulfilled"), ...Array<string>(6).fill("rejected")]);
    expect(await checkEverything(store)).toHaveLength(4);
  });
});
