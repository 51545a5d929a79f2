import type { CheckedSegment } from "../../audit/search-index.js";
import { equalBytes } from "../../core/bytes.js";
import { SegmentLost, type OpenSegment } from "./open-segment.js";
import type { SegmentMerger } from "./segment-merger.js";
import { rowFromLog, type GroupParts } from "./segments-from-log.js";

/**
 * Builds stored segments again from the log: each is sound that is what it gives, without a damaged block. One of level 4, whose
 * children would not fit in memory, is only looked through for damaged blocks.
 */
export async function* checkedSegments(
  parts: GroupParts & { readonly merger: SegmentMerger },
  list: readonly OpenSegment[],
): AsyncGenerator<CheckedSegment> {
  for (const segment of list) {
    const { level, number } = segment.row;
    yield { level, number, isSound: await isSound(parts, segment) };
  }
}

/** Blocks that are read at once. */
const AT_ONCE = 1_024;

async function isSound(parts: GroupParts & { readonly merger: SegmentMerger }, segment: OpenSegment): Promise<boolean> {
  const { level, blocks, digest } = segment.row;
  try {
    if (level < 1) return false; // no gateway stores one
    const outline = await segment.readOutline();
    for (let first = 0; first < blocks - 1; first += AT_ONCE) {
      const some = await segment.run(first, Math.min(AT_ONCE, blocks - 1 - first));
      if (!some.every((block, place) => outline.hasBlock(first + place, block))) return false;
    }
    const again = await rowFromLog(parts, segment.row);
    return again === undefined || equalBytes(again.digest, digest);
  } catch (error) {
    if (error instanceof SegmentLost) return false;
    throw error;
  }
}
