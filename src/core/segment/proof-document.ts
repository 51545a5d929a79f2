import { HASH_BYTES } from "../bytes.js";
import { isTreeSize, type LeafRange } from "../tree.js";
import { ByteWriter } from "./byte-writer.js";
import { Cursor } from "./cursor.js";
import { MalformedSegment, MAX_BLOCK_BYTES, MAX_LEVEL, type SegmentId } from "./format.js";
import { MAX_RECORD_BYTES } from "./index-log.js";

const VERSION = 1;

/** The maximum bytes of a whole document, checked before any of it is read. */
export const MAX_PROOF_BYTES = 16 * 2 ** 20;

/**
 * Leaves of a tree with their bytes, in ascending order, and the hashes that lead from them to its root
 * (`multiproofRanges`).
 */
export interface ProvenLeaves {
  readonly leaves: readonly { readonly index: number; readonly bytes: Uint8Array }[];
  readonly hashes: readonly Uint8Array[];
}

/** Blocks of one segment: the leaves of its tree. */
export interface ProvenSegment extends SegmentId {
  readonly blocks: ProvenLeaves;
}

/** What proves that an answer is complete (format 1, Proof). */
export interface ProofDocument {
  /** The leaves in the time window. */
  readonly window: LeafRange;
  /** The part of them over which the answer is proven. */
  readonly proven: LeafRange;
  /** In the order of their leaves. */
  readonly segments: readonly ProvenSegment[];
  /** Records of the index log that name the segments. */
  readonly records: ProvenLeaves;
  /** Canonical texts of the log. */
  readonly entries: ProvenLeaves;
}

export function proofBytes(document: ProofDocument): Uint8Array {
  const writer = new ByteWriter(1 << 16);
  writer.byte(VERSION);
  for (const { start, end } of [document.window, document.proven]) {
    writer.varint(start);
    writer.varint(end);
  }
  writer.varint(document.segments.length);
  for (const { level, number, blocks } of document.segments) {
    writer.varint(level);
    writer.varint(number);
    writeLeaves(writer, blocks);
  }
  writeLeaves(writer, document.records);
  writeLeaves(writer, document.entries);
  return writer.copy();
}

/** Writes leaves as `readLeaves` reads them. */
export function writeLeaves(writer: ByteWriter, { leaves, hashes }: ProvenLeaves): void {
  writer.varint(leaves.length);
  let next = 0;
  for (const { index, bytes } of leaves) {
    writer.varint(index - next);
    writer.varint(bytes.length);
    writer.bytes(bytes);
    next = index + 1;
  }
  writer.varint(hashes.length);
  for (const hash of hashes) writer.bytes(hash);
}

/** Reads an untrusted document, sizes first; returns undefined for anything that `proofBytes` does not write. */
export function readProof(bytes: Uint8Array): ProofDocument | undefined {
  if (bytes.length > MAX_PROOF_BYTES) return undefined;
  try {
    return read(new Cursor(bytes), bytes.length);
  } catch (error) {
    if (error instanceof MalformedSegment) return undefined;
    throw error;
  }
}

function read(cursor: Cursor, length: number): ProofDocument | undefined {
  if (cursor.byte() !== VERSION) return undefined;
  const [window, proven] = [readRange(cursor), readRange(cursor)];
  const segments: ProvenSegment[] = [];
  for (let left = cursor.varint(); left > 0; left--) {
    const [level, number] = [cursor.varint(MAX_LEVEL), cursor.varint()];
    segments.push({ level, number, blocks: readLeaves(cursor, MAX_BLOCK_BYTES) });
  }
  const records = readLeaves(cursor, MAX_RECORD_BYTES);
  const entries = readLeaves(cursor, MAX_PROOF_BYTES);
  return cursor.place === length ? { window, proven, segments, records, entries } : undefined;
}

function readRange(cursor: Cursor): LeafRange {
  const start = cursor.varint();
  return { start, end: cursor.varint() };
}

/** Reads leaves of at most `most` bytes each. Throws MalformedSegment. */
export function readLeaves(cursor: Cursor, most: number): ProvenLeaves {
  const leaves: { readonly index: number; readonly bytes: Uint8Array }[] = [];
  let next = 0;
  for (let left = cursor.varint(); left > 0; left--) {
    const index = next + cursor.varint();
    if (!isTreeSize(index)) throw new MalformedSegment("a leaf that no tree has");
    leaves.push({ index, bytes: cursor.bytes(cursor.varint(most)) });
    next = index + 1;
  }
  const hashes: Uint8Array[] = [];
  for (let left = cursor.varint(); left > 0; left--) hashes.push(cursor.bytes(HASH_BYTES));
  return { leaves, hashes };
}
