import type { SegmentBlocks } from "../../audit/block-store.js";
import { equalBytes, HASH_BYTES } from "../../core/bytes.js";
import { logFormat } from "../../core/format.js";
import { compareBytes, type Segment } from "../../core/segment/format.js";
import { treeRoot } from "../../core/tree.js";
import { nodeSha256 } from "../../keys/node-crypto.js";

const HASHING = logFormat("rfc6962", nodeSha256);
const COUNT_BYTES = 4;

/**
 * What a store keeps of a segment beside its blocks, as one block more: the root, the hash of each block, and the first
 * term of each dictionary block. Derived from the blocks, so it is not signed; its digest in the list of segments says that it is undamaged.
 * Root, 32 bytes; the number of blocks, u32 big-endian; their hashes; for each first term u32 where it ends; the terms.
 */
export class Outline {
  readonly #hashes: Uint8Array;
  readonly #ends: DataView;
  readonly #terms: Uint8Array;

  private constructor(readonly bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const blocks = view.getUint32(HASH_BYTES);
    const hashes = HASH_BYTES + COUNT_BYTES;
    const terms = hashes + blocks * HASH_BYTES;
    this.#hashes = bytes.subarray(hashes, terms);
    const count = view.getUint32(terms);
    const ends = terms + COUNT_BYTES;
    this.#ends = new DataView(bytes.buffer, bytes.byteOffset + ends, count * COUNT_BYTES);
    this.#terms = bytes.subarray(ends + count * COUNT_BYTES);
  }

  /** Undefined unless the bytes have this digest. */
  static read(bytes: Uint8Array, digest: Uint8Array): Outline | undefined {
    return equalBytes(nodeSha256(bytes), digest) ? new Outline(bytes) : undefined;
  }

  get root(): Uint8Array {
    return this.bytes.subarray(0, HASH_BYTES);
  }

  /** Whether these bytes are the block of this number. */
  hasBlock(number: number, block: Uint8Array): boolean {
    const start = number * HASH_BYTES;
    return equalBytes(HASHING.leafHash(block), this.#hashes.subarray(start, start + HASH_BYTES));
  }

  /** The dictionary block that holds a term if any does, from 1. */
  locate(term: Uint8Array): number {
    let [low, high] = [0, this.#ends.byteLength / COUNT_BYTES];
    while (low < high) {
      const middle = (low + high) >> 1;
      const start = middle === 0 ? 0 : this.#ends.getUint32((middle - 1) * COUNT_BYTES);
      const end = this.#ends.getUint32(middle * COUNT_BYTES);
      if (compareBytes(this.#terms.subarray(start, end), term) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(1, low);
  }
}

/** A segment as a store takes it. */
export function storable(segment: Segment, lastLeafHash: Uint8Array): SegmentBlocks {
  const { level, number, blocks } = segment;
  const outline = outlineOf(segment);
  const contents = [...blocks, outline];
  return { level, number, blocks: contents.length, digest: nodeSha256(outline), lastLeafHash, contents };
}

function outlineOf({ blocks, directory }: Segment): Uint8Array {
  const hashes = blocks.map((block) => HASHING.leafHash(block));
  const ends = Buffer.alloc(directory.length * COUNT_BYTES);
  let end = 0;
  directory.forEach((term, place) => {
    end += term.length;
    ends.writeUInt32BE(end, place * COUNT_BYTES);
  });
  const root = treeRoot(HASHING, hashes);
  return Buffer.concat([root, count(blocks.length), ...hashes, count(directory.length), ends, ...directory]);
}

function count(value: number): Buffer {
  const bytes = Buffer.alloc(COUNT_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}
