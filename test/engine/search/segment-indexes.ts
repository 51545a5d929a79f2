import { afterEach } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { BlockStore } from "../../../src/audit/block-store.js";
import type { LogStore, NewEntry } from "../../../src/audit/store.js";
import { replaced } from "../../../src/audit/calls.js";
import { storedEntries } from "../../../src/engine/search/log-rows.js";
import { SegmentIndex, type SegmentIndexOptions } from "../../../src/engine/search/segment-index.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { batch, emptyHead } from "../../stores/batches.js";

export const LOG = "default";
/** The entries of a stored segment of the lowest level. */
export const GROUP = 4_096;
export const BUILD_MS = 300_000;

const indexes: SegmentIndex[] = [];
afterEach(async () => {
  await Promise.all(indexes.splice(0).map((index) => index.close()));
});

export function opened(log: LogStore, more: Partial<SegmentIndexOptions> = {}): SegmentIndex {
  const index = new SegmentIndex({ log, blocks: new MemoryBlockStore(), isShared: false, ...more });
  index.follow(LOG, storedEntries(log, LOG));
  indexes.push(index);
  return index;
}

export async function untilStored(index: SegmentIndex, size: number, log = LOG): Promise<void> {
  const deadline = performance.now() + BUILD_MS;
  while ((await index.indexedSize(log)) < size) {
    if (performance.now() > deadline) throw new Error("the segments were not stored");
    await sleep(20);
  }
}

export async function logOf(
  entries: readonly NewEntry[],
  log = LOG,
  store = new MemoryLogStore(),
): Promise<MemoryLogStore> {
  await store.createLog(emptyHead(log));
  await store.append(batch(log, 0, entries));
  return store;
}

/** Never has its turn: nothing is stored. */
export const idle = (): BlockStore =>
  replaced<BlockStore>(new MemoryBlockStore(), { claim: () => Promise.resolve(false) });
