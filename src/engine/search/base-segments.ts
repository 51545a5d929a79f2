import { LRUCache } from "lru-cache";
import type { SegmentBlocks } from "../../audit/block-store.js";
import { AuditError } from "../../audit/errors.js";
import type { ReadEntries } from "../../audit/search-index.js";
import type { Segment } from "../../core/segment/format.js";
import type { HashTree } from "../../core/segment/hash-tree.js";
import { BASE_ENTRIES } from "../../core/segment/index-log.js";
import type { IndexedEntry } from "../../core/words/entry-terms.js";
import { READ_ENTRIES, readRowsAt, type LogRow } from "./log-rows.js";
import { groupSegment, type GroupParts } from "./segment-builder.js";
import type { SegmentMaker } from "./segment-maker.js";

/** What is made for proofs of entries that are stored otherwise, or not yet, of all logs. */
export interface ProofCache {
  /** Segments of level 0. Some 60 KB each. */
  readonly bases: LRUCache<string, Promise<Segment>>;
  /** Segments of level 1 that were merged away: for results that are pinned to a log that was smaller. Some 1 MB each. */
  readonly merged: LRUCache<string, SegmentBlocks>;
  /** The trees over the blocks of stored segments, by digest: some 400 KB each. */
  readonly trees: LRUCache<string, HashTree>;
}

export function proofCache(): ProofCache {
  return {
    bases: new LRUCache({ max: 256 }),
    merged: new LRUCache({ max: 32 }),
    trees: new LRUCache({ max: 32 }),
  };
}

/** The small segments of one log that no store keeps: built from its entries when a proof needs them. */
export class BaseSegments {
  constructor(
    private readonly parts: GroupParts & { readonly baseMaker: SegmentMaker },
    private readonly cache: ProofCache,
  ) {}

  /** One of level 0. Rejects with ENTRY_CORRUPT, and as readRows and SegmentMaker.base do. */
  of(base: number): Promise<Segment> {
    const { bases } = this.cache;
    const key = this.#key(base);
    const known = bases.get(key);
    if (known !== undefined) return known;
    const made = this.parts.baseMaker.base(base * BASE_ENTRIES, this.#entries(base));
    bases.set(key, made);
    made.catch(() => bases.delete(key));
    return made;
  }

  async *#entries(base: number): AsyncGenerator<readonly IndexedEntry[]> {
    const { log, entries } = this.parts;
    for (let at = 0; at < BASE_ENTRIES; at += READ_ENTRIES) {
      const leaves = Array.from({ length: READ_ENTRIES }, (_, place) => base * BASE_ENTRIES + at + place);
      yield (await soundRows(log, entries, leaves)).map(({ indexed }) => indexed);
    }
  }

  /** That of level 1 of a group, which was merged away. Resolves and rejects as groupSegment. */
  async whole(group: number): Promise<SegmentBlocks | undefined> {
    const { merged } = this.cache;
    const made = merged.get(this.#key(group)) ?? (await groupSegment(this.parts, group));
    if (made !== undefined) merged.set(this.#key(group), made);
    return made;
  }

  /** Forgets everything: the log is another than it was. */
  clear(): void {
    for (const cache of [this.cache.bases, this.cache.merged])
      for (const key of [...cache.keys()]) if (key.startsWith(this.#key(""))) cache.delete(key);
  }

  #key(number: number | ""): string {
    return `${this.parts.log}/${number}`;
  }
}

/** Rows of a log, at most READ_ENTRIES. Rejects with ENTRY_CORRUPT: of a changed entry nobody can tell what it matches. */
export async function soundRows(
  log: string,
  entries: ReadEntries,
  leaves: readonly number[],
): Promise<readonly LogRow[]> {
  const rows = await readRowsAt({ entries }, leaves);
  const corrupt = rows.find(({ isCorrupt }) => isCorrupt);
  if (corrupt === undefined) return rows;
  const message = `Entry ${corrupt.leafIndex} of the log ${log} no longer matches its leaf hash: no answer that it may belong to can be proven complete`;
  throw new AuditError("ENTRY_CORRUPT", message);
}
