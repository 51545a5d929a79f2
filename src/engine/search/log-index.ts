import type { BlockStore, StoredSegment } from "../../audit/block-store.js";
import type { CheckedSegment, ProofQuery, ProvenAnswer, ReadEntries } from "../../audit/search-index.js";
import type { LogReads } from "../../audit/store.js";
import { equalBytes } from "../../core/bytes.js";
import { PIECE_DOCUMENTS, segmentDocuments } from "../../core/segment/format.js";
import { BASE_ENTRIES } from "../../core/segment/index-log.js";
import { memorySource } from "../../core/segment/memory-source.js";
import { SegmentReader, type BlockSource } from "../../core/segment/read.js";
import type { LeafRange } from "../../core/tree.js";
import { AnswerProver } from "./answer-prover.js";
import { BaseSegments, type ProofCache } from "./base-segments.js";
import { IndexLog, type IndexTree } from "./index-tree.js";
import { LargeMerges } from "./large-merges.js";
import { READ_ENTRIES, readRows, type LogRow } from "./log-rows.js";
import { partsOf, Steps, type Part } from "./matches.js";
import { SegmentBuilder } from "./segment-builder.js";
import { checkedSegments } from "./segment-check.js";
import type { SegmentMaker } from "./segment-maker.js";
import type { SegmentMerger } from "./segment-merger.js";
import type { BlockCache, OpenSegment, SegmentSession } from "./open-segment.js";
import { StoredSegments } from "./stored-segments.js";

export interface LogIndexParts {
  readonly log: string;
  readonly reads: Pick<LogReads, "entries" | "head" | "leafHashes">;
  readonly entries: ReadEntries;
  readonly blocks: BlockStore;
  readonly cache: BlockCache;
  readonly proofs: ProofCache;
  readonly maker: SegmentMaker;
  /** Makes the small segments that searches and proofs wait for: a group or a merge takes longer. */
  readonly baseMaker: SegmentMaker;
  readonly merger: SegmentMerger;
  /** Blocks of segments that are merged in memory. */
  readonly mergedInMemory: number;
  readonly isShared: boolean;
  readonly warn: (message: string) => void;
}

/** While segments are missing, the list is read again after this time: another gateway may store them. */
const RELOAD_MS = 1_000;

const BASE_DOCUMENTS = segmentDocuments(0);
/** Behind by more than this, it begins again at the newest group; what lies before is stored, or is read from the log. */
const MOST_BEHIND = 2 * PIECE_DOCUMENTS;
/** What of a base becomes a part before it is full: to build one takes time by the length of its texts. */
const PART_CHARACTERS = 2 ** 18;
/** Kept until segments of level 1 are stored; what is more is read from the log again by each search. */
const KEPT_ENTRIES = 3 * PIECE_DOCUMENTS;
const KEPT_CHARACTERS = 2 ** 26;

/** The index of one log: what is stored of it, what is in memory, and what builds it. */
export class LogIndex {
  readonly #stored: StoredSegments;
  readonly #recent: RecentEntries;
  readonly #builder: SegmentBuilder;
  readonly #largeMerges: LargeMerges;
  readonly #bases: BaseSegments;
  readonly #indexLog: IndexLog;
  readonly #prover: AnswerProver;
  #reloadedAt = 0;

  constructor(private readonly made: LogIndexParts) {
    this.#stored = new StoredSegments(made, made.reads);
    this.#recent = new RecentEntries(made.entries, made.baseMaker);
    const stored = this.#stored;
    this.#largeMerges = new LargeMerges({ ...made, stored });
    this.#builder = new SegmentBuilder({ ...made, stored, largeMerges: this.#largeMerges });
    this.#bases = new BaseSegments(made, made.proofs);
    const renew = (segment: StoredSegment): void => {
      this.#builder.renew(segment);
    };
    this.#indexLog = new IndexLog({ stored, bases: this.#bases, renew });
    this.#prover = new AnswerProver({ ...made, stored, bases: this.#bases, indexLog: this.#indexLog });
  }

  get entries(): ReadEntries {
    return this.made.entries;
  }

  /** The log has so many entries. */
  grown(size: number): void {
    if (size >= this.#stored.knownEnd + PIECE_DOCUMENTS) this.#builder.wake();
  }

  /** What of the log to look at for a range, as of now. */
  async parts(range: LeafRange, signal: AbortSignal | undefined): Promise<readonly Part[]> {
    if (range.start >= range.end) return [];
    const list = await this.#current(range.end, signal);
    return partsOf(range, list, await this.#recent.upTo(range.end, endOf(list)));
  }

  /** The index log of a log of `size` entries, as far as it is built. */
  async indexTree(size: number): Promise<IndexTree> {
    await this.#current(size, undefined);
    return this.#indexLog.upTo(Math.floor(size / BASE_ENTRIES));
  }

  async prove(query: ProofQuery, signal: AbortSignal | undefined): Promise<ProvenAnswer> {
    await this.#current(query.treeSize, signal);
    return this.#prover.prove(query, signal);
  }

  /** How many leaves stored segments cover, from the first without a gap. */
  async storedSize(): Promise<number> {
    let end = 0;
    for (const { range } of await this.#stored.reload()) if (range.start === end) end = range.end;
    return end;
  }

  /** Checks the stored segments with leaves from `from` on. */
  async *check(from: number): AsyncGenerator<CheckedSegment> {
    const { log, blocks } = this.made;
    for (const { level, number } of (await blocks.unsealed?.(log)) ?? []) yield { level, number, isSound: false };
    const list = await this.#stored.reload();
    yield* checkedSegments(
      this.made,
      list.filter(({ range }) => range.end > from),
    );
  }

  async lost(segment: StoredSegment): Promise<void> {
    await this.#stored.lost(segment);
    this.#builder.wake();
  }

  async close(): Promise<void> {
    await this.#builder.close();
    await this.#largeMerges.close();
  }

  /** The stored segments of the log as the server has it now, for who reads `size` entries. */
  async #current(size: number, signal: AbortSignal | undefined): Promise<readonly OpenSegment[]> {
    let list = await this.#stored.list();
    if (this.made.isShared && (await this.#isReplaced(list, signal))) {
      this.#recent.clear();
      this.#bases.clear();
      list = await this.#stored.reload();
    }
    this.grown(size);
    return size >= endOf(list) + PIECE_DOCUMENTS ? this.#reloaded(list) : list;
  }

  /**
   * Whether the server has another log than was read before: after a failover, or with a restored backup. One leaf tells: another
   * history would have to repeat this entry at this very place.
   */
  async #isReplaced(list: readonly OpenSegment[], signal: AbortSignal | undefined): Promise<boolean> {
    const stored = list.at(-1);
    const last = this.#recent.last ?? (stored && { size: stored.range.end, leafHash: stored.row.lastLeafHash });
    if (last === undefined) return false;
    const { log, reads } = this.made;
    const [row] = await reads.entries(log, [last.size - 1], signal);
    return row === undefined || !equalBytes(row.leafHash, last.leafHash);
  }

  async #reloaded(list: readonly OpenSegment[]): Promise<readonly OpenSegment[]> {
    if (performance.now() - this.#reloadedAt < RELOAD_MS) return list;
    this.#reloadedAt = performance.now();
    return this.#stored.reload();
  }
}

function endOf(list: readonly OpenSegment[]): number {
  return list.at(-1)?.range.end ?? 0;
}

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
    const from = size - this.#size > MOST_BEHIND ? newestGroup : Math.min(storedTo, newestGroup);
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
