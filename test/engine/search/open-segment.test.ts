import { beforeEach, describe, expect, test } from "@jest/globals";
import { LRUCache } from "lru-cache";
import type { BlockId, BlockStore, SegmentBlocks } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import { utf8 } from "../../../src/core/bytes.js";
import { MalformedSegment } from "../../../src/core/segment/format.js";
import type { SegmentReader } from "../../../src/core/segment/read.js";
import {
  blockCache,
  type BlockCache,
  OpenSegment,
  prefetch,
  SegmentLost,
} from "../../../src/engine/search/open-segment.js";
import { storable } from "../../../src/engine/search/outline.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { sparseSegment } from "../../core/segment/tall-segments.js";

const LOG = "default";
/** Beside its outline: more than are read at once. */
const BLOCKS = 200;
const TERMS = ["b", "d", "f"];
const [header = utf8("")] = sparseSegment(0, 2_048).blocks;

/** With a header of its own, as the first; the others say what they are. */
function segmentOf(number: number, blocks = BLOCKS): SegmentBlocks {
  const texts = Array.from({ length: blocks - 1 }, (_, block) => utf8(`${number} block ${block + 1}`));
  const segment = { level: 1, number, blocks: [header, ...texts], directory: TERMS.map((term) => utf8(term)) };
  return storable(segment, new Uint8Array(32), []);
}

let store: MemoryBlockStore;
let fetched: (readonly BlockId[])[];
let change: (id: BlockId, data: Uint8Array | undefined) => Uint8Array | undefined;
let blocks: BlockStore;
beforeEach(() => {
  [store, fetched, change] = [new MemoryBlockStore(), [], (_, data) => data];
  blocks = replaced<BlockStore>(store, {
    blocks: async (log, ids) => {
      fetched.push(ids);
      return (await store.blocks(log, ids)).map((data, place) => change(ids[place] ?? nothing(), data));
    },
  });
});

async function opened(segments = [segmentOf(0)], cache = blockCache(2 ** 20)): Promise<readonly OpenSegment[]> {
  for (const segment of segments) await store.put(LOG, segment);
  return segments.map((segment) => new OpenSegment(segment, { log: LOG, blocks, cache }));
}

const numbers = (): readonly (readonly number[])[] => fetched.map((ids) => ids.map(({ block }) => block));
const counts = (): readonly number[] => fetched.map(({ length }) => length);
const range = (first: number, end: number): readonly number[] =>
  Array.from({ length: end - first }, (_, place) => first + place);
const reading =
  (...wanted: readonly number[]) =>
  (reader: SegmentReader): readonly Uint8Array[] =>
    wanted.map((block) => reader.source.block(block));

