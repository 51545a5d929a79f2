import { LRUCache } from "lru-cache";
import type { SegmentBlocks } from "../../audit/block-store.js";
import { AuditError } from "../../audit/errors.js";
import type { ReadEntries } from "../../audit/search-index.js";
import { buildSegment } from "../../core/segment/build.js";
import { PIECE_DOCUMENTS, type Segment } from "../../core/segment/format.js";
import { Group } from "../../core/segment/group.js";
import type { HashTree } from "../../core/segment/hash-tree.js";
import { BASE_ENTRIES } from "../../core/segment/index-log.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { READ_ENTRIES, readRowsAt, type LogRow } from "./log-rows.js";
import { groupSegment, type GroupParts } from "./segment-builder.js";
import { Steps } from "./matches.js";

/** What is made for proofs of entries that are stored otherwise, or not yet, of all logs. */
export interface ProofCache {
  /** Groups of which segments of level 0 were built: some 6 MB each. */
  readonly groups: LRUCache<string, BuiltGroup>;
  /** Segments of level 1 that were merged away: for results that are pinned to a log that was smaller. Some 1 MB each. */
  readonly merged: LRUCache<string, SegmentBlocks>;
  /** The trees over the blocks of stored segments, by digest: some 400 KB each. */
  readonly trees: LRUCache<string, HashTree>;
}

export function proofCache(): ProofCache {
  return {
    groups: new LRUCache({ max: 4 }),
    merged: new LRUCache({ max: 32 }),
    trees: new LRUCache({ max: 32 }),
  };
}

/** The small segments of one log that no store keeps: built from its entries when a proof needs them. */
export class BaseSegments {
  constructor(
    private readonly parts: GroupParts,
    private readonly cache: ProofCache,
  ) {}

  /** The first `count` of level 0 in a group. Rejects with ENTRY_CORRUPT, and as readRows does. */
  async of(group: number, count: number): Promise<readonly Segment[]> {
    const { log, entries } = this.parts;
    const { groups } = this.cache;
    const built = groups.get(this.#key(group)) ?? new BuiltGroup(group, (leaves) => soundRows(log, entries, leaves));
    groups.set(this.#key(group), built);
    return (await built.upTo(count)).slice(0, count);
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
    for (const cache of [this.cache.groups, this.cache.merged])
      for (const key of [...cache.keys()]) if (key.startsWith(this.#key(""))) cache.delete(key);
  }

  #key(group: number | ""): string {
    return `${this.parts.log}/${group}`;
  }
}

export class BuiltGroup {
  readonly #group: Group;
  readonly #segments: Segment[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    number: number,
    private readonly rows: (leaves: readonly number[]) => Promise<readonly LogRow[]>,
  ) {
    this.#group = new Group(number, nodeSha256);
  }

  upTo(count: number): Promise<readonly Segment[]> {
    const next = this.#turn.then(async () => {
      const steps = new Steps();
      while (this.#segments.length < count) {
        const { documents, number } = this.#group;
        const next = number * PIECE_DOCUMENTS + documents;
        for (const row of await this.rows(Array.from({ length: READ_ENTRIES }, (_, place) => next + place))) {
          this.#group.add(row.indexed);
          await steps.pause();
        }
        if (this.#group.documents % BASE_ENTRIES !== 0) continue;
        this.#segments.push(buildSegment(this.#group, 0, this.#segments.length));
        await steps.pause();
      }
      return this.#segments;
    });
    this.#turn = next.catch(() => undefined);
    return next;
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
