import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { AuditError, badInput } from "../../../src/audit/errors.js";
import type { Logged } from "../../../src/audit/service.js";
import { GroupedLog, type LogAll } from "../../../src/backends/pangea/grouped-log.js";
import { digestOf } from "../../../src/core/bytes.js";
import type { JsonObject } from "../../../src/core/json.js";
import { closedGate, message } from "../../engine/test-log.js";
import { rejection } from "../../engine/rejection.js";
import { openedPangea, type OpenedPangea } from "./opened.js";

/** The receipt of items that are their leaf indexes. */
function receipt(items: readonly JsonObject[]): Logged {
  const root = { log: "default", treeSize: 100, hash: digestOf(new Uint8Array(32)), publishedAt: "", checkpoint: "" };
  const entries = items.map(({ i }) => ({
    ...{ log: "default", leafIndex: Number(i), hash: root.hash, canonical: "" },
    envelope: { event: { message: "m" }, received_at: "" },
  }));
  return { entries, root };
}

const indexesOf = (items: readonly JsonObject[]): readonly number[] => items.map(({ i }) => Number(i));

/** A service that has seen which requests came with which items, and responds once it is let. */
function held(respond: LogAll = (items) => Promise.resolve(receipt(items))) {
  const gate = closedGate();
  const requests: (readonly number[])[] = [];
  const grouped = new GroupedLog(async (items) => {
    requests.push(indexesOf(items));
    await gate.passed;
    return respond(items);
  });
  const log = (i: number, signal?: AbortSignal): Promise<Logged> => grouped.log({ i }, signal);
  return { log, requests, open: gate.open };
}

const upTo = (count: number, from = 0): readonly number[] => Array.from({ length: count }, (_, at) => from + at);

