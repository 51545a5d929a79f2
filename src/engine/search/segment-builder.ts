import type { BlockStore, SegmentBlocks, StoredSegment } from "../../audit/block-store.js";
import type { ReadEntries } from "../../audit/search-index.js";
import type { LogReads } from "../../audit/store.js";
import { equalBytes } from "../../core/bytes.js";
import { PIECE_DOCUMENTS, segmentDocuments, type SegmentId } from "../../core/segment/format.js";
import { MERGED_CHILDREN } from "../../core/segment/merge.js";
import { GroupTooLarge } from "../../core/segment/term-table.js";
import type { IndexedEntry } from "../../core/words/entry-terms.js";
import { READ_ENTRIES, readRows } from "./log-rows.js";
import type { SegmentMaker } from "./segment-maker.js";
import { SegmentLost, type OpenSegment } from "./open-segment.js";
import type { StoredSegments } from "./stored-segments.js";

/** Segments of the next level are larger than a merge in memory should be. */
const MAX_MERGED_LEVEL = 2;
/** 512 MiB: children of more stay as they are. */
const MAX_MERGED_BLOCKS = 2 ** 18;

export interface BuilderParts {
  readonly log: string;
  readonly reads: Pick<LogReads, "head" | "leafHashes">;
  readonly entries: ReadEntries;
  readonly blocks: BlockStore;
  readonly stored: StoredSegments;
  readonly maker: SegmentMaker;
  /** Called with a sentence when building stopped, until it is woken again. */
  readonly warn: (message: string) => void;
}

