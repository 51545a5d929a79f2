import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { SegmentBlocks, StagedBlock, StoredSegment } from "../../src/audit/block-store.js";
import type { OpenedStore } from "../../src/audit/search-index.js";
import { batch, emptyHead, entry, hashOf } from "./batches.js";

const LOG = "default";
/** The leaves of two segments of level 0 of a made-up log: a store does not look into blocks. */
const ENTRIES = Array.from({ length: 512 }, (_, place) => entry(`entry ${place}`, place));

function segment(number: number, blocks = 3, size = 1_952): SegmentBlocks {
  const contents = Array.from({ length: blocks }, (_, block) => new Uint8Array(size - block).fill(number + block + 1));
  const lastLeafHash = ENTRIES[256 * (number + 1) - 1]?.leafHash ?? new Uint8Array(32);
  return { level: 0, number, blocks, digest: hashOf(`digest ${number}`), lastLeafHash, contents };
}

const idsOf = ({ level, number, blocks }: SegmentBlocks): readonly { level: number; number: number; block: number }[] =>
  Array.from({ length: blocks }, (_, block) => ({ level, number, block }));

const stagedOf = ({ contents }: SegmentBlocks): readonly StagedBlock[] =>
  contents.map((data, block) => ({ block, data }));

const rowOf = ({ level, number, blocks, digest, lastLeafHash }: SegmentBlocks): StoredSegment => ({
  ...{ level, number, blocks, digest, lastLeafHash },
});

