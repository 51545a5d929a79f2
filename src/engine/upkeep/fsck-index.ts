import { randomInt } from "node:crypto";
import type { CheckedSegment, SearchIndex } from "../../audit/search-index.js";
import { segmentDocuments } from "../../core/segment/format.js";

/**
 * What a check of some segments covered: the entries in segments that were rebuilt, and the entries in all segments.
 */
export interface IndexSample {
  readonly segments: number;
  readonly entries: number;
  readonly of: number;
}

export interface SampledIndex {
  readonly index: SearchIndex;
  readonly log: string;
  /** Any integer from 0 below `end`, each as likely as the others. Default: `randomInt` of node:crypto. */
  readonly draw?: (end: number) => number;
}

/**
 * Rebuilds this many stored segments, chosen at random by their entries, each once; fewer if there are fewer. The
 * operator of a log cannot predict the choice, so one wrong segment is found with the probability that the sample
 * implies. Calls `found` for each.
 */
export async function checkedSample(
  { index, log, draw = randomInt }: SampledIndex,
  count: number,
  found: (segment: CheckedSegment) => void,
): Promise<IndexSample> {
  const of = await index.indexedSize(log);
  const gaps = [{ start: 0, end: of }];
  let [segments, entries] = [0, 0];
  while (segments < count && entries < of) {
    const segment = await segmentOf(index, log, leafIn(gaps, draw(of - entries)));
    if (segment === undefined) break; // it was merged or dropped meanwhile
    const width = segmentDocuments(segment.level);
    const [start, end] = [segment.number * width, (segment.number + 1) * width];
    const before = sizeOf(gaps);
    takeOut(gaps, start, end);
    if (sizeOf(gaps) === before) break;
    found(segment);
    segments += 1;
    entries += before - sizeOf(gaps);
  }
  return { segments, entries, of };
}

/** A check from a leaf on starts with the segment that holds it; later segments are not rebuilt. */
async function segmentOf(index: SearchIndex, log: string, leaf: number): Promise<CheckedSegment | undefined> {
  for await (const segment of index.check(log, leaf)) return segment;
  return undefined;
}

interface Gap {
  readonly start: number;
  readonly end: number;
}

/** The place-th leaf of the gaps. */
function leafIn(gaps: readonly Gap[], place: number): number {
  let left = place;
  for (const { start, end } of gaps) {
    if (left < end - start) return start + left;
    left -= end - start;
  }
  throw new RangeError(`the gaps do not have ${place} leaves`);
}

function sizeOf(gaps: readonly Gap[]): number {
  return gaps.reduce((sum, { start, end }) => sum + end - start, 0);
}

function takeOut(gaps: Gap[], start: number, end: number): void {
  const left = gaps.flatMap((gap) => [
    { start: gap.start, end: Math.min(gap.end, start) },
    { start: Math.max(gap.start, end), end: gap.end },
  ]);
  gaps.splice(0, gaps.length, ...left.filter((gap) => gap.start < gap.end));
}
