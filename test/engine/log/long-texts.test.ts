import { beforeEach, describe, expect, test } from "@jest/globals";
import { QUEUE_LIMITS, SubmissionQueue, type Submission } from "../../../src/engine/log/batch.js";
import type { AuditService } from "../../../src/audit/service.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { rejection } from "../rejection.js";
import { FaultStore } from "../fault-store.js";
import { logMessages, message, openTestService } from "../test-log.js";

let store: FaultStore;

beforeEach(() => {
  store = new FaultStore(new MemoryLogStore());
});

const logText = (to: AuditService, text: string) =>
  to.append({ log: "default", events: [message(text)], sign: false, path: "events" });

describe("batches of long texts", () => {
  test("end before the request that makes their texts too long, a longer one being a batch of its own", async () => {
    const limits = { maxBatchEvents: 100, maxWaitingEvents: 100, maxBatchCharacters: 1_000 };
    const bounded = await openTestService({ store, queueLimits: limits });
    const texts = ["a", "b", "c", "d".repeat(900), "e".repeat(5_000), "f", "g"];
    await Promise.all(texts.map((text) => logText(bounded, text)));
    expect(store.appends.map(({ entries }) => entries.length)).toEqual([1, 2, 1, 1, 2]);
  });

  test("take as many characters as they may, and not one more", async () => {
    const lengthOf = async (count: number): Promise<number> => {
      const [entry] = (await logMessages(await openTestService({ store: new FaultStore(new MemoryLogStore()) }), count))
        .entries;
      return entry?.canonical.length ?? 0;
    };
    const one = await lengthOf(1);
    for (const [maxBatchCharacters, sizes] of [
      [2 * one, [1, 2]],
      [2 * one - 1, [1, 1, 1]],
    ] as const) {
      const fresh = new FaultStore(new MemoryLogStore());
      const bounded = await openTestService({
        store: fresh,
        queueLimits: { maxBatchEvents: 100, maxWaitingEvents: 100, maxBatchCharacters },
      });
      await Promise.all(["event 0", "event 0", "event 0"].map((text) => logText(bounded, text)));
      expect(fresh.appends.map(({ entries }) => entries.length)).toEqual(sizes);
    }
  });

  test("whose texts wait are bounded too", async () => {
    const limits = { maxBatchEvents: 100, maxWaitingEvents: 100, maxBatchCharacters: 10, maxWaitingCharacters: 1_000 };
    const bounded = await openTestService({ store, queueLimits: limits });
    const waiting = ["a", "b".repeat(900), "c".repeat(900)].map((text) => logText(bounded, text));
    expect((await rejection(logMessages(bounded, 1))).code).toBe("UNAVAILABLE");
    expect((await Promise.all(waiting)).map(({ root }) => root.treeSize)).toEqual([1, 2, 3]);
    expect((await logMessages(bounded, 1)).root.treeSize).toBe(4);
  });
});

describe("without other limits", () => {
  const submission = (canonical: string): Submission => ({
    events: [],
    entries: [{ envelope, canonical, leafHash: new Uint8Array(32), receivedAt: envelope.received_at }],
    requestKey: undefined,
    resolve: () => undefined,
    reject: () => undefined,
  });
  const envelope = { event: { message: "m" }, received_at: "2026-01-01T00:00:00.000000Z" };
  const MEBI = "m".repeat(2 ** 20);

  test("a batch has up to 16 Mi characters", () => {
    const queue = new SubmissionQueue(QUEUE_LIMITS);
    for (let i = 0; i < 18; i++) queue.add(submission(MEBI));
    expect([queue.takeBatch().length, queue.takeBatch().length]).toEqual([16, 2]);
  });

  test("up to 64 Mi characters wait, and one request more", () => {
    const queue = new SubmissionQueue(QUEUE_LIMITS);
    for (let i = 0; i < 64; i++) queue.add(submission(MEBI));
    queue.requireRoom(1);
    queue.add(submission("x"));
    expect(() => {
      queue.requireRoom(1);
    }).toThrow("More is being logged");
  });
});
