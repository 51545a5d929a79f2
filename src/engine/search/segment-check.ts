import type { CheckedSegment } from "../../audit/search-index.js";
import { equalBytes } from "../../core/bytes.js";
import { Outline } from "./outline.js";
import { segmentFromLog, type GroupParts } from "./segment-builder.js";
import { SegmentLost, type OpenSegment } from "./open-segment.js";

/** Builds stored segments again from the log: each is sound that is what it gives, without a damaged block. */
export async function* checkedSegments(
  parts: GroupParts,
  list: readonly OpenSegment[],
): AsyncGenerator<CheckedSegment> {
  for (const segment of list) {
    const { level, number } = segment.row;
    yield { level, number, isSound: await isSound(parts, segment) };
  }
}

async function isSound(parts: GroupParts, segment: OpenSegment): Promise<boolean> {
  try {
    if (segment.row.level < 1) return false; // no gateway stores one
    const { contents, digest } = await segment.whole();
    const outline = Outline.read(contents.at(-1) ?? new Uint8Array(), digest);
    if (outline === undefined || !contents.slice(0, -1).every((block, number) => outline.hasBlock(number, block)))
      return false;
    const again = await segmentFromLog(parts, segment.row);
    return again === undefined || equalBytes(again.digest, digest);
  } catch (error) {
    if (error instanceof SegmentLost) return false;
    throw error;
  }
}
