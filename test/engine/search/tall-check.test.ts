import { afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { SegmentBlocks } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import type { LogStore } from "../../../src/audit/store.js";
import { SegmentIndex } from "../../../src/engine/search/segment-index.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { emptyHead } from "../../stores/batches.js";
import { GROUP, LOG } from "./segment-indexes.js";
import { RARE, TALL_END, TALL_SIZE, tallEntry, tallSegments, type TallIndex } from "./tall-log.js";

const LIMIT_MS = 120_000;

let made: TallIndex;
beforeAll(() => {
  made = tallSegments();
}, LIMIT_MS);

const indexes: SegmentIndex[] = [];
/** The groups that were built again. */
const built: number[] = [];
afterEach(async () => {
  built.length = 0;
  await Promise.all(indexes.splice(0).map((index) => index.close()));
});

/** The log, of which no store is filled. */
const log: Pick<LogStore, "entries" | "head" | "heads" | "leafHashes"> = {
  head: () => Promise.resolve({ ...emptyHead(LOG), size: TALL_SIZE }),
  heads: () => Promise.resolve([{ ...emptyHead(LOG), size: TALL_SIZE }]),
  entries: (_, leaves) => Promise.resolve(leaves.map((leafIndex) => ({ leafIndex, ...tallEntry(leafIndex) }))),
  leafHashes: (_, { start, end }) =>
    Promise.resolve(
      Buffer.concat(Array.from({ length: end - start }, (__, place) => tallEntry(start + place).leafHash)),
    ),
};

/** Reads the entries of a group as they are, but cuts no words that it has cut before: half of the time of a check. */
function quickMaker(): SegmentMaker {
  return replaced(new SegmentMaker(), {
    build: async (firstLeaf, entries) => {
      let next = firstLeaf;
      for await (const some of entries) next += some.length;
      expect(next).toBe(firstLeaf + GROUP);
      built.push(firstLeaf / GROUP);
      return made.group(firstLeaf / GROUP);
    },
  });
}

async function indexOver(...segments: readonly SegmentBlocks[]): Promise<SegmentIndex> {
  const blocks = new MemoryBlockStore();
  for (const segment of segments) await blocks.put(LOG, segment);
  const index = new SegmentIndex({ log, blocks, isShared: false, maker: quickMaker() });
  indexes.push(index);
  return index;
}

async function checked(index: SegmentIndex, from = 0): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { level, number, isSound } of index.check(LOG, from))
    found.push(`${level}/${number} ${isSound ? "sound" : "wrong"}`);
  return found;
}

const groups = (first: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, place) => first + place);

describe("a check of a segment of level 3, built again from a million entries,", () => {
  test(
    "finds it sound that is what they give",
    async () => {
      const index = await indexOver(made.tall(), made.last);
      expect(await checked(index)).toEqual(["3/0 sound", "2/16 sound"]);
      expect(built).toEqual(groups(0, 256 + 16));
      expect(await checked(index, TALL_END)).toEqual(["2/16 sound"]);
    },
    LIMIT_MS,
  );

  test(
    "finds it wrong that hides an entry, though each of its blocks is what its outline says",
    async () => {
      const index = await indexOver(made.fraudulent(), made.last);
      const filter = { kind: "phrase", field: "message", words: ["rare"], prefix: false } as const;
      const order = { field: "received_at", direction: "asc" } as const;
      const range = { start: 0, end: TALL_SIZE };
      expect(await index.page({ log: LOG, filter, range, order }, { limit: 50 })).toEqual(
        RARE.filter((_, place) => place !== 2),
      );
      expect(await checked(index)).toEqual(["3/0 wrong", "2/16 sound"]);
    },
    LIMIT_MS,
  );

  test.each([0, 2_000, -2, -1])(
    "finds it wrong with a damaged block, number %d, without building it again",
    async (at) => {
      const { contents, ...row } = made.tall();
      const place = at < 0 ? contents.length + at : at;
      const damaged = contents.map((block, number) =>
        number === place ? block.map((byte, i) => (i === block.length >> 1 ? byte ^ 1 : byte)) : block,
      );
      const index = await indexOver({ ...row, contents: damaged }, made.last);
      expect(await checked(index)).toEqual(["3/0 wrong", "2/16 sound"]);
      expect(built).toEqual(groups(256, 16));
    },
    LIMIT_MS,
  );
});
