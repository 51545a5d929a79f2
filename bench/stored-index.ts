import { setTimeout as sleep } from "node:timers/promises";
import type { SearchIndex } from "../src/audit/search-index.js";
import { PIECE_DOCUMENTS } from "../src/core/segment/format.js";

/** Resolves when all that a log of so many entries can have in stored segments is there. */
export async function untilStored(index: SearchIndex, log: string, entries: number): Promise<void> {
  while ((await index.indexedSize(log)) < entries - (entries % PIECE_DOCUMENTS)) await sleep(20);
}
