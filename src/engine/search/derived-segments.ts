import { join } from "node:path";
import type { SegmentBlocks, StoredSegment } from "../../audit/block-store.js";
import type { SegmentId } from "../../core/segment/format.js";
import type { SegmentRecord } from "../../core/segment/index-log.js";
import { MERGED_CHILDREN } from "../../core/segment/merge.js";
import { leavesOf } from "../../core/segment/search.js";
import type { LeafRange } from "../../core/tree.js";
import type { IndexedEntry } from "../../core/words/entry-terms.js";
import { Outline, recordOf } from "./outline.js";
import { SegmentFile } from "./segment-file.js";
import type { SegmentMaker } from "./segment-maker.js";
import type { SegmentMerger } from "./segment-merger.js";

export interface DerivingParts {
  readonly maker: SegmentMaker;
  readonly merger: SegmentMerger;
  /** Where segments lie until they are merged: 200 bytes an entry of the largest one, twice. */
  readonly folder: string;
  /** All entries of a range, some at once, in their order. */
  readonly entries: (range: LeafRange) => AsyncIterable<readonly IndexedEntry[]>;
}

/** A segment whose blocks can be read. */
interface Derived {
  readonly row: StoredSegment;
  readonly file: SegmentFile;
}

/**
 * Makes segments from entries alone, without a store: of levels 0 and 1 from the entries, of those above from 16 below.
 * The memory that it needs does not grow with the log.
 */
export class DerivedSegments {
  constructor(private readonly parts: DerivingParts) {}

  /**
   * What the index log has to say of a segment and of all that lie below it, in the order of their leaves, lower ones first.
   * Rejects as `entries` does, and with GroupTooLarge.
   */
  async *under(id: SegmentId): AsyncGenerator<SegmentRecord> {
    if (id.level === 0) {
      const { start } = leavesOf(id);
      yield recordOf(await this.parts.maker.base(start, this.parts.entries(leavesOf(id))));
    } else if (id.level === 1) {
      yield* recordsIn(await this.#group(id));
    } else {
      const { file } = yield* this.#merged(id);
      await file.remove();
    }
  }

  #group(id: SegmentId): Promise<SegmentBlocks> {
    return this.parts.maker.build(leavesOf(id).start, this.parts.entries(leavesOf(id)));
  }

  async *#derived(id: SegmentId): AsyncGenerator<SegmentRecord, Derived> {
    if (id.level > 1) return yield* this.#merged(id);
    const segment = await this.#group(id);
    yield* recordsIn(segment);
    const file = await this.#file(id);
    await file.write(segment.contents.map((data, block) => ({ block, data })));
    const { level, number, blocks, digest, lastLeafHash } = segment;
    return { row: { level, number, blocks, digest, lastLeafHash }, file };
  }

  async *#merged(id: SegmentId): AsyncGenerator<SegmentRecord, Derived> {
    const children: Derived[] = [];
    for (let place = 0; place < MERGED_CHILDREN; place++)
      children.push(yield* this.#derived({ level: id.level - 1, number: id.number * MERGED_CHILDREN + place }));
    const file = await this.#file(id);
    const row = await this.parts.merger.merge({
      children: children.map((child) => child.row),
      read: async (child, first, count) => (await children[child]?.file.read(first, count)) ?? [],
      stage: (blocks) => file.write(blocks),
      isAwaited: true,
    });
    for (const child of children) await child.file.remove();
    const [outline = new Uint8Array()] = await file.read(row.blocks - 1, 1);
    yield outlineOf(row, outline).record(id, id);
    return { row, file };
  }

  #file({ level, number }: SegmentId): Promise<SegmentFile> {
    return SegmentFile.create(join(this.parts.folder, `${level}-${number}`));
  }
}

/** Of a segment of level 1, behind those of the 16 of level 0 over the same leaves. */
function* recordsIn(segment: SegmentBlocks): Generator<SegmentRecord> {
  const { level, number, contents } = segment;
  const outline = outlineOf(segment, contents.at(-1) ?? new Uint8Array());
  const bases = Array.from({ length: MERGED_CHILDREN }, (_, place) => number * MERGED_CHILDREN + place);
  for (const base of bases) yield outline.record({ level, number }, { level: 0, number: base });
  yield outline.record({ level, number }, { level, number });
}

function outlineOf({ level, number, digest }: StoredSegment, bytes: Uint8Array): Outline {
  const outline = Outline.read(bytes, digest);
  if (outline === undefined) throw new Error(`segment ${level}/${number} was not written as it was made`);
  return outline;
}
