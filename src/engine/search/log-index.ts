import type { BlockStore, StoredSegment } from "../../audit/block-store.js";
import type { CheckedSegment, IndexQuery, ProofQuery, ProvenAnswer, ReadEntries } from "../../audit/search-index.js";
import type { LogReads } from "../../audit/store.js";
import { AuditError } from "../../audit/errors.js";
import { equalBytes } from "../../core/bytes.js";
import { PIECE_DOCUMENTS } from "../../core/segment/format.js";
import { BASE_ENTRIES } from "../../core/segment/index-log.js";
import type { LeafRange } from "../../core/tree.js";
import { AnswerProver } from "./answer-prover.js";
import { BaseSegments, type ProofCache } from "./base-segments.js";
import { IndexLog, type IndexTree } from "./index-tree.js";
import { LargeMerges } from "./large-merges.js";
import { partsOf, type Part } from "./matches.js";
import { RecentEntries } from "./recent-entries.js";
import { SegmentBuilder } from "./segment-builder.js";
import { checkedSegments } from "./segment-check.js";
import type { SegmentMaker } from "./segment-maker.js";
import type { SegmentMerger } from "./segment-merger.js";
import { SegmentLost, type BlockCache, type OpenSegment } from "./open-segment.js";
import { StoredSegments } from "./stored-segments.js";

export interface LogIndexParts {
  readonly log: string;
  readonly reads: Pick<LogReads, "entries" | "head" | "leafHashes">;
  readonly entries: ReadEntries;
  readonly blocks: BlockStore;
  readonly cache: BlockCache;
  readonly proofs: ProofCache;
  readonly maker: SegmentMaker;
  /** Builds what nobody waits for, while the index keeps up with the log. */
  readonly background: SegmentMaker;
  /** Makes the small segments that searches and proofs wait for: a group or a merge takes longer. */
  readonly baseMaker: SegmentMaker;
  readonly merger: SegmentMerger;
  /** Blocks of segments that are merged in memory. */
  readonly mergedInMemory: number;
  readonly isShared: boolean;
  readonly warn: (message: string) => void;
}

/** How a log is looked at before it is searched. */
export interface Looking extends Pick<IndexQuery, "history"> {
  readonly signal?: AbortSignal | undefined;
}

/** Segments that one search may come upon damaged. */
const MAX_LOST = 32;
/** While segments are missing, the list is read again after this time: another gateway may store them. */
const RELOAD_MS = 1_000;

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
  /** IndexQuery.history of what is in memory. */
  #history: number | undefined;
  #isClosed = false;

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

  /** Called every now and then: goes on with what another gateway was in the middle of. */
  sweep(size: number): void {
    this.grown(size);
    if (this.#builder.isUnfinished) this.#builder.wake();
  }

  /** Begins to read the newest entries of a log of this size, behind whatever is to be done now. */
  prepare(size: number, history: number): void {
    setImmediate(() => {
      if (!this.#isClosed) this.parts({ start: size - 1, end: size }, { history }).catch(ignore);
    });
  }

  /** What of the log to look at for a range, as of now. */
  async parts(range: LeafRange, looking: Looking): Promise<readonly Part[]> {
    if (range.start >= range.end) return [];
    const list = await this.#current(range.end, looking);
    return partsOf(range, list, await this.#recent.upTo(range.end, endOf(list)));
  }

  /** The index log of a log of `size` entries, as far as it is built. */
  async indexTree(size: number): Promise<IndexTree> {
    await this.#current(size, {});
    return this.#indexLog.upTo(Math.floor(size / BASE_ENTRIES));
  }

  async prove(query: ProofQuery, signal: AbortSignal | undefined): Promise<ProvenAnswer> {
    await this.#current(query.treeSize, { signal });
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

  /** As SearchIndex.storedIndex. */
  async storedIndex(size: number): Promise<IndexTree | undefined> {
    const asStored = new IndexLog({ stored: this.#stored, bases: this.#bases, renew: () => undefined });
    try {
      return await asStored.upTo(Math.floor(size / BASE_ENTRIES));
    } catch (error) {
      if (error instanceof SegmentLost) return undefined;
      throw error;
    }
  }

  /** Runs what reads segments, again when one turned out to be gone or damaged. Rejects with UNAVAILABLE when that goes on. */
  async unlessLost<T>(read: () => Promise<T>): Promise<T> {
    for (let lost = 0; ; lost++) {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof SegmentLost)) throw error;
        if (lost === MAX_LOST) throw damaged(error);
        await this.#stored.lost(error.segment);
        this.#builder.wake();
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#builder.close();
    await this.#largeMerges.close();
  }

  /** The stored segments of the log as the server has it now, for who reads `size` entries. */
  async #current(size: number, { history, signal }: Looking): Promise<readonly OpenSegment[]> {
    let list = await this.#stored.list();
    if (this.made.isShared && (await this.#isOther(list, { history, signal }))) {
      this.#recent.clear();
      this.#bases.clear();
      list = await this.#stored.reload();
    }
    this.#history = history ?? this.#history;
    this.grown(size);
    return size >= endOf(list) + PIECE_DOCUMENTS ? this.#reloaded(list) : list;
  }

  async #isOther(list: readonly OpenSegment[], { history, signal }: Looking): Promise<boolean> {
    const known = this.#history;
    return known === undefined || history === undefined ? this.#isReplaced(list, signal) : history !== known;
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
    const reloaded = await this.#stored.reload();
    this.#builder.seen(reloaded);
    return reloaded;
  }
}

function ignore(): void {
  // the search that needs it is told
}

function damaged(cause: SegmentLost): AuditError {
  return new AuditError("UNAVAILABLE", "The search index is damaged and is being built again: try again.", {
    cause,
    retryAfterMs: 1_000,
  });
}

function endOf(list: readonly OpenSegment[]): number {
  return list.at(-1)?.range.end ?? 0;
}
