import type { Entry, EntryOutcome } from "../../audit/service.js";
import type { StoredEntry } from "../../audit/store.js";
import { digestOf, equalBytes } from "../../core/bytes.js";
import type { TreeEdge } from "../../core/tree.js";
import type { Envelope } from "../../core/event.js";
import { BoundLeaves, textHash } from "./bound-leaves.js";
import type { StampedEntry } from "./leaf.js";
import { TileReader, type TileSource } from "./tile-reader.js";

/**
 * The entry that a checked event became. Its envelope is parsed from the canonical text on first use: entries show what
 * was hashed, which a format may spell differently from the caller.
 */
export function entryOf(
  { log, format }: Pick<TileSource, "log" | "format">,
  leafIndex: number,
  { canonical, leafHash, envelope }: StampedEntry,
): Entry {
  let read: Envelope | undefined;
  return {
    log,
    leafIndex,
    hash: digestOf(leafHash),
    canonical,
    get envelope() {
      return (read ??= format.read(canonical) ?? envelope);
    },
  };
}

/**
 * Reads entries of a signed tree. Each text is hashed and compared with the tree's leaf at its index, so nothing that
 * was changed in the store, hashes included, is shown as genuine.
 */
export class EntryReader {
  readonly #leaves: BoundLeaves;

  constructor(
    private readonly source: TileSource,
    tiles = new TileReader(source),
  ) {
    this.#leaves = new BoundLeaves(source, tiles);
  }

  /**
   * Entries in the order asked, in one read; `missing` from the edge's size on, where the signed root covers nothing.
   * Rejects with the signal's reason once it aborts.
   */
  async read(leafIndexes: readonly number[], edge: TreeEdge, signal?: AbortSignal): Promise<readonly EntryOutcome[]> {
    const { size } = edge;
    const covered = leafIndexes.filter((leafIndex) => leafIndex < size);
    if (covered.length === 0) return leafIndexes.map(() => ({ kind: "missing" }));
    const [stored, leaves] = await Promise.all([
      this.source.store.entries(this.source.log, covered, signal),
      this.#leaves.at(edge, covered),
    ]);
    const outcomes = covered.map((leafIndex, place) => this.#outcome(leafIndex, stored[place], leaves[place]));
    let next = 0;
    return leafIndexes.map((leafIndex) => (leafIndex < size ? outcomes[next++] : undefined) ?? { kind: "missing" });
  }

  /** An entry of the signed tree that cannot be read is as corrupt as one that was changed. */
  #outcome(leafIndex: number, stored: StoredEntry | undefined, leaf: Uint8Array | undefined): EntryOutcome {
    const hash = stored?.leafIndex === leafIndex ? textHash(this.source.format, stored) : undefined;
    if (stored === undefined || leaf === undefined || hash === undefined || !equalBytes(hash, leaf)) {
      return { kind: "corrupt", leafIndex };
    }
    const { canonical } = stored;
    const envelope = this.source.format.read(canonical);
    if (envelope === undefined) return { kind: "corrupt", leafIndex };
    return { kind: "entry", entry: { log: this.source.log, leafIndex, hash: digestOf(leaf), canonical, envelope } };
  }
}
