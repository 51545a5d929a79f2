import { MAX_TERM_BYTES } from "../words/words.js";
import { ByteWriter } from "./byte-writer.js";
import {
  FORMAT_VERSION,
  MAX_BLOCK_BYTES,
  MAX_DICTIONARY_BODY_BYTES,
  STREAMS,
  type Segment,
  type SegmentId,
} from "./format.js";

/** Writes a segment (format 1): its terms in rising order, and its streams; then cuts both into blocks. */
export class SegmentWriter {
  readonly streams: readonly ByteWriter[] = Array.from({ length: STREAMS }, () => new ByteWriter());
  /** The posting of the next term: written by the caller, taken by `term`. */
  readonly posting = new ByteWriter();
  /** The closed dictionary blocks, and where each ends; the first terms of all, and where each ends. */
  readonly #dictionary = new ByteWriter(4 * MAX_BLOCK_BYTES);
  readonly #blockEnds: number[] = [];
  readonly #firstTerms = new ByteWriter();
  readonly #firstEnds: number[] = [];
  readonly #body = new ByteWriter(2 * MAX_BLOCK_BYTES);
  readonly #previous = new Uint8Array(MAX_TERM_BYTES);
  #previousLength = 0;
  #entries = 0;
  #terms = 0;

  constructor(private readonly id: SegmentId) {}

  /** Adds the first `length` bytes as a term, which comes after all before it, with its posting. */
  term(term: Uint8Array, length: number): void {
    const start = this.#body.length;
    const shared = this.#shared(term, length);
    this.#write(term, length, this.#entries === 0 ? 0 : shared);
    if (this.#entries > 0 && this.#body.length > MAX_DICTIONARY_BODY_BYTES) {
      this.#body.truncate(start);
      this.#close(term, length);
      this.#write(term, length, 0);
    }
    if (this.#entries === 0) {
      this.#firstTerms.bytes(term, 0, length);
      this.#firstEnds.push(this.#firstTerms.length);
    }
    this.#entries += 1;
    this.#terms += 1;
    for (let i = shared; i < length; i++) this.#previous[i] = term[i] ?? 0;
    this.#previousLength = length;
    this.posting.clear();
  }

  finish(): Segment {
    if (this.#entries > 0) this.#close(this.#previous, 0);
    const { level, number } = this.id;
    const lengths = this.streams.map((stream) => stream.length);
    const header = new ByteWriter();
    for (const value of [FORMAT_VERSION, level, number, this.#terms, this.#blockEnds.length, ...lengths])
      header.varint(value);
    return {
      ...{ level, number },
      blocks: [
        header.copy(),
        ...parts(this.#dictionary.copy(), this.#blockEnds),
        ...this.streams.flatMap((stream) => pages(stream.copy())),
      ],
      directory: parts(this.#firstTerms.copy(), this.#firstEnds),
    };
  }

  #shared(term: Uint8Array, length: number): number {
    const most = Math.min(length, this.#previousLength);
    let shared = 0;
    while (shared < most && this.#previous[shared] === term[shared]) shared += 1;
    return shared;
  }

  #write(term: Uint8Array, length: number, shared: number): void {
    this.#body.varint(shared);
    this.#body.varint(length - shared);
    this.#body.bytes(term, shared, length);
    this.#body.append(this.posting);
  }

  /** Closes the block; its fence is the first term of the next, or empty. */
  #close(fence: Uint8Array, length: number): void {
    const to = this.#dictionary;
    to.varint(this.#entries);
    to.varint(length);
    to.bytes(fence, 0, length);
    to.append(this.#body);
    this.#blockEnds.push(to.length);
    this.#body.clear();
    this.#entries = 0;
  }
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
