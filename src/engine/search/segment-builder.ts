import type { BlockStore, SegmentBlocks, StoredSegment } from "../../audit/block-store.js";
import type { LogReads } from "../../audit/store.js";
import { MAX_LEVEL, PIECE_DOCUMENTS, type SegmentId } from "../../core/segment/format.js";
import { MERGED_CHILDREN } from "../../core/segment/merge.js";
import type { LargeMerges, Merge } from "./large-merges.js";
import { groupSegment, segmentFromLog, type GroupParts } from "./segments-from-log.js";
import { SegmentLost, type OpenSegment } from "./open-segment.js";
import type { SegmentMaker } from "./segment-maker.js";
import type { StoredSegments } from "./stored-segments.js";

/** 64 MiB: children of fewer are merged in memory, in one pass, others from block to block. */
export const MERGED_IN_MEMORY = 2 ** 15;

/**
 * So far behind the log, building no longer gives way to those that answer requests: each search would read what is in no segment.
 */
const FAR_BEHIND = 2 * PIECE_DOCUMENTS;

export interface BuilderParts extends GroupParts {
  readonly reads: Pick<LogReads, "head" | "leafHashes">;
  readonly blocks: BlockStore;
  readonly stored: StoredSegments;
  readonly largeMerges: LargeMerges;
  /** Builds as `maker` does, in a thread that gives way to others. */
  readonly background: SegmentMaker;
  /** Blocks of children that are merged in memory. */
  readonly mergedInMemory: number;
}

/** `makes`: the segment that comes of it. */
type Task = { readonly makes: SegmentId } & (
  | { readonly kind: "build" }
  | ({ readonly kind: "merge" } & Merge)
  | { readonly kind: "renew"; readonly old: StoredSegment }
);

/**
 * Stores the segments of one log as it grows: of level 1 from its entries, of higher levels from 16 below, which are then
 * removed. Searches do not wait for it. What it had not stored when the process ends, it builds again.
 */
export class SegmentBuilder {
  /** Stored segments to be built again, by name. */
  readonly #outdated = new Map<string, StoredSegment>();
  /** Segments that cannot be stored: the log has lost an entry there, or the store keeps a damaged one in its place. */
  readonly #skipped = new Set<string>();
  #running: Promise<void> | undefined;
  #isWoken = false;
  /** Why it stopped last: said once. */
  #trouble = "";
  #isUnfinished = false;
  #isClosed = false;

  constructor(private readonly parts: BuilderParts) {}

  /**
   * Whether there was more to do when it looked last: another gateway had the turn, which may have died since, or something
   * failed. Then it is to be woken after a while, though the log does not grow.
   */
  get isUnfinished(): boolean {
    return this.#isUnfinished;
  }

  /** Takes note of what is stored by now: another gateway may have ended before it merged what it built. */
  seen(list: readonly OpenSegment[]): void {
    this.#isUnfinished ||= merges(list).length > 0;
  }