/** `open` gives an empty store; opened again with what it returned for `reopen`, it has what was stored. */
export function blockStoreContract(
  name: string,
  open: () => Promise<{ readonly opened: OpenedStore; readonly reopen: (() => Promise<OpenedStore>) | undefined }>,
): void {
  describe(`BlockStore contract: ${name}`, () => {
    let store: OpenedStore;
    let reopen: (() => Promise<OpenedStore>) | undefined;
    beforeEach(async () => {
      ({ opened: store, reopen } = await open());
      await store.log.createLog(emptyHead(LOG));
      await store.log.append(batch(LOG, 0, ENTRIES));
    });
    afterEach(async () => {
      await store.blocks.close();
      await store.log.close();
    });

    test("has nothing of an unknown log", async () => {
      expect(await store.blocks.segments("unknown")).toEqual([]);
      expect(await store.blocks.blocks("unknown", idsOf(segment(0)))).toEqual([undefined, undefined, undefined]);
      await store.blocks.remove("unknown", [segment(0)]);
    });

    test("gives back what was put, byte for byte, in one read and in the order asked, duplicates included", async () => {
      const [first, second] = [segment(0), segment(1, 4)];
      await store.blocks.put(LOG, second);
      await store.blocks.put(LOG, first);
      expect(await store.blocks.segments(LOG)).toEqual([rowOf(first), rowOf(second)]);
      const asked = [...[...idsOf(second)].reverse(), ...idsOf(first), ...idsOf(second).slice(0, 1)];
      const expected = [...[...second.contents].reverse(), ...first.contents, ...second.contents.slice(0, 1)];
      expect((await store.blocks.blocks(LOG, asked)).map(plain)).toEqual(expected.map(plain));
      expect(await store.blocks.blocks(LOG, [])).toEqual([]);
    });

    test("keeps a block that is larger than a page", async () => {
      const large = segment(0, 2, 300_000);
      await store.blocks.put(LOG, large);
      expect((await store.blocks.blocks(LOG, idsOf(large))).map(plain)).toEqual(large.contents.map(plain));
    });

    test("keeps a segment of thousands of blocks", async () => {
      const many = segment(0, 3_000, 3_001);
      await store.blocks.put(LOG, many);
      const found = await store.blocks.blocks(LOG, idsOf(many));
      expect(found.filter((block, place) => block?.length !== many.contents[place]?.length)).toEqual([]);
    });

    test("stores a segment once: the second time changes nothing", async () => {
      const first = segment(0);
      await Promise.all([store.blocks.put(LOG, first), store.blocks.put(LOG, first)]);
      await store.blocks.put(LOG, { ...first, digest: hashOf("another"), contents: [...first.contents].reverse() });
      expect(await store.blocks.segments(LOG)).toEqual([rowOf(first)]);
      expect((await store.blocks.blocks(LOG, idsOf(first))).map(plain)).toEqual(first.contents.map(plain));
    });

    test("removes a segment with its blocks and no other, and takes it again", async () => {
      const [first, second] = [segment(0), segment(1)];
      for (const one of [first, second]) await store.blocks.put(LOG, one);
      await store.blocks.remove(LOG, [first]);
      await store.blocks.remove(LOG, [first]);
      expect(await store.blocks.segments(LOG)).toEqual([rowOf(second)]);
      const left = await store.blocks.blocks(LOG, [...idsOf(first), ...idsOf(second)]);
      expect(left.map(plain)).toEqual([undefined, undefined, undefined, ...second.contents.map(plain)]);
      await store.blocks.put(LOG, first);
      expect((await store.blocks.blocks(LOG, idsOf(first))).map(plain)).toEqual(first.contents.map(plain));
    });

    test("lists a segment that was staged in pieces when it is published, byte for byte", async () => {
      const many = segment(0, 700);
      const pieces = stagedOf(many);
      for (let at = 0; at < pieces.length; at += 300) {
        await store.blocks.stage(LOG, many, pieces.slice(at, at + 300));
        expect(await store.blocks.segments(LOG)).toEqual([]);
      }
      await store.blocks.stage(LOG, many, pieces.slice(10, 20));
      for (let twice = 0; twice < 2; twice++) await store.blocks.publish(LOG, rowOf(many));
      expect(await store.blocks.segments(LOG)).toEqual([rowOf(many)]);
      expect((await store.blocks.blocks(LOG, idsOf(many))).map(plain)).toEqual(many.contents.map(plain));
    });

    test("lists no segment of which a block is missing, and stores it whole all the same", async () => {
      const [first, second] = [segment(0), segment(1)];
      await store.blocks.publish(LOG, rowOf(first));
      await store.blocks.stage(LOG, first, stagedOf(first).slice(1));
      await store.blocks.publish(LOG, rowOf(first));
      expect(await store.blocks.segments(LOG)).toEqual([]);
      await store.blocks.put(LOG, first);
      await store.blocks.put(LOG, second);
      expect(await store.blocks.segments(LOG)).toEqual([rowOf(first), rowOf(second)]);
      expect((await store.blocks.blocks(LOG, idsOf(first))).map(plain)).toEqual(first.contents.map(plain));
    });

    test("removes what was staged, and publishes nothing of it", async () => {
      const first = segment(0);
      await store.blocks.stage(LOG, first, stagedOf(first));
      await store.blocks.remove(LOG, [first]);
      await store.blocks.stage(LOG, first, stagedOf(first).slice(0, 1));
      await store.blocks.publish(LOG, rowOf(first));
      expect(await store.blocks.segments(LOG)).toEqual([]);
    });

    test("changes nothing of a stored segment by staging and publishing it", async () => {
      const first = segment(0);
      await store.blocks.put(LOG, first);
      await store.blocks.stage(LOG, first, stagedOf({ ...first, contents: [...first.contents].reverse() }));
      await store.blocks.publish(LOG, { ...rowOf(first), digest: hashOf("another") });
      expect(await store.blocks.segments(LOG)).toEqual([rowOf(first)]);
      expect((await store.blocks.blocks(LOG, idsOf(first))).map(plain)).toEqual(first.contents.map(plain));
    });

    test("keeps logs apart", async () => {
      await store.log.createLog(emptyHead("other"));
      await store.log.append(batch("other", 0, ENTRIES));
      await store.blocks.put("other", segment(0));
      expect(await store.blocks.segments(LOG)).toEqual([]);
      expect(await store.blocks.blocks(LOG, idsOf(segment(0)).slice(0, 1))).toEqual([undefined]);
    });

    test("gives its only user the turn, again and again", async () => {
      expect([await store.blocks.claim(LOG), await store.blocks.claim(LOG)]).toEqual([true, true]);
    });

    test("has what was put when it is opened again", async () => {
      if (reopen === undefined) return;
      await store.blocks.put(LOG, segment(0));
      await store.blocks.stage(LOG, segment(1), stagedOf(segment(1)));
      await store.blocks.close();
      await store.log.close();
      store = await reopen();
      expect(await store.blocks.segments(LOG)).toEqual([rowOf(segment(0))]);
      await store.blocks.publish(LOG, rowOf(segment(1)));
      expect(await store.blocks.segments(LOG)).toEqual([rowOf(segment(0)), rowOf(segment(1))]);
    });
  });
}

/** Comparing arrays of thousands of bytes with the matchers takes seconds. */
function plain(block: Uint8Array | undefined): string | undefined {
  return block && Buffer.from(block).toString("latin1");
}
