import type { AppendBatch, NewEntry } from "../../../src/audit/store.js";
import { TreeEdge } from "../../../src/core/tree.js";
import { logFormat } from "../../../src/core/format.js";
import { emptyHead } from "../batches.js";
import { logged } from "../search-events.js";

export const LOG = "default";
export const FORMAT = logFormat("rfc6962");
export const EMPTY_HEAD = { ...emptyHead(LOG), rootHash: FORMAT.emptyRoot };

/** The same entry for the same leaf index in every process, so that what comes back can be compared to the letter. */
export function entryAt(leafIndex: number): NewEntry {
  return logged({ message: `entry number ${leafIndex} of all`, actor: `actor${leafIndex % 7}` }, leafIndex);
}

/** Makes the batches of a log whose root and tiles are the true ones. */
export class GrowingLog {
  #edge = TreeEdge.empty(FORMAT);

  get size(): number {
    return this.#edge.size;
  }

  next(count: number): AppendBatch {
    const expectedSize = this.size;
    const entries = Array.from({ length: count }, (_, place) => entryAt(expectedSize + place));
    const { edge, tiles } = this.#edge.append(entries.map((entry) => entry.leafHash));
    this.#edge = edge;
    return {
      log: LOG,
      expectedSize,
      entries,
      tiles,
      rootHash: edge.root(),
      checkpoint: `checkpoint of ${edge.size}\n`,
    };
  }
}
