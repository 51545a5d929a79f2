import type { IndexedStore } from "../../audit/search-index.js";
import { MemoryLogStore } from "./log-store.js";
import { MemorySearchIndex } from "./search-index.js";

/** Opens logs that live as long as the process, for trials and tests. */
export function openMemory(): IndexedStore {
  const log = new MemoryLogStore();
  return { log, index: new MemorySearchIndex(log), isShared: false };
}
