import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { BlockStore, StoredSegment } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import type { IndexQuery } from "../../../src/audit/search-index.js";
import type { LogStore } from "../../../src/audit/store.js";
import { storable } from "../../../src/engine/search/outline.js";
import { SegmentIndex, type SegmentIndexOptions } from "../../../src/engine/search/segment-index.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { renumbered, sparseSegment } from "../../core/segment/tall-segments.js";
import { rejection } from "../rejection.js";
import { GROUP, LOG } from "./segment-indexes.js";

const HASH = new Uint8Array(32);
const QUERY: IndexQuery = {
  ...{ log: LOG, filter: { kind: "all" }, range: { start: 0, end: GROUP } },
  order: { field: "received_at", direction: "asc" },
};

let index: SegmentIndex | undefined;
/** Of segments, in the store. */
let lists: number;
beforeEach(() => {
  lists = 0;
});
afterEach(async () => {
  jest.restoreAllMocks();
  await index?.close();
});

function opened(blocks: Partial<BlockStore>, more: Partial<SegmentIndexOptions> = {}): SegmentIndex {
  const head = {
    log: LOG,
    format: "rfc6962",
    size: GROUP,
    rootHash: HASH,
    checkpoint: "",
    lastReceivedAt: "",
  } as const;
  const log = replaced<LogStore>(new MemoryLogStore(), {
    leafHashes: () => Promise.resolve(HASH),
    head: () => Promise.resolve(head),
  });
  const over = replaced<BlockStore>(new MemoryBlockStore(), blocks);
  return (index = new SegmentIndex({ log, blocks: over, isShared: false, ...more }));
}

/** Lists a segment of level 1 that is another each time. */
const another = (): Promise<readonly StoredSegment[]> => {
  lists += 1;
  const digest = Uint8Array.from(HASH, () => lists);
  return Promise.resolve([{ level: 1, number: 0, blocks: 3, digest, lastLeafHash: HASH }]);
};
const turn: Pick<BlockStore, "claim"> = { claim: () => Promise.resolve(false) };

describe("a search that comes upon one damaged segment after the other", () => {
  test("gives up after 33, and says that the index is being built again", async () => {
    let removed = 0;
    const damaged = opened({ ...turn, segments: another, remove: () => Promise.resolve(void (removed += 1)) });
    expect(await rejection(damaged.count(QUERY, 10))).toMatchObject({
      ...{ code: "UNAVAILABLE", retryAfterMs: 1_000 },
      message: "The search index is damaged and is being built again: try again.",
      cause: { name: "SegmentLost" },
    });
    expect(removed).toBe(0); // it was listed as another by then
    expect(lists).toBeGreaterThanOrEqual(2 * 32);
  });

  test("fails at once for any other reason", async () => {
    let reads = 0;
    const failing = opened({
      ...turn,
      segments: another,
      blocks: () => ((reads += 1), Promise.reject(new Error("away"))),
    });
    await expect(failing.count(QUERY, 10)).rejects.toThrow("away");
    expect(reads).toBe(1);
  });
});

test("a page that ends with a segment reads nothing of the next", async () => {
  const store = new MemoryBlockStore();
  const small = sparseSegment(0, 2_048);
  for (const number of [0, 1]) await store.put(LOG, storable(renumbered(small, number), HASH, []));
  const read: number[] = [];
  const two = opened({
    ...turn,
    segments: (log) => store.segments(log),
    blocks: (log, ids) => (read.push(...ids.map(({ number }) => number)), store.blocks(log, ids)),
  });
  const both = { ...QUERY, range: { start: 0, end: 2 * GROUP } };
  expect(await two.page(both, { limit: GROUP })).toHaveLength(GROUP);
  expect(new Set(read)).toEqual(new Set([0]));
  expect(await two.page(both, { limit: 2, offset: GROUP - 1 })).toEqual([GROUP - 1, GROUP]);
});

describe("an index", () => {
  test("that says nothing to anybody tells the process why it is not built", async () => {
    const told = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const failing = opened({ claim: () => Promise.reject(new Error("the disk is full")) });
    failing.follow(LOG, (leaves) => Promise.resolve(leaves.map(() => ({ kind: "corrupt" }))));
    await failing.page(QUERY, { limit: 1 });
    await new Promise(setImmediate);
    const sentence = "building the search index of default has stopped: the disk is full";
    expect(told.mock.calls).toEqual([[sentence, "AuditQLWarning"]]);
  });

  test.each([
    [false, 1_000],
    [true, 5_000],
  ])("looks at its logs now and then, where others do too: %j, every %i ms", (isShared, everyMs) => {
    const begun = jest.spyOn(globalThis, "setInterval");
    opened({}, { isShared });
    expect(begun.mock.calls.map(([, ms]) => ms)).toEqual([everyMs]);
  });
});