describe("events that are logged one by one", () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  test("go in one request with what the same turn brings; while two run, the others wait for the next, which has them all", async () => {
    const { log, requests, open } = held();
    const logged: Promise<Logged>[] = [];
    for (const [from, count] of [
      [0, 3],
      [3, 3],
      [6, 5],
      [11, 9],
    ] as const) {
      logged.push(...upTo(count, from).map((i) => log(i)));
      await setImmediate();
    }
    expect(requests).toEqual([upTo(3), upTo(3, 3)]);
    open();
    const receipts = await Promise.all(logged);
    expect(receipts.map(({ entries, root }) => [entries.map(({ leafIndex }) => leafIndex), root.treeSize])).toEqual(
      upTo(20).map((i) => [[i], 100]),
    );
    expect(requests.slice(2)).toEqual([upTo(14, 6)]);
  });

  test("are held back while fewer wait than go with the request that runs, and not for long", async () => {
    jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
    const { log, requests, open } = held();
    const logged = upTo(4).map((i) => log(i));
    await setImmediate();
    logged.push(...upTo(3, 4).map((i) => log(i)));
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    expect(requests).toEqual([upTo(4)]);
    logged.push(log(7));
    await setImmediate();
    expect(requests).toEqual([upTo(4), upTo(4, 4)]);
    open();
    await Promise.all(logged);

    const slow = held();
    const waiting = upTo(4).map((i) => slow.log(i));
    await setImmediate();
    waiting.push(slow.log(4));
    await setImmediate();
    expect(slow.requests).toEqual([upTo(4)]);
    jest.advanceTimersByTime(50);
    await setImmediate();
    expect(slow.requests).toEqual([upTo(4), [4]]); // the first is still running
    slow.open();
    await Promise.all(waiting);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("go when the request before them has ended, however few they are", async () => {
    const { log, requests, open } = held();
    const logged = upTo(4).map((i) => log(i));
    await setImmediate();
    logged.push(log(4));
    open();
    await Promise.all(logged);
    expect(requests).toEqual([upTo(4), [4]]);
  });

  test("go at once again when all were answered", async () => {
    const { log, requests, open } = held();
    open();
    for (const i of upTo(3)) await log(i);
    expect(requests).toEqual([[0], [1], [2]]);
  });

  test("go by a thousand at the most, and by a mebibyte", async () => {
    const { log, requests, open } = held();
    const logged = upTo(1_001).map((i) => log(i));
    open();
    await Promise.all(logged);
    expect(requests.map(({ length }) => length)).toEqual([1_000, 1]);

    const sizes: number[] = [];
    const large = new GroupedLog((items) => {
      sizes.push(items.length);
      return Promise.resolve(receipt(items));
    });
    const long = "x".repeat(600_000);
    await Promise.all(upTo(8).map((i) => large.log({ i, ...(i >= 5 && { long }) }, undefined)));
    expect(sizes).toEqual([6, 1, 1]);
  });

  test("are told of their own refusal, and the others are logged", async () => {
    const { log, requests, open } = held((items) =>
      items.some(({ i }) => i === 6 || i === 17)
        ? Promise.reject(badInput([{ path: "event.message", expected: "less", got: String(indexesOf(items)) }]))
        : Promise.resolve(receipt(items)),
    );
    const logged = upTo(20).map((i) => log(i).then(({ entries }) => entries[0]?.leafIndex, String));
    open();
    const outcomes = await Promise.all(logged);
    expect(outcomes.filter((outcome) => typeof outcome === "number")).toEqual(
      upTo(20).filter((i) => i !== 6 && i !== 17),
    );
    for (const i of [6, 17]) expect(outcomes[i]).toMatch(new RegExp(`got ${i}$`));
    const times = upTo(20).map((i) => requests.filter((request) => request.includes(i)).length);
    expect(Math.max(...times)).toBe(6); // the group of 20, and its halves
  });

  test.each([
    ["an open outcome", new AuditError("BAD_USER_INPUT", "odd", { outcome: "UNKNOWN" })],
    ["a service that is away", new AuditError("UNAVAILABLE", "away", { outcome: "NONE" })],
  ])("are not sent again after %s", async (_, error) => {
    const { log, requests, open } = held(() => Promise.reject(error));
    const logged = upTo(10).map((i) => rejection(log(i)));
    open();
    expect(new Set(await Promise.all(logged))).toEqual(new Set([error]));
    expect(requests.flat()).toEqual(upTo(10));
  });

  test("are not sent when nobody waits for them any more", async () => {
    const { log, requests, open } = held();
    const gone = new AbortController();
    const logged = upTo(6).map((i) => log(i, i === 5 ? gone.signal : undefined).catch(String));
    gone.abort(new AuditError("UNAVAILABLE", "gone"));
    open();
    expect(await Promise.all(logged)).toContain("AuditError: gone");
    expect(requests).toEqual([[0, 1, 2, 3, 4]]);
    expect(() => log(6, gone.signal)).toThrow("gone");
  });
});

describe("at a service", () => {
  let opened: OpenedPangea | undefined;
  afterEach(() => opened?.close());

  test("equal events that come at once each get an entry of their own, with its own proof", async () => {
    opened = await openedPangea();
    const { service, seen } = opened;
    const append = () => service.append({ log: "default", events: [message("same")], sign: false, path: "event" });
    const receipts = await Promise.all(upTo(30).map(append));
    const places = receipts.flatMap(({ entries }) => entries.map(({ leafIndex }) => leafIndex));
    expect([...places].sort((a, b) => a - b)).toEqual(upTo(30));
    expect(seen.filter(({ path }) => path === "/v2/log").length).toBeLessThan(5);
    for (const { entries, root } of receipts) {
      const [{ leafIndex, hash } = { leafIndex: -1, hash: root.hash }] = entries;
      const asked = { log: "default", treeSize: root.treeSize, leafIndexes: [leafIndex], hashes: [hash] };
      expect(await service.membershipProofs(asked)).toMatchObject([{ leafIndex, treeSize: root.treeSize }]);
    }
  });
});
