import { LRUCache } from "lru-cache";
import type { Entry } from "../../audit/service.js";

/** Of canonical text; parsed and cut into words it takes some four times as much. */
const SEEN_CHARACTERS = 2 ** 23;
/** What an entry takes beside its text, in characters. */
const ENTRY_CHARACTERS = 100;

/** An entry, and the leaf of the tree that it was compared with. */
export interface SeenEntry {
  readonly entry: Entry;
  readonly leaf: Uint8Array;
}

/**
 * Entries that were shown before, each once compared with its leaf of the signed tree: people look at the same pages again, and
 * a leaf never has another text. So what is changed in the store meanwhile is not shown; fsck finds it.
 */
export class SeenEntries {
  readonly #seen = new LRUCache<number, SeenEntry>({
    maxSize: SEEN_CHARACTERS,
    sizeCalculation: ({ entry }) => ENTRY_CHARACTERS + entry.canonical.length,
  });

  get(leafIndex: number): SeenEntry | undefined {
    return this.#seen.get(leafIndex);
  }

  keep(entry: Entry, leaf: Uint8Array): void {
    this.#seen.set(entry.leafIndex, { entry, leaf: Uint8Array.from(leaf) }); // a view would hold its whole tile
  }

  forget(leafIndex: number): void {
    this.#seen.delete(leafIndex);
  }
}
