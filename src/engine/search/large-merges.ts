import type { BlockStore, StoredSegment } from "../../audit/block-store.js";
import type { SegmentId } from "../../core/segment/format.js";
import { SegmentLost, type OpenSegment } from "./open-segment.js";
import { MergerClosed, MergeTooLarge, type MergeJob, type SegmentMerger } from "./segment-merger.js";
import type { StoredSegments } from "./stored-segments.js";

export interface LargeMergeParts {
  readonly log: string;
  readonly blocks: BlockStore;
  readonly stored: StoredSegments;
  readonly merger: SegmentMerger;
  /** After so long one that failed is tried again. Default: a minute. */
  readonly retryMs?: number;
  /** Called with a sentence when a merge stopped. */
  readonly warn: (message: string) => void;
}

/** 16 neighbours that one segment of the next level covers. */
export interface Merge {
  readonly makes: SegmentId;
  readonly children: readonly OpenSegment[];
}

/** How often the turn is extended while a merge lasts: a fifth of what one lasts. */
const CLAIM_MS = 2_000;
const RETRY_MS = 60_000;

class TurnLost extends Error {}

/**
 * Merges segments of one log that are too large for memory, while small ones go on being built. The blocks are staged in the store, and
 * the segment is listed when all are there. A merge that was cut short starts over: the next one first removes what it left.
 */
export class LargeMerges {
  #running: Promise<void> | undefined;
  /** Segments that cannot be stored, by name. */
  readonly #skipped = new Set<string>();
  /** Why one stopped last: said once. */
  #trouble = "";
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(private readonly parts: LargeMergeParts) {}

  /**
   * Begins with the first of these that can be done, unless one is in hand, and calls back when the next one may begin: when
   * it was stored, or cannot be, or a while after it failed.
   */
  begin(merges: readonly Merge[], then: () => void): void {
    const next = merges.find(({ makes }) => !this.#skipped.has(nameOf(makes)));
    if (next === undefined || this.#running !== undefined || this.#isClosed) return;
    clearTimeout(this.#retry);
    this.#running = this.#run(next).then((isDone) => {
      this.#running = undefined;
      if (this.#isClosed) return;
      if (isDone) then();
      else this.#retry = setTimeout(then, this.parts.retryMs ?? RETRY_MS).unref();
    });
  }

  /** Resolves when none is in hand. */
  async ended(): Promise<void> {
    await this.#running;
  }

  /** Begins no more. One in hand ends when the merger is closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.ended();
  }

  /** False where it is to be tried again after a while. */
  async #run({ makes, children }: Merge): Promise<boolean> {
    const { log, blocks, stored, merger } = this.parts;
    const isStored = async (): Promise<boolean> =>
      (await stored.reload()).some(({ row }) => nameOf(row) === nameOf(makes));
    try {
      if (!(await blocks.claim(log))) throw new TurnLost();
      if (await isStored()) return true; // by another gateway, while this one stood still: it may have removed the children
      await blocks.remove(log, [makes]);
      await blocks.publish(log, await merger.merge(this.#job(makes, children)));
      if (!(await isStored())) this.#skipped.add(nameOf(makes)); // the log has lost an entry there
      this.#trouble = "";
      return true;
    } catch (error) {
      return this.#failed(makes, error);
    }
  }

  async #failed(makes: SegmentId, error: unknown): Promise<boolean> {
    const { log, stored, warn } = this.parts;
    if (error instanceof TurnLost || error instanceof MergerClosed || this.#isClosed) return false;
    if (error instanceof SegmentLost) {
      await stored.lost(error.segment).catch(() => undefined); // then the next look finds it
      return true;
    }
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof MergeTooLarge) this.#skipped.add(nameOf(makes));
    if (reason !== this.#trouble) warn(`merging segments of the search index of ${log} has stopped: ${reason}`);
    this.#trouble = reason;
    return false;
  }

  #job(makes: SegmentId, children: readonly OpenSegment[]): MergeJob {
    const { log, blocks } = this.parts;
    let claimedAt = performance.now(); // as it begins
    const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
      if (performance.now() - claimedAt > CLAIM_MS) {
        if (!(await blocks.claim(log))) throw new TurnLost();
        claimedAt = performance.now();
      }
      return work();
    };
    return {
      children: children.map(({ row }): StoredSegment => row),
      read: (place, first, count) => inTurn(async () => (await children[place]?.run(first, count)) ?? []),
      stage: (some) => inTurn(() => blocks.stage(log, makes, some)),
      isAwaited: false,
    };
  }
}

function nameOf({ level, number }: SegmentId): string {
  return `${level}/${number}`;
}