  /** Looks soon for what can be built. */
  wake(): void {
    this.#isWoken = true;
    if (this.#isClosed) return;
    this.#running ??= this.#run();
  }

  /** Builds a stored segment again that an earlier version stored otherwise. Searches use it until the new one is there. */
  renew(segment: StoredSegment): void {
    this.#outdated.set(nameOf(segment), segment);
    this.wake();
  }

  /** Resolves when it has nothing in hand. */
  async ended(): Promise<void> {
    await this.#running;
  }

  /** Resolves when the segment in hand is stored. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.ended();
  }

  async #run(): Promise<void> {
    try {
      while (this.#isWoken && !this.#isClosed) {
        this.#isWoken = false;
        this.#isUnfinished = !(await this.#buildAll());
      }
      this.#trouble = "";
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.#isClosed && reason !== this.#trouble)
        this.parts.warn(`building the search index of ${this.parts.log} has stopped: ${reason}`);
      this.#trouble = reason;
      this.#isUnfinished = true;
    } finally {
      this.#running = undefined; // at once: a wake-up from here on begins another run
    }
  }

  /** False where another gateway has the turn. */
  async #buildAll(): Promise<boolean> {
    const { log, reads, blocks, stored } = this.parts;
    const size = (await reads.head(log))?.size ?? 0;
    const known = await stored.list();
    const isDone = this.#nextTask(known, size) === undefined && merges(known).length === 0;
    if (isDone && stored.superseded(size).length === 0) return true;
    while (!this.#isClosed && (await blocks.claim(log))) {
      const list = await stored.reload(); // another gateway may have done something meanwhile
      const superseded = stored.superseded(size);
      if (superseded.length > 0) await blocks.remove(log, superseded); // readers go to the parent by now
      this.#beginLargeMerge(list);
      const task = this.#nextTask(list, size);
      if (task === undefined) return true;
      try {
        const isFar = size - (list.at(-1)?.range.end ?? 0) >= FAR_BEHIND;
        const made = await this.#made(task, isFar ? this.parts.maker : this.parts.background);
        if (task.kind === "renew") this.#outdated.delete(nameOf(task.makes));
        if (task.kind === "renew" && made !== undefined) await blocks.remove(log, [task.old]);
        if (made !== undefined) await blocks.put(log, made);
        if (!(await stored.reload()).some(({ row }) => isSame(row, task.makes))) this.#skipped.add(nameOf(task.makes));
      } catch (error) {
        if (!(error instanceof SegmentLost)) throw error;
        await stored.lost(error.segment);
      }
    }
    return this.#isClosed;
  }

  /** It goes on while small segments are built: one may take minutes. */
  #beginLargeMerge(list: readonly OpenSegment[]): void {
    const large = merges(list).filter((merge) => !this.#isSmall(merge));
    this.parts.largeMerges.begin(large, () => {
      this.wake();
    });
  }

  #isSmall({ children }: Merge): boolean {
    return children.reduce((sum, { row }) => sum + row.blocks, 0) <= this.parts.mergedInMemory;
  }

  #nextTask(list: readonly OpenSegment[], size: number): Task | undefined {
    const isOpen = (makes: SegmentId): boolean => !this.#skipped.has(nameOf(makes));
    for (const [name, old] of this.#outdated) {
      if (list.some(({ row }) => isSame(row, old))) return { kind: "renew", makes: old, old };
      this.#outdated.delete(name); // it went meanwhile
    }
    const merge = merges(list).find((one) => this.#isSmall(one) && isOpen(one.makes));
    if (merge !== undefined) return { kind: "merge", ...merge };
    let next = 0;
    for (const { start, end } of [...list.map(({ range }) => range), { start: size, end: size }]) {
      for (; next + PIECE_DOCUMENTS <= start; next += PIECE_DOCUMENTS) {
        const makes = { level: 1, number: next / PIECE_DOCUMENTS };
        if (isOpen(makes)) return { kind: "build", makes };
      }
      next = Math.max(next, end);
    }
    return undefined;
  }

  #made(task: Task, maker: SegmentMaker): Promise<SegmentBlocks | undefined> {
    const parts = { ...this.parts, maker };
    switch (task.kind) {
      case "build":
        return groupSegment(parts, task.makes.number);
      case "merge":
        return merged(task.children, maker);
      case "renew":
        return segmentFromLog(parts, task.makes);
    }
  }
}

async function merged(children: readonly OpenSegment[], maker: SegmentMaker): Promise<SegmentBlocks> {
  const read: SegmentBlocks[] = [];
  for (const child of children) read.push(await child.whole());
  return maker.merge(read);
}

/** Each 16 neighbours that one segment of the next level covers. */
function merges(list: readonly OpenSegment[]): readonly Merge[] {
  return list.flatMap(({ row: { level, number } }, place) => {
    if (level < 1 || level >= MAX_LEVEL || number % MERGED_CHILDREN !== 0) return [];
    const children = list.slice(place, place + MERGED_CHILDREN);
    const isRow = children.every(({ row }, i) => isSame(row, { level, number: number + i }));
    const makes = { level: level + 1, number: number / MERGED_CHILDREN };
    return isRow && children.length === MERGED_CHILDREN ? [{ makes, children }] : [];
  });
}

function isSame(a: SegmentId, b: SegmentId): boolean {
  return a.level === b.level && a.number === b.number;
}

function nameOf({ level, number }: SegmentId): string {
  return `${level}/${number}`;
}