/** `makes`: the segment that comes of it. */
type Task = { readonly makes: SegmentId } & (
  | { readonly kind: "build" }
  | { readonly kind: "merge"; readonly children: readonly OpenSegment[] }
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
  #isClosed = false;

  constructor(private readonly parts: BuilderParts) {}

  /** Looks soon for what can be built. */
  wake(): void {
    this.#isWoken = true;
    if (this.#isClosed) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Builds a stored segment again that an earlier version stored otherwise. Searches use it until the new one is there. */
  renew(segment: StoredSegment): void {
    this.#outdated.set(nameOf(segment), segment);
    this.wake();
  }

  /** Resolves when the segment in hand is stored. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#isWoken && !this.#isClosed) {
        this.#isWoken = false;
        await this.#buildAll();
      }
      this.#trouble = "";
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.#isClosed && reason !== this.#trouble)
        this.parts.warn(`building the search index of ${this.parts.log} has stopped: ${reason}`);
      this.#trouble = reason;
    }
  }

  async #buildAll(): Promise<void> {
    const { log, reads, blocks, stored } = this.parts;
    const size = (await reads.head(log))?.size ?? 0;
    if (this.#nextTask(await stored.list(), size) === undefined && stored.superseded(size).length === 0) return;
    while (!this.#isClosed && (await blocks.claim(log))) {
      const list = await stored.reload(); // another gateway may have done something meanwhile
      const superseded = stored.superseded(size);
      if (superseded.length > 0) await blocks.remove(log, superseded); // readers go to the parent by now
      const task = this.#nextTask(list, size);
      if (task === undefined) return;
      try {
        const made = await this.#made(task);
        if (task.kind === "renew") this.#outdated.delete(nameOf(task.makes));
        if (task.kind === "renew" && made !== undefined) await blocks.remove(log, [task.old]);
        if (made !== undefined) await blocks.put(log, made);
        if (!(await stored.reload()).some(({ row }) => isSame(row, task.makes))) this.#skipped.add(nameOf(task.makes));
      } catch (error) {
        if (!(error instanceof SegmentLost)) throw error;
        await stored.lost(error.segment);
      }
    }
  }

  #nextTask(list: readonly OpenSegment[], size: number): Task | undefined {
    const isOpen = (makes: SegmentId): boolean => !this.#skipped.has(nameOf(makes));
    for (const [name, old] of this.#outdated) {
      if (list.some(({ row }) => isSame(row, old))) return { kind: "renew", makes: old, old };
      this.#outdated.delete(name); // it went meanwhile
    }
    const merge = merges(list).find(({ makes }) => isOpen(makes));
    if (merge !== undefined) return merge;
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

  #made(task: Task): Promise<SegmentBlocks | undefined> {
    switch (task.kind) {
      case "build":
        return groupSegment(this.parts, task.makes.number);
      case "merge":
        return this.#merged(task.children);
      case "renew":
        return segmentFromLog(this.parts, task.makes);
    }
  }

  async #merged(children: readonly OpenSegment[]): Promise<SegmentBlocks> {
    const read: SegmentBlocks[] = [];
    for (const child of children) read.push(await child.whole());
    return this.parts.maker.merge(read);
  }
}

export type GroupParts = Pick<BuilderParts, "log" | "reads" | "entries" | "maker" | "warn">;

/**
 * The segment of level 1 of a group; undefined when the log does not have all of its entries as they were logged, or when they
 * have more words than fit in memory. They are read in pieces, which may be of
 * several servers with different histories, so their hashes are compared with those of one read.
 */
export async function groupSegment(
  { log, reads, entries, maker, warn }: GroupParts,
  group: number,
): Promise<SegmentBlocks | undefined> {
  const range = { start: group * PIECE_DOCUMENTS, end: (group + 1) * PIECE_DOCUMENTS };
  const leafHashes: Uint8Array[] = [];
  const segment = await maker.build(range.start, groupEntries()).catch((error: unknown) => {
    if (!(error instanceof GroupTooLarge)) throw error;
    warn(`entries ${range.start} to ${range.end - 1} of ${log} have ${error.message}: each search reads them all`);
    return undefined;
  });
  if (segment === undefined) return undefined;
  return equalBytes(await reads.leafHashes(log, range), Buffer.concat(leafHashes)) ? segment : undefined;

  async function* groupEntries(): AsyncGenerator<readonly IndexedEntry[]> {
    for (let start = range.start; start < range.end; start += READ_ENTRIES) {
      const rows = await readRows({ entries }, { start, end: start + READ_ENTRIES });
      leafHashes.push(...rows.map(({ leafHash }) => leafHash));
      yield rows.map(({ indexed }) => indexed);
    }
  }
}

/** A segment of level 1 or 2, built from the log alone; undefined as groupSegment. */
export async function segmentFromLog(
  parts: GroupParts,
  { level, number }: SegmentId,
): Promise<SegmentBlocks | undefined> {
  if (level === 1) return groupSegment(parts, number);
  const groups = segmentDocuments(level) / PIECE_DOCUMENTS;
  const children: SegmentBlocks[] = [];
  for (let group = number * groups; group < (number + 1) * groups; group++) {
    const child = await groupSegment(parts, group);
    if (child === undefined) return undefined;
    children.push(child);
  }
  return parts.maker.merge(children);
}

/** Each 16 neighbours that one segment of the next level covers. */
function merges(list: readonly OpenSegment[]): readonly (Task & { readonly kind: "merge" })[] {
  return list.flatMap(({ row: { level, number } }, place) => {
    if (level < 1 || level >= MAX_MERGED_LEVEL || number % MERGED_CHILDREN !== 0) return [];
    const children = list.slice(place, place + MERGED_CHILDREN);
    const isRow = children.every(({ row }, i) => isSame(row, { level, number: number + i }));
    const makes = { level: level + 1, number: number / MERGED_CHILDREN };
    const isSmall = children.reduce((sum, { row }) => sum + row.blocks, 0) <= MAX_MERGED_BLOCKS;
    return isRow && isSmall && children.length === MERGED_CHILDREN ? [{ kind: "merge", makes, children }] : [];
  });
}

function isSame(a: SegmentId, b: SegmentId): boolean {
  return a.level === b.level && a.number === b.number;
}

function nameOf({ level, number }: SegmentId): string {
  return `${level}/${number}`;
}
