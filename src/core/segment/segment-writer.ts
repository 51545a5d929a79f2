import { MAX_TERM_BYTES } from "../words/terms.js";
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
  readonly #directory: Uint8Array[] = [];
  readonly #bodies: { readonly entries: number; readonly bytes: Uint8Array }[] = [];
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
      this.#closeBody();
      this.#write(term, length, 0);
    }
    if (this.#entries === 0) this.#directory.push(term.slice(0, length));
    this.#entries += 1;
    this.#terms += 1;
    for (let i = shared; i < length; i++) this.#previous[i] = term[i] ?? 0;
    this.#previousLength = length;
    this.posting.clear();
  }

  finish(): Segment {
    if (this.#entries > 0) this.#closeBody();
    const dictionary = this.#bodies.map(({ entries, bytes }, place) => {
      const fence = this.#directory[place + 1] ?? new Uint8Array();
      return block([entries, fence.length], [fence, bytes]);
    });
    const { level, number } = this.id;
    const lengths = this.streams.map((stream) => stream.length);
    const header = block([FORMAT_VERSION, level, number, this.#terms, dictionary.length, ...lengths], []);
    const streams = this.streams.flatMap((stream) => pages(stream.copy()));
    return { level, number, blocks: [header, ...dictionary, ...streams], directory: this.#directory };
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

  #closeBody(): void {
    this.#bodies.push({ entries: this.#entries, bytes: this.#body.copy() });
    this.#body.clear();
    this.#entries = 0;
  }
}

function block(numbers: readonly number[], parts: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter(MAX_BLOCK_BYTES);
  for (const number of numbers) writer.varint(number);
  for (const part of parts) writer.bytes(part);
  return writer.copy();
}

/** Views of one buffer: an array per block costs more than filling it. */
function pages(stream: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(stream.length / MAX_BLOCK_BYTES) }, (_, page) =>
    stream.subarray(page * MAX_BLOCK_BYTES, (page + 1) * MAX_BLOCK_BYTES),
  );
}
