import type { BlockId, BlockStore, SegmentBlocks, StagedBlock, StoredSegment } from "../../audit/block-store.js";
import type { SegmentId } from "../../core/segment/format.js";

const nameOf = ({ level, number }: SegmentId): string => `${level}/${number}`;

/** Keeps segments of search indexes in memory. */
export class MemoryBlockStore implements BlockStore {
  readonly #logs = new Map<string, Map<string, SegmentBlocks>>();
  /** By log and name. */
  readonly #staged = new Map<string, Map<number, Uint8Array>>();

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

  stage(log: string, id: SegmentId, blocks: readonly StagedBlock[]): Promise<void> {
    const name = `${log}/${nameOf(id)}`;
    const staged = this.#staged.get(name) ?? new Map<number, Uint8Array>();
    this.#staged.set(name, staged);
    for (const { block, data } of blocks) staged.set(block, data);
    return Promise.resolve();
  }

  async publish(log: string, segment: StoredSegment): Promise<void> {
    const name = `${log}/${nameOf(segment)}`;
    const staged = this.#staged.get(name);
    const contents = Array.from({ length: segment.blocks }, (_, block) => staged?.get(block));
    const found = contents.filter((block) => block !== undefined);
    if (found.length < contents.length) return;
    this.#staged.delete(name);
    await this.put(log, { ...segment, contents: found });
  }

  remove(log: string, ids: readonly SegmentId[]): Promise<void> {
    for (const id of ids) {
      this.#of(log).delete(nameOf(id));
      this.#staged.delete(`${log}/${nameOf(id)}`);
    }
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
