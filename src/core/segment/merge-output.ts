import { ByteWriter, varintBytes } from "./byte-writer.js";
import type { Cursor } from "./cursor.js";
import { DictionaryWriter } from "./dictionary-writer.js";
import { MAX_BLOCK_BYTES, STREAMS, type SegmentHeader, type SegmentId } from "./format.js";

/** A stream of a merged segment, written from its start to its end. */
export interface MergedStream {
  readonly length: number;
  varint(value: number): void;
  /** Writes an integer as this many little-endian bytes. */
  fixed(value: number, bytes: number): void;
  bytes(from: Uint8Array): void;
  /** Writes this many bytes from a cursor's position; the cursor is made only if they are needed. */
  copy(from: () => Cursor, length: number): void;
}

/** Where a merge writes: the merged segment, or only its length. */
export class MergeOutput {
  readonly dictionary: DictionaryWriter;

  constructor(
    readonly streams: readonly MergedStream[],
    takeBlock: (block: Uint8Array, firstTerm: Uint8Array) => void,
  ) {
    this.dictionary = new DictionaryWriter(takeBlock);
  }

  header({ level, number }: SegmentId): SegmentHeader {
    const { terms, blocks: dictionaryBlocks } = this.dictionary;
    return { level, number, terms, dictionaryBlocks, streams: this.streams.map(({ length }) => length) };
  }
}

/** Keeps no bytes: the block numbers of a segment follow from the lengths of what comes before them. */
export function measuringOutput(): MergeOutput {
  const nothing = (): void => undefined;
  return new MergeOutput(
    Array.from({ length: STREAMS }, () => new MeasuredStream()),
    nothing,
  );
}

/**
 * Passes each page on when it is full: `takePage` gets the stream, the page's number in it, and its own copy of the
 * bytes.
 */
export function pagingOutput(
  takeBlock: (block: Uint8Array, firstTerm: Uint8Array) => void,
  takePage: (stream: number, page: number, bytes: Uint8Array) => void,
): PagingOutput {
  const streams = Array.from({ length: STREAMS }, (_, stream) => {
    return new PagedStream((page, bytes) => {
      takePage(stream, page, bytes);
    });
  });
  const output = new MergeOutput(streams, takeBlock);
  const finish = (): void => {
    for (const stream of streams) stream.finish();
  };
  return { output, finish };
}

export interface PagingOutput {
  readonly output: MergeOutput;
  /** Passes on the last page of each stream. */
  readonly finish: () => void;
}

class MeasuredStream implements MergedStream {
  length = 0;

  varint(value: number): void {
    this.length += varintBytes(value);
  }

  fixed(_value: number, bytes: number): void {
    this.length += bytes;
  }

  bytes(from: Uint8Array): void {
    this.length += from.length;
  }

  copy(_from: () => Cursor, length: number): void {
    this.length += length;
  }
}

/** Holds one page, and what was written last. */
class PagedStream implements MergedStream {
  readonly #held = new ByteWriter(2 * MAX_BLOCK_BYTES);
  #pages = 0;

  constructor(private readonly take: (page: number, bytes: Uint8Array) => void) {}

  get length(): number {
    return this.#pages * MAX_BLOCK_BYTES + this.#held.length;
  }

  varint(value: number): void {
    this.#held.varint(value);
    this.#turn();
  }

  fixed(value: number, bytes: number): void {
    this.#held.fixed(value, bytes);
    this.#turn();
  }

  bytes(from: Uint8Array): void {
    for (let at = 0; at < from.length; at += MAX_BLOCK_BYTES) {
      this.#held.bytes(from, at, Math.min(from.length, at + MAX_BLOCK_BYTES));
      this.#turn();
    }
  }

  copy(from: () => Cursor, length: number): void {
    if (length === 0) return;
    const cursor = from();
    for (let left = length; left > 0;) {
      const some = cursor.some(left);
      this.bytes(some);
      left -= some.length;
    }
  }

  /** Nothing may be written after this call. */
  finish(): void {
    if (this.#held.length > 0) this.take(this.#pages, this.#held.copy());
  }

  #turn(): void {
    if (this.#held.length < MAX_BLOCK_BYTES) return;
    const { view } = this.#held;
    const rest = view.slice(MAX_BLOCK_BYTES);
    this.take(this.#pages++, view.slice(0, MAX_BLOCK_BYTES));
    this.#held.clear();
    this.#held.bytes(rest);
  }
}
