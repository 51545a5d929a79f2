import { ByteWriter } from "./byte-writer.js";
import { DictionaryWriter } from "./dictionary-writer.js";
import {
  FORMAT_VERSION,
  MAX_BLOCK_BYTES,
  STREAMS,
  type Segment,
  type SegmentHeader,
  type SegmentId,
} from "./format.js";

/** Writes a segment (format 1) in memory: its terms in rising order, and its streams; then cuts both into blocks. */
export class SegmentWriter {
  readonly streams: readonly ByteWriter[] = Array.from({ length: STREAMS }, () => new ByteWriter());
  /** The closed dictionary blocks, and where each ends; the first terms of all, and where each ends. */
  readonly #blocks = new ByteWriter(4 * MAX_BLOCK_BYTES);
  readonly #blockEnds: number[] = [];
  readonly #firstTerms = new ByteWriter();
  readonly #firstEnds: number[] = [];
  readonly #dictionary = new DictionaryWriter((block, firstTerm) => {
    this.#blocks.bytes(block);
    this.#blockEnds.push(this.#blocks.length);
    this.#firstTerms.bytes(firstTerm);
    this.#firstEnds.push(this.#firstTerms.length);
  });
  /** The posting of the next term: written by the caller, taken by `term`. */
  readonly posting = this.#dictionary.posting;

  constructor(private readonly id: SegmentId) {}

  /** As DictionaryWriter.term. */
  term(term: Uint8Array, length: number): void {
    this.#dictionary.term(term, length);
  }

  finish(): Segment {
    this.#dictionary.finish();
    const { level, number } = this.id;
    const { terms, blocks: dictionaryBlocks } = this.#dictionary;
    const streams = this.streams.map((stream) => stream.length);
    return {
      ...{ level, number },
      blocks: [
        headerBlock({ level, number, terms, dictionaryBlocks, streams }),
        ...parts(this.#blocks.copy(), this.#blockEnds),
        ...this.streams.flatMap((stream) => pages(stream.copy())),
      ],
      directory: parts(this.#firstTerms.copy(), this.#firstEnds),
    };
  }
}

/** Block 0. */
export function headerBlock({ level, number, terms, dictionaryBlocks, streams }: SegmentHeader): Uint8Array {
  const block = new ByteWriter();
  for (const value of [FORMAT_VERSION, level, number, terms, dictionaryBlocks, ...streams]) block.varint(value);
  return block.copy();
}

/** Views of one buffer: an array per block costs more than filling it. */
function parts(bytes: Uint8Array, ends: readonly number[]): readonly Uint8Array[] {
  return ends.map((end, place) => bytes.subarray(ends[place - 1] ?? 0, end));
}

function pages(stream: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(stream.length / MAX_BLOCK_BYTES) }, (_, page) =>
    stream.subarray(page * MAX_BLOCK_BYTES, (page + 1) * MAX_BLOCK_BYTES),
  );
}
