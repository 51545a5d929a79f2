import type { OpenedStore } from "../../audit/search-index.js";
import { MemoryBlockStore } from "./block-store.js";
import { MemoryLogStore } from "./log-store.js";

/** Opens logs that live as long as the process, for trials and tests. */
export function openMemory(): OpenedStore {
  return { log: new MemoryLogStore(), blocks: new MemoryBlockStore(), isShared: false };
}
