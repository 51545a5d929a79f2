import type { CheckedSegment } from "../../audit/search-index.js";
import { equalBytes } from "../../core/bytes.js";
import { PIECE_DOCUMENTS, type SegmentId } from "../../core/segment/format.js";
import type { SegmentRecord } from "../../core/segment/index-log.js";
import { MERGED_CHILDREN } from "../../core/segment/merge.js";
import { leavesOf } from "../../core/segment/search.js";
import { SegmentLost, type OpenSegment } from "./open-segment.js";
import { Outline } from "./outline.js";
import type { SegmentMerger } from "./segment-merger.js";
import { groupSegment, rowFromLog, type GroupParts } from "./segments-from-log.js";

/**
 * Builds stored segments again from the log: each is sound that is what it gives, without a damaged block. One of level 4, whose
 * children would not fit in memory, is only looked through for damaged blocks.
 */
export async function* checkedSegments(
  parts: CheckParts,
  list: readonly OpenSegment[],
): AsyncGenerator<CheckedSegment> {
  for (const segment of list) {
    const { level, number } = segment.row;
    yield { level, number, ...(await found(parts, segment)) };
  }
}

type CheckParts = GroupParts & { readonly merger: SegmentMerger };

/** Blocks that are read at once. */
const AT_ONCE = 1_024;

async function found(parts: CheckParts, segment: OpenSegment): Promise<Omit<CheckedSegment, keyof SegmentId>> {
  const { level, blocks, digest } = segment.row;
  try {
    if (level < 1) return { isSound: false }; // no gateway stores one
    const outline = await segment.readOutline();
    for (let first = 0; first < blocks - 1; first += AT_ONCE) {
      const some = await segment.run(first, Math.min(AT_ONCE, blocks - 1 - first));
      if (!some.every((block, place) => outline.hasBlock(first + place, block))) return { isSound: false };
    }
    const again = await rowFromLog(parts, segment.row);
    if (again === undefined || equalBytes(again.digest, digest)) return { isSound: true };
    return { isSound: false, misrecorded: await misrecorded(parts, segment.row, outline) };
  } catch (error) {
    if (error instanceof SegmentLost) return { isSound: false };
    throw error;
  }
}

/** Of the segments below, and of itself if it is of level 1: the first that is another than the entries make. */
async function misrecorded(parts: CheckParts, of: SegmentId, outline: Outline): Promise<SegmentId | undefined> {
  if (!outline.isOfLevel(of.level)) return undefined; // of an earlier version: nothing is signed by it
  const { start, end } = leavesOf(of);
  for (let group = start / PIECE_DOCUMENTS; group < end / PIECE_DOCUMENTS; group++) {
    const made = await groupSegment(parts, group);
    const right = made && Outline.read(made.contents.at(-1) ?? new Uint8Array(), made.digest);
    if (right === undefined) return undefined;
    const id = { level: 1, number: group };
    const ids = [...basesOf(group), id];
    const wrong = ids.find((one) => !isSame(outline.record(of, one), right.record(id, one)));
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function basesOf(group: number): readonly SegmentId[] {
  return Array.from({ length: MERGED_CHILDREN }, (_, place) => ({ level: 0, number: group * MERGED_CHILDREN + place }));
}

function isSame(a: SegmentRecord, b: SegmentRecord): boolean {
  return a.blocks === b.blocks && equalBytes(a.root, b.root);
}
