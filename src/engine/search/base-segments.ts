import { LRUCache } from "lru-cache";
import type { SegmentBlocks } from "../../audit/block-store.js";
import { AuditError } from "../../audit/errors.js";
import type { ReadEntries } from "../../audit/search-index.js";
import type { Segment, SegmentId } from "../../core/segment/format.js";
import type { HashTree } from "../../core/segment/hash-tree.js";
import { BASE_ENTRIES } from "../../core/segment/index-log.js";
import type { IndexedEntry } from "../../core/words/entry-terms.js";
import { READ_ENTRIES, readRowsAt, type LogRow } from "./log-rows.js";
import { segmentFromLog, type GroupParts } from "./segments-from-log.js";
import type { SegmentMaker } from "./segment-maker.js";

/** What is made for proofs of entries that are stored otherwise, or not yet, of all logs. */
export interface ProofCache {
  /** Segments of level 0. Some 60 KB each. */
  readonly bases: LRUCache<string, Segment>;
  /** Segments that were merged away: for results that are pinned to a log that was smaller. Some 1 MB each, or 13 MB. */
  readonly merged: LRUCache<string, SegmentBlocks>;
  /** The trees over the blocks of stored segments, by digest: some 400 KB each. */
  readonly trees: LRUCache<string, HashTree>;
}

/** Of each kind: where entries are long, a segment has a hundred times as many bytes as usual. */
const KEPT_BYTES = 2 ** 25;
/** Of a tree for each of its leaves: there are as many hashes above them. */
const TREE_BYTES = 64;

export function proofCache(): ProofCache {
  const bytes = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 1);
  return {
    bases: new LRUCache({ maxSize: KEPT_BYTES, sizeCalculation: ({ blocks }) => bytes(blocks) }),
    merged: new LRUCache({ maxSize: KEPT_BYTES, sizeCalculation: ({ contents }) => bytes(contents) }),
    trees: new LRUCache({ maxSize: KEPT_BYTES, sizeCalculation: ({ size }) => 1 + TREE_BYTES * size }),
  };
}

/** The small segments of one log that no store keeps: built from its entries when a proof needs them. */
export class BaseSegments {
  /** Those that are being made: the next caller waits for the same one. */
  readonly #making = new Map<string, Promise<Segment>>();

  constructor(
    private readonly parts: GroupParts & { readonly baseMaker: SegmentMaker },
    private readonly cache: ProofCache,
  ) {}

  /** One of level 0. Rejects with ENTRY_CORRUPT, and as readRows and SegmentMaker.base do. */
  async of(base: number): Promise<Segment> {
    const key = this.#key(String(base));
    const known = this.cache.bases.get(key) ?? this.#making.get(key);
    if (known !== undefined) return known;
    const making = this.parts.baseMaker.base(base * BASE_ENTRIES, this.#entries(base));
    this.#making.set(key, making);
    try {
      const made = await making;
      if (this.#making.get(key) === making) this.cache.bases.set(key, made);
      return made;
    } finally {
      if (this.#making.get(key) === making) this.#making.delete(key);
    }
  }

  async *#entries(base: number): AsyncGenerator<readonly IndexedEntry[]> {
    const { log, entries } = this.parts;
    for (let at = 0; at < BASE_ENTRIES; at += READ_ENTRIES) {
      const leaves = Array.from({ length: READ_ENTRIES }, (_, place) => base * BASE_ENTRIES + at + place);
      yield (await soundRows(log, entries, leaves)).map(({ indexed }) => indexed);
    }
  }

  /** One that was merged away. Resolves and rejects as segmentFromLog. */
  async whole(id: SegmentId): Promise<SegmentBlocks | undefined> {
    const { merged } = this.cache;
    const key = this.#key(`${id.level}/${id.number}`);
    const made = merged.get(key) ?? (await segmentFromLog(this.parts, id));
    if (made !== undefined) merged.set(key, made);
    return made;
  }

  /** Forgets everything: the log is another than it was. */
  clear(): void {
    this.#making.clear();
    for (const cache of [this.cache.bases, this.cache.merged])
      for (const key of [...cache.keys()]) if (key.startsWith(this.#key(""))) cache.delete(key);
  }

  #key(name: string): string {
    return `${this.parts.log}/${name}`;
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
