import type { SegmentBlocks, StoredSegment } from "../../audit/block-store.js";
import type { ReadEntries } from "../../audit/search-index.js";
import type { LogReads } from "../../audit/store.js";
import { equalBytes } from "../../core/bytes.js";
import { PIECE_DOCUMENTS, type SegmentId } from "../../core/segment/format.js";
import { MERGED_CHILDREN } from "../../core/segment/merge.js";
import { GroupTooLarge } from "../../core/segment/term-table.js";
import type { IndexedEntry } from "../../core/words/entry-terms.js";
import { READ_ENTRIES, readRows } from "./log-rows.js";
import type { SegmentMaker } from "./segment-maker.js";
import type { SegmentMerger } from "./segment-merger.js";

/** What segments are built from. */
export interface GroupParts {
  readonly log: string;
  readonly reads: Pick<LogReads, "leafHashes">;
  readonly entries: ReadEntries;
  readonly maker: SegmentMaker;
  /** Called with a sentence where one cannot be built. */
  readonly warn: (message: string) => void;
}

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

/** A segment of level 1 or 2, built from the log alone; undefined as groupSegment, and for other levels. */
export async function segmentFromLog(
  parts: GroupParts,
  { level, number }: SegmentId,
): Promise<SegmentBlocks | undefined> {
  if (level === 1) return groupSegment(parts, number);
  const children = level === 2 ? await childrenFromLog(parts, { level, number }) : undefined;
  return children && parts.maker.merge(children);
}

/**
 * What the store lists of a segment of level 1, 2 or 3, built from the log alone; undefined as segmentFromLog. At level 3 it holds its
 * children, some 200 MB.
 */
export async function rowFromLog(
  parts: GroupParts & { readonly merger: SegmentMerger },
  id: SegmentId,
): Promise<StoredSegment | undefined> {
  if (id.level !== 3) return segmentFromLog(parts, id);
  const children = await childrenFromLog(parts, id);
  return (
    children &&
    parts.merger.merge({
      children: children.map(({ level, number, blocks, digest, lastLeafHash }) => ({
        ...{ level, number, blocks, digest, lastLeafHash },
      })),
      read: (child, first, count) => Promise.resolve(children[child]?.contents.slice(first, first + count) ?? []),
      stage: () => Promise.resolve(),
      isAwaited: true,
    })
  );
}

async function childrenFromLog(
  parts: GroupParts,
  { level, number }: SegmentId,
): Promise<readonly SegmentBlocks[] | undefined> {
  const children: SegmentBlocks[] = [];
  for (let place = 0; place < MERGED_CHILDREN; place++) {
    const child = await segmentFromLog(parts, { level: level - 1, number: number * MERGED_CHILDREN + place });
    if (child === undefined) return undefined;
    children.push(child);
  }
  return children;
}
