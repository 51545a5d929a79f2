import type { ReadEntries } from "../../audit/search-index.js";
import { PIECE_DOCUMENTS, segmentDocuments } from "../../core/segment/format.js";
import { memorySource } from "../../core/segment/memory-source.js";
import { SegmentReader, type BlockSource } from "../../core/segment/read.js";
import type { LeafRange } from "../../core/tree.js";
import { READ_ENTRIES, readRows, type LogRow } from "./log-rows.js";
import { Steps, type Part } from "./matches.js";
import type { SegmentSession } from "./open-segment.js";
import type { SegmentMaker } from "./segment-maker.js";

const BASE_DOCUMENTS = segmentDocuments(0);
/** What of a base becomes a part before it is full: to build one takes time by the length of its texts. */
const PART_CHARACTERS = 2 ** 18;
/**
 * Where more is neither stored nor here, to read it would keep a search waiting for seconds: it begins again at the newest group, and each search
 * reads from the log what lies before.
 */
const FAR_ENTRIES = 3 * PIECE_DOCUMENTS;
/**
 * Kept until segments of level 1 are stored, some 60 MiB: were they given up earlier, each search would read them from the log, with what time there is to
 * store them.
 */
const KEPT_ENTRIES = 64 * PIECE_DOCUMENTS;
const KEPT_CHARACTERS = 2 ** 26;

/** Where a log ended, and its last leaf there. */
interface LastLeaf {
  readonly size: number;
  readonly leafHash: Uint8Array;
}

interface RecentPart {
  readonly part: Part;
  readonly characters: number;
}

/**
 * The newest entries of one log in memory: segments of level 0, each over what is filled of it, and the rows behind them.
 * Read from the log when a search needs them, each entry once.
 */
export class RecentEntries {
  /** Of one base each, rising. */
  #parts: RecentPart[] = [];
  /** What is behind the parts. */
  #rows: LogRow[] = [];
  #characters = 0;
  #size = 0;
  #last: LastLeaf | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly entries: ReadEntries,
    private readonly maker: SegmentMaker,
  ) {}

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
    const isFar = size - Math.max(this.#size, storedTo) > FAR_ENTRIES;
    const from = isFar ? newestGroup : Math.min(storedTo, newestGroup);
    if (this.#size < from) this.#beginAt(from);
    const steps = new Steps();
    while (this.#size < size) {
      const range = { start: this.#size, end: Math.min(size, this.#size + READ_ENTRIES) };
      for (const row of await readRows({ entries: this.entries }, range)) {
        await this.#add(row);
        await steps.pause();
      }
    }
  }

  /** Changes nothing when it rejects: the row is read again. */
  async #add(row: LogRow): Promise<void> {
    const size = this.#size + 1;
    const rows = [...this.#rows, row];
    const characters = this.#characters + row.characters;
    const isFull = size % BASE_DOCUMENTS === 0 || characters >= PART_CHARACTERS;
    if (isFull)
      this.#parts.push({ part: await this.#partOf({ start: size - rows.length, end: size }, rows), characters });
    this.#rows = isFull ? [] : rows;
    this.#characters = isFull ? 0 : characters;
    this.#size = size;
    if (!row.isCorrupt) this.#last = { size, leafHash: row.leafHash };
  }

  /** Corrupt entries may match anything, which no segment can say. */
  async #partOf(range: LeafRange, rows: readonly LogRow[]): Promise<Part> {
    if (rows.some(({ isCorrupt }) => isCorrupt)) return { kind: "rows", range, rows };
    const source = memorySource(await this.maker.base(range.start, [rows.map(({ indexed }) => indexed)]));
    const start = range.start - (range.start % BASE_DOCUMENTS);
    const ofBase = { start, end: start + BASE_DOCUMENTS };
    return { kind: "segment", range, segment: { range: ofBase, session: () => sessionOver(source) } };
  }

  #beginAt(leaf: number): void {
    this.#parts = [];
    this.#rows = [];
    this.#characters = 0;
    this.#size = leaf;
    this.#last = undefined;
  }

  #forget(storedTo: number): void {
    let characters = 0;
    const isKept = ({ part: { range }, characters: more }: RecentPart): boolean => {
      characters += more;
      return range.end > storedTo && range.end > this.#size - KEPT_ENTRIES && characters <= KEPT_CHARACTERS;
    };
    this.#parts = [...this.#parts].reverse().filter(isKept).reverse();
  }

  #snapshot(): readonly Part[] {
    const rows = [...this.#rows];
    const parts = this.#parts.map(({ part }) => part);
    if (rows.length === 0) return parts;
    return [...parts, { kind: "rows", range: { start: this.#size - rows.length, end: this.#size }, rows }];
  }
}

/** What a search finds in it is kept with the reader, so each has its own. */
function sessionOver(source: BlockSource): SegmentSession {
  const reader = new SegmentReader(source);
  return { read: (run) => Promise.resolve(run(reader)) };
}