describe("a read of a stored segment", () => {
  test("fetches its outline and its header, and from a block that is missing more and more, up to its last", async () => {
    const [segment = nothing()] = await opened();
    const all = range(0, BLOCKS);
    expect(await segment.session().read(reading(...all))).toEqual(segmentOf(0).contents.slice(0, -1));
    expect(numbers()[0]).toEqual([BLOCKS]);
    expect(counts()).toEqual([1, 2, 4, 8, 16, 32, 64, 64, BLOCKS - 190]);
    expect(numbers().slice(1).flat()).toEqual(all);
  });

  test("begins with few again, at any block, and fetches nothing that is in memory", async () => {
    const [segment = nothing()] = await opened();
    const session = segment.session();
    await session.read(reading(0, 1, 2));
    await session.read(reading(3, 50));
    await segment.session().read(reading(50, 51, 4));
    expect(numbers()).toEqual([[BLOCKS], [0, 1], [2, 3, 4, 5], [50, 51]]);
    expect([4, 5, 50, 51, 52].map((block) => segment.hasInMemory(block))).toEqual([true, true, true, true, false]);
  });

  test("holds what it has read, though the cache holds nothing", async () => {
    const [segment = nothing()] = await opened(undefined, blockCache(1));
    const session = segment.session();
    await session.read(reading(0, 1, 2, 3));
    fetched.length = 0;
    await session.read(reading(3, 2, 1, 0));
    expect(fetched).toEqual([]);
    await segment.session().read(reading(1));
    expect(numbers()).toEqual([[0, 1]]);
  });

  test("tells which blocks it came upon, and no other", async () => {
    const [segment = nothing()] = await opened();
    const read = new Map<number, Uint8Array>();
    await segment.session(read).read(reading(7, 9));
    expect([...read.keys()].sort((a, b) => a - b)).toEqual([0, 7, 9]);
    expect(read.get(9)).toEqual(utf8("0 block 9"));
  });

  test("is lost with a block that is damaged or gone, with its outline, and where the list names another segment", async () => {
    for (const at of [0, 7, BLOCKS]) {
      for (const damage of [(data: Uint8Array) => data.map((byte) => byte ^ 1), () => undefined]) {
        change = ({ block }, data) => (block === at && data !== undefined ? damage(data) : data);
        const [segment = nothing()] = await opened();
        const lost = segment.session().read(reading(7));
        await expect(lost).rejects.toThrow(SegmentLost);
        await expect(lost).rejects.toMatchObject({ segment: { level: 1, number: 0 } });
      }
    }
    change = (_, data) => data;
    const [other = nothing()] = await opened([segmentOf(3)]); // with the header of another
    await expect(other.session().read(reading(7))).rejects.toThrow(SegmentLost);
  });

  test("is lost where what it reads makes no sense, and fails as what it runs does", async () => {
    const [segment = nothing()] = await opened();
    const failing = (error: Error) => () => {
      throw error;
    };
    await expect(segment.session().read(failing(new MalformedSegment("no")))).rejects.toThrow(SegmentLost);
    await expect(segment.session().read(failing(new TypeError("a bug")))).rejects.toThrow("a bug");
  });

  test("of so many blocks in a row is of exactly these, and lost where one is gone", async () => {
    const [segment = nothing()] = await opened();
    expect(await segment.run(3, 4)).toEqual(segmentOf(0).contents.slice(3, 7));
    expect(await segment.whole()).toEqual(segmentOf(0));
    change = ({ block }, data) => (block === 5 ? undefined : data);
    await expect(segment.run(3, 4)).rejects.toThrow(SegmentLost);
    expect(await segment.run(3, 2)).toHaveLength(2);
  });
});

describe("segments that are looked up ahead", () => {
  const all = () => opened([0, 1, 2].map((number) => segmentOf(number)));

  test("have their outlines fetched in one read, and the blocks of the terms in another, each once", async () => {
    const segments = await all();
    await prefetch(segments, [utf8("a"), utf8("e"), utf8("e"), utf8("z")]);
    const located = [...new Set(["a", "e", "z"].map(locate))];
    expect(fetched[0]).toEqual(segments.map(({ outlineId }) => outlineId));
    expect(fetched[1]?.map(({ number, block }) => [number, block])).toEqual(
      [0, 1, 2].flatMap((number) => [0, ...located].map((block) => [number, block])),
    );
    expect(fetched).toHaveLength(2);
  });

  test("are not fetched again, neither outlines nor blocks", async () => {
    const segments = await all();
    await prefetch(segments.slice(0, 1), [utf8("a")]);
    fetched.length = 0;
    await prefetch(segments, [utf8("a")]);
    expect(fetched.map((ids) => ids.map(({ number }) => number))).toEqual([
      [1, 2],
      [1, 1, 2, 2],
    ]);
    fetched.length = 0;
    await prefetch(segments, [utf8("a")]);
    await prefetch([], [utf8("a")]);
    expect(fetched).toEqual([]);
  });

  test("are lost where one of them is damaged", async () => {
    change = ({ number, block }, data) => (number === 1 && block === 0 ? data?.map((byte) => byte ^ 1) : data);
    const segments = await all();
    await expect(prefetch(segments, [])).rejects.toMatchObject({ segment: { number: 1 } });
  });

  const locate = (term: string): number => Math.max(1, TERMS.filter((first) => first <= term).length);
});

function nothing(): never {
  throw new Error("there is none");
}

test("a segment whose outline was given up while those of others came is read block by block later", async () => {
  const cache: BlockCache = { blocks: blockCache(2 ** 20).blocks, outlines: new LRUCache({ max: 1 }) };
  const [first, second] = await opened([segmentOf(0), segmentOf(1)], cache);
  if (first === undefined || second === undefined) throw new Error("two segments");
  await first.readOutline();
  fetched.length = 0;
  await prefetch([first, second], [utf8("b")]);
  expect(fetched.map((ids) => ids.map(({ number }) => number))).toEqual([[1], [1, 1]]);
});
