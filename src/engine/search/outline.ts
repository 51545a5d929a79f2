import type { SegmentBlocks } from "../../audit/block-store.js";
import { equalBytes, HASH_BYTES } from "../../core/bytes.js";
import { logFormat } from "../../core/format.js";
import { compareBytes, LEVEL_BITS, segmentRoot, type Segment, type SegmentId } from "../../core/segment/format.js";
import { HashTree } from "../../core/segment/hash-tree.js";
import type { SegmentRecord } from "../../core/segment/index-log.js";
import { TreeEdge } from "../../core/tree.js";
import { nodeSha256 } from "../../keys/node-crypto.js";

const HASHING = logFormat("rfc6962", nodeSha256);
const COUNT_BYTES = 4;
/** Of a segment below: the number of its blocks, and its root. */
const BELOW_BYTES = COUNT_BYTES + HASH_BYTES;

/**
 * What a store keeps of a segment beside its blocks, as one block more: the root, the hash of each block, the first
 * term of each dictionary block, and what the index log says of the segments of lower levels over the same leaves, which
 * are not stored for long, or never. Derived, so it is not signed; its digest in the list of segments says that it is undamaged.
 * Root, 32 bytes; the number of blocks, u32 big-endian; their hashes; the number of first terms, u32; for each u32 where
 * it ends; the terms; for each segment below, level 0 first, the number of its blocks, u32, and its root.
 */
export class Outline {
  readonly #hashes: Uint8Array;
  readonly #ends: DataView;
  readonly #terms: Uint8Array;
  readonly #below: Uint8Array;

  private constructor(readonly bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const blocks = view.getUint32(HASH_BYTES);
    const hashes = HASH_BYTES + COUNT_BYTES;
    const terms = hashes + blocks * HASH_BYTES;
    this.#hashes = bytes.subarray(hashes, terms);
    const count = view.getUint32(terms);
    const ends = terms + COUNT_BYTES;
    this.#ends = new DataView(bytes.buffer, bytes.byteOffset + ends, count * COUNT_BYTES);
    const first = ends + count * COUNT_BYTES;
    const end = first + (count === 0 ? 0 : this.#ends.getUint32((count - 1) * COUNT_BYTES));
    this.#terms = bytes.subarray(first, end);
    this.#below = bytes.subarray(end);
  }

  /** Undefined unless the bytes have this digest. */
  static read(bytes: Uint8Array, digest: Uint8Array): Outline | undefined {
    return equalBytes(nodeSha256(bytes), digest) ? new Outline(bytes) : undefined;
  }

  get root(): Uint8Array {
    return this.bytes.subarray(0, HASH_BYTES);
  }

  get blocks(): number {
    return this.#hashes.length / HASH_BYTES;
  }

  /** The tree over the blocks: hashes twice as long as those here. */
  tree(): HashTree {
    return new HashTree(HASHING, hashesIn(this.#hashes));
  }

  /** Whether it is that of a segment of a level in full: those of an earlier version say nothing of the levels below. */
  isOfLevel(level: number): boolean {
    return this.#below.length === placeBelow(level, level) * BELOW_BYTES;
  }

  /** What the index log says of the segment itself, or of one of a lower level over its leaves. */
  record(of: SegmentId, { level, number }: SegmentId): SegmentRecord {
    if (level === of.level) return { level, number, blocks: this.blocks, root: this.root };
    const place = placeBelow(of.level, level) + number - of.number * segmentsIn(of.level, level);
    const start = place * BELOW_BYTES;
    const view = new DataView(this.#below.buffer, this.#below.byteOffset + start, BELOW_BYTES);
    const root = this.#below.subarray(start + COUNT_BYTES, start + BELOW_BYTES);
    return { level, number, blocks: view.getUint32(0), root };
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

/** How many segments of a level lie over the leaves of one of a higher level. */
function segmentsIn(level: number, below: number): number {
  return 2 ** (LEVEL_BITS * (level - below));
}

/** Where those of a level begin in the list of all that are below one of `level`. */
function placeBelow(level: number, below: number): number {
  let place = 0;
  for (let lower = 0; lower < below; lower++) place += segmentsIn(level, lower);
  return place;
}

/** What an outline lists of the segments below a merged one, of the outlines of its children of this level. */
export function recordsBelow(children: readonly { readonly id: SegmentId; readonly outline: Outline }[]): Records {
  const records: SegmentRecord[] = [];
  for (let level = 0; level <= (children[0]?.id.level ?? -1); level++)
    for (const { id, outline } of children)
      for (let place = 0; place < segmentsIn(id.level, level); place++)
        records.push(outline.record(id, { level, number: id.number * segmentsIn(id.level, level) + place }));
  return records;
}

/** Of the segments below, level 0 first. */
export type Records = readonly Pick<SegmentRecord, "blocks" | "root">[];

/** What the index log says of a segment. */
export function recordOf(segment: Segment): SegmentRecord {
  const { level, number, blocks } = segment;
  return { level, number, blocks: blocks.length, root: segmentRoot(segment, nodeSha256) };
}

/** The tree over a segment's blocks. */
export function treeOver({ blocks }: Segment): HashTree {
  return new HashTree(
    HASHING,
    blocks.map((block) => HASHING.leafHash(block)),
  );
}

/** A segment as a store takes it. */
export function storable(segment: Segment, lastLeafHash: Uint8Array, below: Records): SegmentBlocks {
  const { level, number, blocks, directory } = segment;
  const hashes = Buffer.concat(blocks.map((block) => HASHING.leafHash(block)));
  const outline = outlineBytes(hashes, directory, below);
  const contents = [...blocks, outline];
  return { level, number, blocks: contents.length, digest: nodeSha256(outline), lastLeafHash, contents };
}

/** `hashes`: of all blocks, one after the other. `directory`: the first term of each dictionary block. */
export function outlineBytes(hashes: Uint8Array, directory: readonly Uint8Array[], below: Records): Uint8Array {
  const ends = Buffer.alloc(directory.length * COUNT_BYTES);
  let end = 0;
  directory.forEach((term, place) => {
    end += term.length;
    ends.writeUInt32BE(end, place * COUNT_BYTES);
  });
  const terms = [count(directory.length), ends, ...directory];
  const records = below.flatMap((record) => [count(record.blocks), record.root]);
  return Buffer.concat([rootOf(hashes), count(hashes.length / HASH_BYTES), hashes, ...terms, ...records]);
}

/** Of a tree whose leaves may be a million: some at once. */
function rootOf(hashes: Uint8Array): Uint8Array {
  let edge = TreeEdge.empty(HASHING);
  for (let at = 0; at < hashes.length; at += AT_ONCE * HASH_BYTES)
    edge = edge.append(hashesIn(hashes.subarray(at, at + AT_ONCE * HASH_BYTES))).edge;
  return edge.root();
}

const AT_ONCE = 4_096;

function hashesIn(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, number) =>
    bytes.subarray(number * HASH_BYTES, (number + 1) * HASH_BYTES),
  );
}

function count(value: number): Buffer {
  const bytes = Buffer.alloc(COUNT_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The hash of a block in its segment's outline. */
export function blockHash(block: Uint8Array): Uint8Array {
  return HASHING.leafHash(block);
}
