import type { BlockId, BlockStore, SegmentBlocks, StoredSegment } from "../../audit/block-store.js";
import type { SegmentId } from "../../core/segment/format.js";

const nameOf = ({ level, number }: SegmentId): string => `${level}/${number}`;

/** Keeps segments of search indexes in memory. */
export class MemoryBlockStore implements BlockStore {
  readonly #logs = new Map<string, Map<string, SegmentBlocks>>();

  segments(log: string): Promise<readonly StoredSegment[]> {
    const rows = [...this.#of(log).values()].map(rowOf);
    return Promise.resolve(rows.sort((a, b) => a.level - b.level || a.number - b.number));
  }

  blocks(log: string, ids: readonly BlockId[]): Promise<readonly (Uint8Array | undefined)[]> {
    return Promise.resolve(ids.map((id) => this.#of(log).get(nameOf(id))?.contents[id.block]));
  }

  put(log: string, segment: SegmentBlocks): Promise<void> {
    const segments = this.#of(log);
    if (!segments.has(nameOf(segment))) segments.set(nameOf(segment), segment);
    return Promise.resolve();
  }

  remove(log: string, ids: readonly SegmentId[]): Promise<void> {
    for (const id of ids) this.#of(log).delete(nameOf(id));
    return Promise.resolve();
  }

  claim(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #of(log: string): Map<string, SegmentBlocks> {
    const known = this.#logs.get(log) ?? new Map<string, SegmentBlocks>();
    this.#logs.set(log, known);
    return known;
  }
}

function rowOf({ level, number, blocks, digest, lastLeafHash }: SegmentBlocks): StoredSegment {
  return { level, number, blocks, digest, lastLeafHash };
}
