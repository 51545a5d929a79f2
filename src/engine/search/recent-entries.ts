import type { ReadEntries } from "../../audit/search-index.js";
import { buildSegment } from "../../core/segment/build.js";
import { PIECE_DOCUMENTS, segmentDocuments } from "../../core/segment/format.js";
import { Group } from "../../core/segment/group.js";
import { memorySource } from "../../core/segment/memory-source.js";
import { SegmentReader } from "../../core/segment/read.js";
import type { LeafRange } from "../../core/tree.js";
import { nodeSha256 } from "../../keys/node-crypto.js";
import { READ_ENTRIES, readRows, type LogRow } from "./log-rows.js";
import { Steps } from "./steps.js";
import type { Part } from "./matches.js";

const BASE_DOCUMENTS = segmentDocuments(0);
/** Behind by more than this, it begins again at the newest group; what lies before is stored, or is read from the log. */
const MOST_BEHIND = 2 * PIECE_DOCUMENTS;
/** Parts of 256 entries kept until segments of level 1 are stored. */
const MOST_PARTS = (3 * PIECE_DOCUMENTS) / BASE_DOCUMENTS;

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
  /** Of 256 entries each, rising. */
  #parts: Part[] = [];
  /** What is behind the parts; fewer than 256. */
  #rows: LogRow[] = [];
  #size = 0;
  #last: LastLeaf | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly entries: ReadEntries) {}

  /**
   * The newest entries in parts, rising: up to `size`, or nothing where stored segments reach it. Rejects as readRows does.
   */
  upTo(size: number, storedTo: number): Promise<readonly Part[]> {
    const next = this.#turn.then(async () => {
      if (size > storedTo) await this.#readTo(size, storedTo);
      this.#forget(storedTo);
      return this.#snapshot();
    });
    this.#turn = next.catch(() => undefined);
    return next;
  }

  /** The last sound leaf that was read. */
  get last(): LastLeaf | undefined {
    return this.#last;
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
      for (const row of await readRows({ entries: this.entries }, range)) {
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
    if (!row.isCorrupt) this.#last = { size: this.#size, leafHash: row.leafHash };
    if (this.#group.documents % BASE_DOCUMENTS !== 0) return;
    this.#parts.push(this.#newestPart({ start: this.#size - BASE_DOCUMENTS, end: this.#size }));
    this.#rows = [];
  }

  /** Corrupt entries may match anything, which no segment can say. */
  #newestPart(range: LeafRange): Part {
    if (this.#rows.some(({ isCorrupt }) => isCorrupt)) return { kind: "rows", range, rows: this.#rows };
    const segment = buildSegment(this.#group, 0, this.#group.documents / BASE_DOCUMENTS - 1);
    const reader = new SegmentReader(memorySource(segment));
    const session = { read: <T>(run: (of: SegmentReader) => T) => Promise.resolve(run(reader)) };
    return { kind: "segment", range, segment: { range, session: () => session } };
  }

  #beginAt(leaf: number): void {
    this.#group = new Group(leaf / PIECE_DOCUMENTS, nodeSha256);
    this.#parts = [];
    this.#rows = [];
    this.#size = leaf;
    this.#last = undefined;
  }

  #forget(storedTo: number): void {
    this.#parts = this.#parts.filter(({ range }) => range.end > storedTo).slice(-MOST_PARTS);
  }

  #snapshot(): readonly Part[] {
    const rows = [...this.#rows];
    if (rows.length === 0) return [...this.#parts];
    return [...this.#parts, { kind: "rows", range: { start: this.#size - rows.length, end: this.#size }, rows }];
  }
}
