import type { BlockStore, SegmentBlocks } from "../../audit/block-store.js";
import type { LogReads } from "../../audit/store.js";
import { equalBytes } from "../../core/bytes.js";
import { PIECE_DOCUMENTS, segmentDocuments } from "../../core/segment/format.js";
import { MERGED_CHILDREN } from "../../core/segment/merge.js";
import type { IndexedEntry } from "../../core/words/entry-terms.js";
import { READ_ENTRIES, readRows } from "./log-rows.js";
import type { SegmentMaker } from "./segment-maker.js";
import { SegmentLost, type OpenSegment, type StoredSegments } from "./stored-segments.js";

/** Segments of the next level are larger than a merge in memory should be. */
const MAX_MERGED_LEVEL = 2;

export interface BuilderParts {
  readonly log: string;
  readonly reads: Pick<LogReads, "entries" | "head" | "leafHashes">;
  readonly blocks: BlockStore;
  readonly stored: StoredSegments;
  readonly maker: SegmentMaker;
  /** Called with a sentence when building stopped, until it is woken again. */
  readonly warn: (message: string) => void;
}

type Task =
  | { readonly kind: "build"; readonly group: number }
  | { readonly kind: "merge"; readonly children: readonly OpenSegment[] };

/**
 * Stores the segments of one log as it grows: of level 1 from its entries, of higher levels from 16 below, which are then
 * removed. Searches do not wait for it. What it had not stored when the process ends, it builds again.
 */
export class SegmentBuilder {
  /** Groups that cannot be built: the log has lost an entry there. Searches read them from the log. */
  readonly #skipped = new Set<number>();
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
    if (this.#nextTask(await stored.list(), size) === undefined && stored.covered.length === 0) return;
    while (!this.#isClosed && (await blocks.claim(log))) {
      const list = await stored.reload(); // another gateway may have done something meanwhile
      if (stored.covered.length > 0) await blocks.remove(log, stored.covered); // readers go to the parent by now
      const task = this.#nextTask(list, size);
      if (task === undefined) return;
      try {
        await (task.kind === "build" ? this.#build(task.group) : this.#merge(task.children));
      } catch (error) {
        if (!(error instanceof SegmentLost)) throw error;
        await stored.lost(error.segment);
      }
    }
  }

  #nextTask(list: readonly OpenSegment[], size: number): Task | undefined {
    const children = mergeable(list);
    if (children !== undefined) return { kind: "merge", children };
    let next = 0;
    for (const { start, end } of [...list.map(({ range }) => range), { start: size, end: size }]) {
      for (; next + PIECE_DOCUMENTS <= start; next += PIECE_DOCUMENTS)
        if (!this.#skipped.has(next / PIECE_DOCUMENTS)) return { kind: "build", group: next / PIECE_DOCUMENTS };
      next = end;
    }
    return undefined;
  }

  async #build(group: number): Promise<void> {
    const segment = await groupSegment(this.parts, group);
    if (segment === undefined) this.#skipped.add(group);
    else await this.parts.blocks.put(this.parts.log, segment);
  }

  async #merge(children: readonly OpenSegment[]): Promise<void> {
    const { log, maker, blocks } = this.parts;
    const read: SegmentBlocks[] = [];
    for (const child of children) read.push(await child.whole());
    await blocks.put(log, await maker.merge(read));
  }
}

/**
 * The segment of level 1 of a group; undefined when the log does not have all of its entries. They are read in pieces, which may be of
 * several servers with different histories, so their hashes are compared with those of one read.
 */
export async function groupSegment(
  { log, reads, maker }: Pick<BuilderParts, "log" | "reads" | "maker">,
  group: number,
): Promise<SegmentBlocks | undefined> {
  const range = { start: group * PIECE_DOCUMENTS, end: (group + 1) * PIECE_DOCUMENTS };
  const leafHashes: Uint8Array[] = [];
  const segment = await maker.build(range.start, entries());
  return equalBytes(await reads.leafHashes(log, range), Buffer.concat(leafHashes)) ? segment : undefined;

  async function* entries(): AsyncGenerator<readonly IndexedEntry[]> {
    for (let start = range.start; start < range.end; start += READ_ENTRIES) {
      const rows = await readRows({ reads, log }, { start, end: start + READ_ENTRIES });
      leafHashes.push(...rows.map(({ leafHash }) => leafHash));
      yield rows.map(({ indexed }) => indexed);
    }
  }
}

/** The first 16 neighbours that one segment of the next level covers. */
function mergeable(list: readonly OpenSegment[]): readonly OpenSegment[] | undefined {
  for (const [place, first] of list.entries()) {
    const { level, number } = first.row;
    if (level >= MAX_MERGED_LEVEL || number % MERGED_CHILDREN !== 0) continue;
    const children = list.slice(place, place + MERGED_CHILDREN);
    const last = children.at(-1);
    const end = (number + MERGED_CHILDREN) * segmentDocuments(level);
    if (children.length === MERGED_CHILDREN && last?.row.level === level && last.range.end === end) return children;
  }
  return undefined;
}
