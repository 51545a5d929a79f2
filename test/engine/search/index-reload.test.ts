import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import type { BlockStore } from "../../../src/audit/block-store.js";
import type { ReadEntry } from "../../../src/audit/search-index.js";
import { replaced } from "../../../src/audit/calls.js";
import { digestOf } from "../../../src/core/bytes.js";
import { proofCache } from "../../../src/engine/search/base-segments.js";
import { LogIndex } from "../../../src/engine/search/log-index.js";
import { blockCache } from "../../../src/engine/search/open-segment.js";
import { storable } from "../../../src/engine/search/outline.js";
import { SegmentMerger } from "../../../src/engine/search/segment-merger.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { ownThreadMaker } from "./own-thread.js";
import { GROUP, LOG } from "./segment-indexes.js";

const HASH = nodeSha256(Uint8Array.of(1));
/** More is missing than is kept in memory. */
const GROUPS = 4;
const START = (GROUPS - 1) * GROUP;
const NEWEST = GROUPS * GROUP;
const END = NEWEST + 2;
/** How often the list is read again while segments are missing. */
const RELOAD_MS = 1_000;

let lists: number;
let store: MemoryBlockStore;
let index: LogIndex;
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"], now: 0 });
  jest.advanceTimersByTime(10 * RELOAD_MS); // a process that has run for a while
  [lists, store] = [0, new MemoryBlockStore()];
  const blocks = replaced<BlockStore>(store, {
    claim: () => Promise.resolve(false),
    segments: (log) => ((lists += 1), store.segments(log)),
  });
  const entry: ReadEntry = { kind: "entry", entry: { canonical: "{}", hash: digestOf(HASH) } };
  const maker = ownThreadMaker();
  index = new LogIndex({
    ...{
      log: LOG,
      blocks,
      maker,
      background: maker,
      baseMaker: maker,
      merger: new SegmentMerger(),
      mergedInMemory: 9,
      isShared: false,
    },
    ...{ cache: blockCache(2 ** 20), proofs: proofCache(), warn: () => undefined },
    entries: (leaves) => Promise.resolve(leaves.map(() => entry)),
    reads: {
      entries: () => Promise.reject(new Error("not asked")),
      head: () => Promise.resolve(undefined),
      leafHashes: () => Promise.resolve(HASH),
    },
  });
});
afterEach(async () => {
  jest.useRealTimers();
  await index.close();
});

/** What a search of the newest entries and of the group before them is told to look at. */
const kinds = async (): Promise<readonly string[]> =>
  (await index.parts({ start: START, end: END }, {})).map(({ kind, range }) => `${kind} ${range.start}-${range.end}`);
const stored = (number: number): Promise<void> =>
  store.put(LOG, storable({ level: 1, number, blocks: [HASH], directory: [] }, HASH, []));

test("while segments are missing, their list is read again once a second: another gateway may store them", async () => {
  const missing = [`rows ${START}-${NEWEST}`, `rows ${NEWEST}-${END}`];
  expect(await kinds()).toEqual(missing);
  const before = lists;
  for (let group = 0; group < GROUPS; group++) await stored(group);
  jest.advanceTimersByTime(RELOAD_MS - 1);
  expect([await kinds(), lists - before]).toEqual([missing, 0]);
  jest.advanceTimersByTime(1);
  expect(await kinds()).toEqual([`segment ${START}-${NEWEST}`, `rows ${NEWEST}-${END}`]);
  jest.advanceTimersByTime(10 * RELOAD_MS);
  await kinds();
  expect(lists - before).toBe(1); // nothing is missing any more
});

test("a range of nothing is looked for nowhere", async () => {
  expect(await index.parts({ start: 5, end: 5 }, {})).toEqual([]);
  expect(lists).toBe(0);
});
