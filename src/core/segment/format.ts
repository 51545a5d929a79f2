import type { FieldName } from "../event.js";
import { logFormat } from "../format.js";
import type { Sha256 } from "../bytes.js";
import { treeRoot } from "../tree.js";

/**
 * Segment format 1. A segment is the index of 256 * 16^level entries, a pure function of their canonical bytes and leaf
 * hashes, as a list of blocks: header, dictionary, then the streams: postings, positions, columns. Integers are
 * unsigned LEB128 varints unless said otherwise.
 */
export const FORMAT_VERSION = 1;

export const LEAF_BITS = 8;
export const LEVEL_BITS = 4;
export const MAX_LEVEL = 4;

/** The maximum bytes of a block. A stream is cut into blocks of this size, and every stream begins a new block. */
export const MAX_BLOCK_BYTES = 1_952;
/**
 * Block numbers are below this: 2^22, the limit of a stored row's number. A segment of level 4 has about 1.4 million.
 */
export const MAX_SEGMENT_BLOCKS = 2 ** 22;
/**
 * The maximum bytes of the entries in a dictionary block; the rest holds their count and the fence, which may be any
 * term.
 */
export const MAX_DICTIONARY_BODY_BYTES = 1_624;
/** The maximum bytes of a posting inside the dictionary. */
export const MAX_INLINE_BYTES = 128;

/** Documents whose postings are written together; the bytes of a piece never change in a merge. */
export const PIECE_DOCUMENTS = 4_096;
/** The bytes of a piece's documents as a bitmap, least significant bit first. */
export const BITMAP_BYTES = PIECE_DOCUMENTS / 8;

export const PostingKind = { inline: 0, long: 1, all: 2 } as const;
/** Where the positions of a posting are: nowhere, one for all documents, or in a stream. */
export const PositionKind = { none: 0, constant: 1, stream: 2 } as const;
/** A posting's first byte has 4 bits for its document frequency; this says that it follows. */
export const DF_FOLLOWS = 15;

/** The fields that have a column of sort keys; the column of the event's time follows them. */
export const KEY_COLUMNS = ["actor", "action", "source", "status", "target", "timestamp", "message"] as const;
export type KeyColumn = (typeof KEY_COLUMNS)[number];
export const COLUMNS = KEY_COLUMNS.length + 1;
/** The maximum characters of a sort key: the beginning of the value, without U+0000. */
export const MAX_KEY_CHARACTERS = 128;
/** The bytes of one piece's end in the table at the start of a column. */
export const PIECE_END_BYTES = 4;
/** The bytes of a piece's smallest time. */
export const TIME_BYTES = 7;
/** The bits of the microseconds beyond a millisecond. */
export const MICROS_BITS = 10;
/** The streams in their order: postings, positions, columns. */
export const Stream = { postings: 0, positions: 1, columns: 2 } as const;
export const STREAMS = 2 + COLUMNS;

export interface SegmentId {
  readonly level: number;
  /** The segment covers the leaves from number * size to (number + 1) * size. */
  readonly number: number;
}

export interface SegmentHeader extends SegmentId {
  readonly terms: number;
  readonly dictionaryBlocks: number;
  /** Bytes of each stream. */
  readonly streams: readonly number[];
}

/** The blocks of a segment: header, dictionary and streams. */
export function segmentBlocks({ dictionaryBlocks, streams }: SegmentHeader): number {
  return streams.reduce((sum, bytes) => sum + Math.ceil(bytes / MAX_BLOCK_BYTES), 1 + dictionaryBlocks);
}

/** A segment as it is stored and hashed. */
export interface Segment extends SegmentId {
  readonly blocks: readonly Uint8Array[];
  /** The first term of each dictionary block; derived, so it is not hashed. */
  readonly directory: readonly Uint8Array[];
}

/** Thrown for bytes that no writer of format 1 produces. */
export class MalformedSegment extends Error {
  constructor(readonly problem: string) {
    super(`a malformed segment: ${problem}`);
    this.name = "MalformedSegment";
  }
}

/** What is signed of a segment: the RFC 6962 tree over its blocks, a block hashed as a leaf. */
export function segmentRoot({ blocks }: Segment, sha256: Sha256): Uint8Array {
  const hashing = logFormat("rfc6962", sha256);
  return treeRoot(
    hashing,
    blocks.map((block) => hashing.leafHash(block)),
  );
}

/** The documents of a segment of a level. */
export function segmentDocuments(level: number): number {
  return 2 ** (LEAF_BITS + LEVEL_BITS * level);
}

export function piecesOf(level: number): number {
  return Math.max(1, segmentDocuments(level) / PIECE_DOCUMENTS);
}

/** The number of documents in one piece: in a segment of level 0, all of them. */
export function pieceDocuments(level: number): number {
  return Math.min(PIECE_DOCUMENTS, segmentDocuments(level));
}

/** The place of a field's column; undefined for a field without one. */
export function columnOf(field: FieldName): number | undefined {
  const names: readonly string[] = KEY_COLUMNS;
  const place = names.indexOf(field);
  return place < 0 ? undefined : place;
}

/** Compares as bytes, a prefix first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** 0 where the first `length` bytes of a term begin with the prefix; else as bytes compare. */
export function comparePrefix(term: Uint8Array, length: number, prefix: Uint8Array): number {
  for (let i = 0; i < prefix.length; i++) {
    if (i === length) return -1;
    const difference = (term[i] ?? 0) - (prefix[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
