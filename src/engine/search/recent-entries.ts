import type { LogReads } from "../../audit/store.js";
import { buildSegment } from "../../core/segment/build.js";
import { PIECE_DOCUMENTS, segmentDocuments } from "../../core/segment/format.js";
import { Group } from "../../core/segment/group.js";
import { memorySource } from "../../core/segment/memory-source.js";
import { SegmentReader } from "../../core/segment/read.js";
import type { LeafRange } from "../../core/tree.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { READ_ENTRIES, readRows, type LogRow } from "./log-rows.js";
import { Steps } from "./steps.js";
import type { ReadableSegment } from "./stored-segments.js";

const BASE_DOCUMENTS = segmentDocuments(0);
/** Behind by more than this, it begins again at the newest group; what lies before is stored, or is read from the log. */
const MOST_BEHIND = 2 * PIECE_DOCUMENTS;
/** Segments of level 0 kept until those of level 1 are stored. */
const MOST_SEGMENTS = (3 * PIECE_DOCUMENTS) / BASE_DOCUMENTS;

/** The newest entries of a log as one search sees them. */
export interface Recent {
  /** Of level 0, neighbours, up to the rows. */
  readonly segments: readonly ReadableSegment[];
  /** What is behind the segments; fewer than 256. */
  readonly rows: readonly LogRow[];
  /** What both cover. */
  readonly range: LeafRange;
}

/** Where a log ended, and its last leaf there. */
export interface LastLeaf {
  readonly size: number;
  readonly leafHash: Uint8Array;
}

/**
 * The newest entries of one log in memory: the group that its newest segments of level 0 are built from, and the rows
 * behind them. Read from the log when a search needs them, each entry once.
 */
export class RecentEntries {
  #group = new Group(0, nodeSha256);
  #segments: ReadableSegment[] = [];
  #rows: LogRow[] = [];
  #size = 0;
  #lastLeafHash: Uint8Array | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly reads: Pick<LogReads, "entries" | "head">,
    private readonly log: string,
  ) {}

  /**
   * The newest entries: up to `size`, or nothing where stored segments reach it. Rejects as readRows does.
   */
  upTo(size: number, storedTo: number): Promise<Recent> {
    const next = this.#turn.then(async () => {
      if (size > storedTo) await this.#readTo(size, storedTo);
      this.#forget(storedTo);
      return this.#snapshot();
    });
    this.#turn = next.catch(() => undefined);
    return next;
  }

  /** The last leaf that was read. */
  get last(): LastLeaf | undefined {
    return this.#lastLeafHash && { size: this.#size, leafHash: this.#lastLeafHash };
  }

  /** Forgets everything: the log is another than it was. */
  clear(): void {
    this.#turn = this.#turn.then(() => {
      this.#beginAt(0);
    });
  }

  async #readTo(size: number, storedTo: number): Promise<void> {
    const newestGroup = size - (size % PIECE_DOCUMENTS);
    const from = size - this.#size > MOST_BEHIND ? newestGroup : Math.min(storedTo, newestGroup);
    if (this.#size < from) this.#beginAt(from);
    const steps = new Steps();
    while (this.#size < size) {
      const range = { start: this.#size, end: Math.min(size, this.#size + READ_ENTRIES) };
      for (const row of await readRows({ reads: this.reads, log: this.log }, range)) {
        this.#add(row);
        await steps.pause();
      }
    }
  }

  #add(row: LogRow): void {
    if (this.#group.documents === PIECE_DOCUMENTS) this.#group = new Group(this.#group.number + 1, nodeSha256);
    this.#group.add(row.indexed);
    this.#rows.push(row);
    this.#size += 1;
    this.#lastLeafHash = row.leafHash;
    if (this.#group.documents % BASE_DOCUMENTS !== 0) return;
    const segment = buildSegment(this.#group, 0, this.#group.documents / BASE_DOCUMENTS - 1);
    const reader = new SegmentReader(memorySource(segment));
    const session = { read: <T>(run: (of: SegmentReader) => T) => Promise.resolve(run(reader)) };
    const range = { start: this.#size - BASE_DOCUMENTS, end: this.#size };
    this.#segments.push({ range, session: () => session });
    this.#rows = [];
  }

  #beginAt(leaf: number): void {
    this.#group = new Group(leaf / PIECE_DOCUMENTS, nodeSha256);
    this.#segments = [];
    this.#rows = [];
    this.#size = leaf;
    this.#lastLeafHash = undefined;
  }

  #forget(storedTo: number): void {
    const kept = this.#segments.filter(({ range }) => range.end > storedTo);
    this.#segments = kept.slice(-MOST_SEGMENTS);
  }

  #snapshot(): Recent {
    const start = this.#segments[0]?.range.start ?? this.#rows[0]?.leafIndex ?? this.#size;
    return { segments: [...this.#segments], rows: [...this.#rows], range: { start, end: this.#size } };
  }
}
