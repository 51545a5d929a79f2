import { describe, expect, test } from "@jest/globals";
import { AuditError } from "../../../src/audit/errors.js";
import { logFormat } from "../../../src/core/format.js";
import { TreeEdge } from "../../../src/core/tree.js";
import { growTree, SubmissionQueue, type QueueLimits, type Submission } from "../../../src/engine/log/batch.js";
import { isSealedReceipt } from "../../../src/engine/log/seals.js";
import { stampEvent } from "../../../src/engine/tree/stamped-entry.js";
import { LogKey } from "../../../src/keys/log-key.js";
import { nodeEd25519, nodeSha256 } from "../../../src/keys/node-crypto.js";
import { KEYRING } from "../../keyring.js";
import { ORIGIN } from "../test-log.js";

const format = logFormat("rfc6962", nodeSha256);
const key = new LogKey(`${ORIGIN}/default`, KEYRING, nodeEd25519());
const at = (second: number): string => `2026-01-01T00:00:0${second}.000000Z`;

/** A request of so many events, each of whose texts has so many characters. */
function requestOf(
  count: number,
  { characters = 1, second = 1, ...more }: Partial<Submission> & Sized = {},
): Submission {
  const events = Array.from({ length: count }, (_, place) => ({ event: { message: `m${place}` } }));
  const entries = events.map((event) => ({
    ...stampEvent(format, event, at(second)),
    canonical: "x".repeat(characters),
  }));
  return { events, entries, requestKey: undefined, resolve: () => undefined, reject: () => undefined, ...more };
}

interface Sized {
  readonly characters?: number;
  readonly second?: number;
}

const LIMITS: QueueLimits = {
  ...{ maxBatchEvents: 4, maxBatchCharacters: 100 },
  ...{ maxWaitingEvents: 6, maxWaitingCharacters: 50 },
};

function queueOf(...submissions: readonly Submission[]): {
  readonly queue: SubmissionQueue;
  readonly waiting: number[];
} {
  const waiting: number[] = [];
  const queue = new SubmissionQueue(LIMITS, (events) => waiting.push(events));
  for (const submission of submissions) queue.add(submission);
  return { queue, waiting };
}

describe("requests that wait", () => {
  const hasRoom = (queue: SubmissionQueue, events: number): boolean => {
    try {
      queue.requireRoom(events);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(AuditError);
      expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "NONE", retryAfterMs: 250 });
      return false;
    }
  };

  test("are as many events as there is room for; one alone always has some", () => {
    expect(hasRoom(queueOf().queue, 1_000)).toBe(true);
    const { queue } = queueOf(requestOf(3));
    expect([3, 4].map((events) => hasRoom(queue, events))).toEqual([true, false]);
    queue.add(requestOf(3));
    expect([0, 1].map((events) => hasRoom(queue, events))).toEqual([true, false]);
  });

  test("have as many characters as there is room for", () => {
    expect(hasRoom(queueOf(requestOf(2, { characters: 25 })).queue, 1)).toBe(true);
    expect(hasRoom(queueOf(requestOf(3, { characters: 17 })).queue, 1)).toBe(false);
  });

  test("become batches of whole requests, first in, first out, and are counted whenever that changes", () => {
    const all = [2, 2, 1, 9, 1].map((count) => requestOf(count));
    const { queue, waiting } = queueOf(...all);
    const taken = Array.from({ length: 5 }, () => queue.takeBatch().map(({ events }) => events.length));
    expect(taken).toEqual([[2, 2], [1], [9], [1], []]);
    expect(waiting).toEqual([2, 4, 5, 14, 15, 11, 10, 1, 0, 0]);
    expect(queue.isEmpty).toBe(true);
  });

  test("join a batch that was begun while they fit, which a large one does not", () => {
    const begun = [requestOf(2)];
    expect(queueOf(requestOf(2), requestOf(1)).queue.takeBatch(begun)).toHaveLength(1);
    expect(queueOf(requestOf(3)).queue.takeBatch(begun)).toEqual([]);
    expect(queueOf(requestOf(5)).queue.takeBatch()).toHaveLength(1);
  });

  test("fit by their characters, too", () => {
    const [half, more] = [requestOf(1, { characters: 50 }), requestOf(1, { characters: 51 })];
    expect(queueOf(half, half).queue.takeBatch()).toHaveLength(2);
    expect(queueOf(half, more).queue.takeBatch()).toHaveLength(1);
    expect(queueOf(requestOf(1, { characters: 101 })).queue.takeBatch()).toHaveLength(1);
  });
});

describe("a batch", () => {
  const { edge } = TreeEdge.empty(format).append([7, 8, 9].map((byte) => nodeSha256(Uint8Array.of(byte))));
  const tree = { edge, rootHash: edge.root(), checkpoint: "", lastReceivedAt: at(5) };
  const grower = { log: "default", format, key };

  test("takes the indexes after its tree, and what was stamped before the last entry gets its time", () => {
    const requests = [
      [2, 4],
      [1, 5],
      [1, 4],
      [1, 7],
    ].map(([count = 0, second = 0]) => requestOf(count, { second }));
    const { batch, tree: grown, requests: placed } = growTree(grower, tree, requests);
    expect(placed.map(({ firstIndex, entries }) => [firstIndex, entries.length])).toEqual([
      [3, 2],
      [5, 1],
      [6, 1],
      [7, 1],
    ]);
    expect(batch.entries.map(({ receivedAt }) => receivedAt)).toEqual([5, 5, 5, 5, 7].map(at));
    expect(placed[1]?.entries).toBe(requests[1]?.entries);
    expect([batch.expectedSize, batch.expectedRoot]).toEqual([3, tree.rootHash]);
    expect([grown.edge.size, grown.lastReceivedAt]).toEqual([8, at(7)]);
    expect(key.open(grown.checkpoint)).toMatchObject({ treeSize: 8 });
  });

  test("has a sealed receipt for each request with a key, and the last time is that of its last entry", () => {
    const requestKey = { key: nodeSha256(Uint8Array.of(1)), requestDigest: nodeSha256(Uint8Array.of(2)) };
    const { batch, tree: grown } = growTree(grower, tree, [
      requestOf(1, { second: 8 }),
      requestOf(2, { second: 6, requestKey: { ...requestKey, isNew: false } }),
    ]);
    expect(batch.receipts).toMatchObject([{ ...requestKey, firstIndex: 4, count: 2, treeSize: 6 }]);
    expect(batch.receipts?.map((receipt) => isSealedReceipt(key, receipt))).toEqual([true]);
    expect(grown.lastReceivedAt).toBe(at(6));
  });
});

const MALFORMED = [{ error: "not a number", field: "amount" }] as const;

test("an entry has what an event was sent with, and nothing else", () => {
  const event = { message: "m" };
  expect(stampEvent(format, { event }, at(1)).envelope).toEqual({ event, received_at: at(1) });
  const sent = { event, malformed: MALFORMED, signature: "s", publicKey: "k" };
  expect(stampEvent(format, sent, at(1)).envelope).toEqual({
    ...{ event, received_at: at(1), err: MALFORMED },
    ...{ signature: "s", public_key: "k" },
  });
});
