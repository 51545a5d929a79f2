import { MAX_TERM_BYTES } from "../words/words.js";
import { ByteWriter } from "./byte-writer.js";
import { MAX_BLOCK_BYTES, MAX_DICTIONARY_BODY_BYTES } from "./format.js";

/** Takes a closed dictionary block and its first term: views that are valid until it returns. */
export type TakeDictionaryBlock = (block: Uint8Array, firstTerm: Uint8Array) => void;

/** Writes terms in ascending order as dictionary blocks (format 1); passes each block on when it is closed. */
export class DictionaryWriter {
  /** The posting of the next term: written by the caller, taken by `term`. */
  readonly posting = new ByteWriter();
  readonly #block = new ByteWriter(2 * MAX_BLOCK_BYTES);
  readonly #body = new ByteWriter(2 * MAX_BLOCK_BYTES);
  readonly #first = new ByteWriter();
  readonly #previous = new Uint8Array(MAX_TERM_BYTES);
  #previousLength = 0;
  #entries = 0;
  #terms = 0;
  #blocks = 0;

  constructor(private readonly take: TakeDictionaryBlock) {}

  /** The number of terms added. */
  get terms(): number {
    return this.#terms;
  }

  /** The number of blocks closed. */
  get blocks(): number {
    return this.#blocks;
  }

  /** Adds the first `length` bytes as a term, which must sort after all terms before it, with its posting. */
  term(term: Uint8Array, length: number): void {
    const start = this.#body.length;
    // One entry is never too long for a block: a term has 290 bytes, a posting in the dictionary not many more than 128.
    const shared = this.#shared(term, length);
    this.#write(term, length, this.#entries === 0 ? 0 : shared);
    if (this.#body.length > MAX_DICTIONARY_BODY_BYTES) {
      this.#body.truncate(start);
      this.#close(term, length);
      this.#write(term, length, 0);
    }
    if (this.#entries === 0) {
      this.#first.clear();
      this.#first.bytes(term, 0, length);
    }
    this.#entries += 1;
    this.#terms += 1;
    for (let i = shared; i < length; i++) this.#previous[i] = term[i] ?? 0;
    this.#previousLength = length;
    this.posting.clear();
  }

  /** Closes the last block. */
  finish(): void {
    if (this.#entries > 0) this.#close(this.#previous, 0);
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
    const to = this.#block;
    to.clear();
    to.varint(this.#entries);
    to.varint(length);
    to.bytes(fence, 0, length);
    to.append(this.#body);
    this.take(to.view, this.#first.view);
    this.#blocks += 1;
    this.#body.clear();
    this.#entries = 0;
  }
}
