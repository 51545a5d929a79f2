import { beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { SegmentBlocks, StoredSegment } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import { utf8, utf8Text } from "../../../src/core/bytes.js";
import type { Segment, SegmentId } from "../../../src/core/segment/format.js";
import { dueAt, recordBytes } from "../../../src/core/segment/index-log.js";
import { BaseSegments, proofCache } from "../../../src/engine/search/base-segments.js";
import { IndexLog, type IndexTree } from "../../../src/engine/search/index-tree.js";
import { blockCache } from "../../../src/engine/search/open-segment.js";
import { Outline, recordOf, recordsBelow, storable } from "../../../src/engine/search/outline.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { StoredSegments } from "../../../src/engine/search/stored-segments.js";
import { logFormat } from "../../../src/core/format.js";
import { treeRoot } from "../../../src/core/tree.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";

const LOG = "default";
const FORMAT = logFormat("rfc6962", nodeSha256);
const LAST_LEAF = new Uint8Array(32);

/** A segment is what its blocks are here: the index log asks for no more. */
const segmentOf = ({ level, number }: SegmentId): Segment => ({
  ...{ level, number, directory: [] },
  blocks: Array.from({ length: 1 + level + (number % 3) }, (_, block) => utf8(`${level}/${number} block ${block}`)),
});

/** With all that lies below it. */
function storedOf(id: SegmentId): SegmentBlocks {
  const children = Array.from({ length: 16 }, (_, place) => ({ level: id.level - 1, number: 16 * id.number + place }));
  const below = children.map((child) => ({
    id: child,
    outline: outlineOf(child.level === 0 ? bare(child) : storedOf(child)),
  }));
  return storable(segmentOf(id), LAST_LEAF, recordsBelow(below));
}

function bare(id: SegmentId): SegmentBlocks {
  return storable(segmentOf(id), LAST_LEAF, []);
}

function outlineOf({ contents, digest }: SegmentBlocks): Outline {
  const outline = Outline.read(contents.at(-1) ?? new Uint8Array(), digest);
  if (outline === undefined) throw new Error("no outline");
  return outline;
}

let blocks: MemoryBlockStore;
let stored: StoredSegments;
let built: number[];
let renewed: StoredSegment[];
let indexLog: IndexLog;
beforeEach(() => {
  [blocks, built, renewed] = [new MemoryBlockStore(), [], []];
  const reads = { leafHashes: () => Promise.resolve(LAST_LEAF) };
  const maker = replaced(new SegmentMaker(), {
    base: (firstLeaf) => {
      built.push(firstLeaf / 256);
      return Promise.resolve(segmentOf({ level: 0, number: firstLeaf / 256 }));
    },
  });
  const parts = { log: LOG, reads, entries: () => Promise.reject(new Error("not asked")), warn: () => undefined };
  stored = new StoredSegments({ log: LOG, blocks, cache: blockCache(2 ** 20) }, reads);
  const bases = new BaseSegments({ ...parts, maker, baseMaker: maker }, proofCache());
  indexLog = new IndexLog({ stored, bases, renew: (segment) => void renewed.push(segment) });
});

async function put(...ids: readonly SegmentId[]): Promise<void> {
  for (const id of ids) await blocks.put(LOG, storedOf(id));
  await stored.reload();
}

const one = (number: number): SegmentId => ({ level: 1, number });
const ones = (count: number): readonly SegmentId[] => Array.from({ length: count }, (_, number) => one(number));

/** What every record says when all segments are there. */
function recordsTo(size: number): readonly Uint8Array[] {
  return Array.from({ length: size }, (_, base) =>
    recordBytes(
      base,
      dueAt(base).map((id) => recordOf(segmentOf(id))),
    ),
  );
}

function expectRecords(tree: IndexTree, size: number): void {
  const records = recordsTo(size);
  const text = (record: Uint8Array): string => utf8Text(record) ?? "";
  expect(tree.size).toBe(size);
  expect(Array.from({ length: size }, (_, index) => text(tree.leaf(index)))).toEqual(records.map(text));
  expect(tree.rootHash).toEqual(
    treeRoot(
      FORMAT,
      records.map((record) => FORMAT.leafHash(record)),
    ),
  );
}

describe("the index log", () => {
  test("of an empty log is empty", async () => {
    const tree = await indexLog.upTo(0);
    expect([tree.size, tree.rootHash]).toEqual([0, FORMAT.emptyRoot]);
  });

  test("has a record for each base that is stored, and for those behind, up to the next group's end", async () => {
    await put(...ones(2));
    expectRecords(await indexLog.upTo(32), 32);
    expect(built).toEqual([]);
    expectRecords(await indexLog.upTo(35), 35);
    expect(built).toEqual([32, 33, 34]);
    expectRecords(await indexLog.upTo(60), 48); // the record of base 48 names 1/2
    expectRecords(await indexLog.upTo(7), 7);
  });

  test("builds no base twice", async () => {
    await put(one(0));
    for (const size of [18, 18, 19]) expectRecords(await indexLog.upTo(size), size);
    expect(built).toEqual([16, 17, 18]);
  });

  test("ends before a base that names a segment which is late", async () => {
    await put(...ones(16));
    expectRecords(await indexLog.upTo(272), 271);
    expect(built).toEqual(Array.from({ length: 16 }, (_, place) => 256 + place));
  });

  test("makes its tree once for what is stored, whatever size it is asked of", async () => {
    await put(one(0));
    const { hashes } = await indexLog.upTo(18);
    expect((await indexLog.upTo(18)).hashes).toBe(hashes);
    const smaller = await indexLog.upTo(10);
    expect((await indexLog.upTo(3)).hashes).toBe(smaller.hashes);
  });

  test("reads what outlines say of the bases once, as long as nothing else is stored", async () => {
    await put(...ones(2));
    const record = jest.spyOn(Outline.prototype, "record");
    await indexLog.upTo(32);
    const asked = record.mock.calls.length;
    for (const size of [32, 20, 33]) await indexLog.upTo(size);
    expect(asked).toBe(32 + 1); // base 16 names 1/0, too
    expect(record.mock.calls.length).toBe(asked + 1); // and base 32 names 1/1
    record.mockRestore();
  });

  test("lets others run between the records that it makes", async () => {
    await put(...ones(2));
    let [now, turns, isMade] = [0, 0, false];
    const clock = jest.spyOn(performance, "now").mockImplementation(() => (now += 20));
    const turn = (): void => {
      turns += 1;
      if (!isMade) setImmediate(turn);
    };
    turn();
    await indexLog.upTo(32);
    isMade = true;
    clock.mockRestore();
    expect(turns).toBeGreaterThanOrEqual(32);
  });

  test("follows what is stored meanwhile", async () => {
    await put(one(0));
    expectRecords(await indexLog.upTo(16), 16);
    await put(one(1));
    expectRecords(await indexLog.upTo(32), 32);
  });

  test("ends before a record that names a segment which is late, and goes on when that is there", async () => {
    await put(...ones(18));
    expectRecords(await indexLog.upTo(288), 271); // base 271 names 2/0, of which the children alone are there
    expectRecords(await indexLog.upTo(300), 271);
    expect(built).toEqual([]);
    await put({ level: 2, number: 0 });
    expectRecords(await indexLog.upTo(288), 288);
  });

  test("ends at a gap, and reads the bases in it from the log", async () => {
    await put(one(0), one(2));
    expectRecords(await indexLog.upTo(48), 32);
    expect(built).toEqual(Array.from({ length: 16 }, (_, place) => 16 + place));
  });

  test("has a segment renewed whose outline says nothing of those below, and goes without it", async () => {
    await put(one(0));
    await blocks.put(LOG, bare(one(1)));
    await stored.reload();
    expectRecords(await indexLog.upTo(20), 20);
    expect(renewed.map(({ level, number }) => [level, number])).toEqual([[1, 1]]);
    expect(built).toEqual([16, 17, 18, 19]);
  });
});
