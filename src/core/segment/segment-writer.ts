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
  readonly #directory: Uint8Array[] = [];
  readonly #bodies: { readonly entries: number; readonly bytes: Uint8Array }[] = [];
  readonly #body = new ByteWriter(MAX_BLOCK_BYTES);
  readonly #entry = new ByteWriter(MAX_BLOCK_BYTES);
  #entries = 0;
  #terms = 0;
  #previous = new Uint8Array();

  constructor(private readonly id: SegmentId) {}

  /** Adds a term, which comes after all before it, with its posting. */
  term(term: Uint8Array, posting: Uint8Array): void {
    this.#encode(term, posting, this.#entries === 0 ? 0 : sharedPrefix(this.#previous, term));
    if (this.#entries > 0 && this.#body.length + this.#entry.length > MAX_DICTIONARY_BODY_BYTES) {
      this.#closeBody();
      this.#encode(term, posting, 0);
    }
    if (this.#entries === 0) this.#directory.push(term.slice());
    this.#body.bytes(this.#entry.view);
    this.#entries += 1;
    this.#terms += 1;
    this.#previous = term.slice();
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

  #encode(term: Uint8Array, posting: Uint8Array, shared: number): void {
    this.#entry.clear();
    this.#entry.varint(shared);
    this.#entry.varint(term.length - shared);
    this.#entry.bytes(term.subarray(shared));
    this.#entry.bytes(posting);
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

function sharedPrefix(a: Uint8Array, b: Uint8Array): number {
  let shared = 0;
  while (shared < a.length && shared < b.length && a[shared] === b[shared]) shared += 1;
  return shared;
}
