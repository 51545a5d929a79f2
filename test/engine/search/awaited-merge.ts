import { SegmentMerger } from "../../../src/engine/search/segment-merger.js";
import { tallSegments } from "./tall-log.js";

/** Usage: awaited-merge.js [unawaited]: merges 16 segments that are in memory, and does nothing else meanwhile. Prints what it has made. */
const { children } = tallSegments();
const { level, number, blocks } = await new SegmentMerger().merge({
  children,
  read: (child, first, count) => Promise.resolve(children[child]?.contents.slice(first, first + count) ?? []),
  stage: () => Promise.resolve(),
  isAwaited: process.argv[2] !== "unawaited",
});
process.stdout.write(`${level}/${number} of ${blocks}`);
