import { open, rm, type FileHandle } from "node:fs/promises";
import type { StagedBlock } from "../../audit/block-store.js";
import { MAX_BLOCK_BYTES } from "../../core/segment/format.js";
import { FILE_MODE } from "../../keys/private-file.js";

/**
 * The blocks of one segment in a file of their own, each at a place that its number gives. The last one, which lists the
 * hashes of the others, may be longer than they are.
 */
export class SegmentFile {
  readonly #lengths: number[] = [];

  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
  ) {}

  /** Rejects with the system's error where a file of this name is there. */
  static async create(path: string): Promise<SegmentFile> {
    return new SegmentFile(path, await open(path, "wx+", FILE_MODE));
  }

  async write(blocks: readonly StagedBlock[]): Promise<void> {
    for (let first = 0; first < blocks.length;) {
      const run = runAt(blocks, first);
      const place = (run[0]?.block ?? 0) * MAX_BLOCK_BYTES;
      const bytes = new Uint8Array((run.length - 1) * MAX_BLOCK_BYTES + (run.at(-1)?.data.length ?? 0));
      run.forEach(({ block, data }, at) => {
        bytes.set(data, at * MAX_BLOCK_BYTES);
        this.#lengths[block] = data.length;
      });
      await this.file.write(bytes, 0, bytes.length, place);
      first += run.length;
    }
  }

  /** Blocks from one on, which must have been written. */
  async read(first: number, count: number): Promise<readonly Uint8Array[]> {
    const lengths = Array.from({ length: count }, (_, at) => this.#lengths[first + at] ?? 0);
    const bytes = new Uint8Array((count - 1) * MAX_BLOCK_BYTES + (lengths.at(-1) ?? 0));
    await this.file.read(bytes, 0, bytes.length, first * MAX_BLOCK_BYTES);
    return lengths.map((length, at) => bytes.subarray(at * MAX_BLOCK_BYTES, at * MAX_BLOCK_BYTES + length));
  }

  async remove(): Promise<void> {
    await this.file.close();
    await rm(this.path);
  }
}

/** Blocks from a place of the list on, as long as their numbers follow each other. */
function runAt(blocks: readonly StagedBlock[], first: number): readonly StagedBlock[] {
  const from = blocks[first]?.block ?? 0;
  const end = blocks.findIndex(({ block }, at) => at > first && block !== from + at - first);
  return blocks.slice(first, end < 0 ? blocks.length : end);
}
