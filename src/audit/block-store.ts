import type { SegmentId } from "../core/segment/format.js";

/** A segment of a log's search index as its store lists it. */
export interface StoredSegment extends SegmentId {
  /** How many blocks it has: those of segment format 1, and after them one that lists their hashes. */
  readonly blocks: number;
  /** 32 bytes: SHA-256 of the last block. */
  readonly digest: Uint8Array;
  /** 32 bytes: the hash of the last leaf that it covers. Another one at that place says that it is of another log. */
  readonly lastLeafHash: Uint8Array;
}

export interface SegmentBlocks extends StoredSegment {
  /** As many as `blocks` says. */
  readonly contents: readonly Uint8Array[];
}

export interface BlockId extends SegmentId {
  readonly block: number;
}

/** A block of a segment that is stored in pieces, and its number in it. */
export interface StagedBlock {
  readonly block: number;
  readonly data: Uint8Array;
}

/**
 * Port: keeps the segments of search indexes beside the logs that they are derived from. A segment never changes: what
 * is stored twice is the same. A reader checks every block, so a store may lose or damage some.
 */
export interface BlockStore {
  /** Every segment of a log, by level, then by number. Of an unknown log, none. */
  segments(log: string): Promise<readonly StoredSegment[]>;
  /** Segments that are stored but not used; an engine without this method has none. */
  unsealed?(log: string): Promise<readonly StoredSegment[]>;
  /** Blocks in one batched read, in the order asked; undefined where a segment is not stored. */
  blocks(log: string, ids: readonly BlockId[]): Promise<readonly (Uint8Array | undefined)[]>;
  /**
   * Stores a segment completely or not at all; does nothing if one of its level and number is stored already. A store
   * that also holds the log's entries stores it only while the log's entry at its end has the hash of its last leaf.
   */
  put(log: string, segment: SegmentBlocks): Promise<void>;
  /**
   * Stores some blocks of a segment that is too large for one `put`, some megabytes at once. It is not listed before `publish`. What was
   * staged stays, also when the process ends; `remove` takes it away.
   */
  stage(log: string, id: SegmentId, blocks: readonly StagedBlock[]): Promise<void>;
  /**
   * Lists a segment once all of its blocks are staged; does nothing before that, or if one is listed already. Otherwise
   * like `put`.
   */
  publish(log: string, segment: StoredSegment): Promise<void>;
  /** Removes segments with all of their blocks, staged ones included; ignores those that do not exist. */
  remove(log: string, ids: readonly SegmentId[]): Promise<void>;
  /**
   * Takes or extends the turn to store segments of a log; returns whether this process has it. It only avoids double
   * work: two processes that store at the same time store the same bytes.
   */
  claim(log: string): Promise<boolean>;
  close(): Promise<void>;
}
