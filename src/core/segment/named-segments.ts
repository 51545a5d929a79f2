import { LEVEL_BITS, MAX_LEVEL, type SegmentId } from "./format.js";

/** How many segments of a level the records of an index log of a size name: the first ones. */
function namedOf(level: number, indexSize: number): number {
  if (level === 0) return indexSize;
  return Math.max(0, Math.floor((indexSize - 2 ** (LEVEL_BITS * (level - 1))) / 2 ** (LEVEL_BITS * level)));
}

/** How many segments the records of an index log of a size name, of all levels. */
export function namedCount(indexSize: number): number {
  let count = 0;
  for (let level = 0; level <= MAX_LEVEL; level++) count += namedOf(level, indexSize);
  return count;
}

/** One of those, by its place: level 0 first. */
export function namedAt(place: number, indexSize: number): SegmentId {
  let [level, number] = [0, place];
  while (number >= namedOf(level, indexSize) && level < MAX_LEVEL) number -= namedOf(level++, indexSize);
  return { level, number };
}

/**
 * The segments that records from one index size up to another name, without those that lie below others of them, in the
 * order of their leaves.
 */
export function segmentsNamed(fromSize: number, toSize: number): readonly SegmentId[] {
  const named = (level: number): { readonly start: number; readonly end: number } => ({
    start: namedOf(level, fromSize),
    end: namedOf(level, toSize),
  });
  const found: SegmentId[] = [];
  for (let level = 0; level <= MAX_LEVEL; level++) {
    const { start, end } = named(level);
    for (let number = start; number < end;) {
      const behind = behindCover(level, number);
      if (behind === undefined) found.push({ level, number });
      number = behind ?? number + 1;
    }
  }
  return inOrder(found);

  /** The first number of the level behind the segments above it that are named too, if one of these has it. */
  function behindCover(level: number, number: number): number | undefined {
    for (let above = level + 1; above <= MAX_LEVEL; above++) {
      const width = 2 ** (LEVEL_BITS * (above - level));
      const { start, end } = named(above);
      if (number >= start * width && number < end * width) return end * width;
    }
    return undefined;
  }
}

/** Segments without those that lie below others of them, each once, in the order of their leaves. */
export function withoutCovered(segments: readonly SegmentId[]): readonly SegmentId[] {
  const names = new Map(segments.map((id) => [nameOf(id), id]));
  const isCovered = ({ level, number }: SegmentId): boolean => {
    for (let above = level + 1; above <= MAX_LEVEL; above++)
      if (names.has(nameOf({ level: above, number: Math.floor(number / 2 ** (LEVEL_BITS * (above - level))) })))
        return true;
    return false;
  };
  return inOrder([...names.values()].filter((id) => !isCovered(id)));
}

/** None of them lies below another. */
function inOrder(segments: readonly SegmentId[]): readonly SegmentId[] {
  const start = ({ level, number }: SegmentId): number => number * 2 ** (LEVEL_BITS * level);
  return [...segments].sort((a, b) => start(a) - start(b));
}

function nameOf({ level, number }: SegmentId): string {
  return `${level}/${number}`;
}
