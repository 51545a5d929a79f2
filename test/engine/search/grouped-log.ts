import type { SegmentBlocks } from "../../../src/audit/block-store.js";
import { utf8 } from "../../../src/core/bytes.js";
import { recordOf, storable } from "../../../src/engine/search/outline.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { FORMAT, IndexedLog, nothing, receivedAt } from "../../core/segment/provable-log.js";
import { GROUP, LOG } from "./segment-indexes.js";

/** Short entries, of which every 100th is rare: thousands of them are quickly made. */
export const shortEntry = (leaf: number): Uint8Array =>
  utf8(
    `{"event":{"actor":"user${leaf % 3}","message":"${leaf % 100 === 7 ? "rare" : "plain"}"},"received_at":"${receivedAt(leaf)}"}`,
  );
export const short = (size: number): IndexedLog =>
  new IndexedLog(
    size,
    FORMAT,
    Array.from({ length: size }, (_, leaf) => shortEntry(leaf)),
  );

/** Made once: it takes half a second. */
let grouped: IndexedLog | undefined;

/** A log whose first group is stored, with what the index log says of its bases, and 300 entries more. */
export async function storedGroup(): Promise<{ readonly log: IndexedLog; readonly blocks: MemoryBlockStore }> {
  const log = (grouped ??= short(GROUP + 300));
  const blocks = new MemoryBlockStore();
  await blocks.put(LOG, groupOf(log));
  return { log, blocks };
}

export function groupOf(log: IndexedLog): SegmentBlocks {
  const bases = Array.from({ length: 16 }, (_, number) => recordOf(log.segment({ level: 0, number })));
  return storable(log.segment({ level: 1, number: 0 }), FORMAT.leafHash(log.entries[GROUP - 1] ?? nothing()), bases);
}
