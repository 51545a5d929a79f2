import type { LogStore } from "../../../src/audit/store.js";
import { SegmentIndex } from "../../../src/engine/search/segment-index.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";

/** A search index over a log, kept in memory. */
export function memoryIndex(log: LogStore): SegmentIndex {
  return new SegmentIndex({ log, blocks: new MemoryBlockStore(), isShared: false });
}
