import { describe, expect, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import type { CheckedSegment, SearchIndex } from "../../../src/audit/search-index.js";
import { checkedSample, type IndexSample } from "../../../src/engine/upkeep/fsck-index.js";
import { MemoryLogStore } from "../../../src/stores/memory/log-store.js";
import { memoryIndex } from "../search/memory-index.js";

const GROUP = 4_096;
/** All groups of the index. */
const SIZE = 4 * GROUP;

interface Drawn {
  readonly sample: IndexSample;
  readonly found: readonly string[];
  /** How many leaves could be drawn, each time. */
  readonly ends: readonly number[];
}

/** Draws these places from an index of four groups; `at` says which segment holds a leaf. */
async function drawn(count: number, places: readonly number[], at = groupAt): Promise<Drawn> {
  const index = replaced<SearchIndex>(memoryIndex(new MemoryLogStore()), {
    indexedSize: () => Promise.resolve(SIZE),
    check: async function* (_, from) {
      const segment = await Promise.resolve(at(from));
      if (segment === undefined) return;
      yield segment;
      throw new Error("a second segment was built");
    },
  });
  const [found, ends, left]: [string[], number[], number[]] = [[], [], [...places]];
  const draw = (end: number): number => (ends.push(end), left.shift() ?? 0);
  const sample = await checkedSample({ index, log: "default", draw }, count, ({ level, number }) => {
    found.push(`${level}/${number}`);
  });
  return { sample, found, ends };
}

const groupAt = (leaf: number): CheckedSegment | undefined => ({
  level: 1,
  number: Math.floor(leaf / GROUP),
  isSound: true,
});

describe("a sample of the search index", () => {
  test("is drawn by leaves, of those that are not in it yet", async () => {
    // The last leaf of the first group; the first of what is left, and the last.
    expect(await drawn(4, [GROUP - 1, 0, 2 * GROUP - 1, 0])).toEqual({
      sample: { segments: 4, entries: SIZE, of: SIZE },
      found: ["1/0", "1/1", "1/3", "1/2"],
      ends: [SIZE, 3 * GROUP, 2 * GROUP, GROUP],
    });
    // One in the middle first: what is left lies on both sides of it.
    expect((await drawn(3, [GROUP, GROUP, GROUP - 1])).found).toEqual(["1/1", "1/2", "1/0"]);
    expect((await drawn(2, [GROUP, GROUP - 1])).found).toEqual(["1/1", "1/0"]);
    // Behind gaps of which none begins at 0.
    expect((await drawn(3, [0, GROUP, GROUP])).found).toEqual(["1/0", "1/2", "1/3"]);
  });

  test("is as large as was asked for, or all there is", async () => {
    expect((await drawn(1, [0])).sample).toEqual({ segments: 1, entries: GROUP, of: SIZE });
    expect((await drawn(9, [])).sample).toEqual({ segments: 4, entries: SIZE, of: SIZE });
    expect((await drawn(0, [])).sample).toEqual({ segments: 0, entries: 0, of: SIZE });
  });

  test("ends where a segment that was drawn is gone, or is one that was looked at: both were merged meanwhile", async () => {
    const once = (leaf: number): CheckedSegment | undefined => (leaf < GROUP ? groupAt(leaf) : undefined);
    expect((await drawn(3, [], once)).sample).toEqual({ segments: 1, entries: GROUP, of: SIZE });
    const same = (): CheckedSegment | undefined => groupAt(0);
    expect((await drawn(3, [], same)).sample).toEqual({ segments: 1, entries: GROUP, of: SIZE });
  });

  test("counts of a segment that was merged meanwhile what it did not count before", async () => {
    const merged = (leaf: number): CheckedSegment | undefined =>
      leaf < 2 * GROUP ? groupAt(leaf) : { level: 2, number: 0, isSound: true };
    expect(await drawn(3, [GROUP, GROUP], merged)).toEqual({
      sample: { segments: 2, entries: SIZE, of: SIZE },
      found: ["1/1", "2/0"],
      ends: [SIZE, 3 * GROUP],
    });
  });

  test("is never drawn from beyond the index", async () => {
    await expect(drawn(1, [SIZE])).rejects.toThrow(`the gaps do not have ${SIZE} leaves`);
  });
});
