import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { BlockStore, SegmentBlocks, StoredSegment } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import { compareBytes, segmentRoot, type Segment } from "../../../src/core/segment/format.js";
import { mergeSegments } from "../../../src/core/segment/merge.js";
import { LargeMerges, type Merge } from "../../../src/engine/search/large-merges.js";
import { blockCache } from "../../../src/engine/search/open-segment.js";
import { Outline, recordsBelow, storable, type Records } from "../../../src/engine/search/outline.js";
import { SegmentMerger } from "../../../src/engine/search/segment-merger.js";
import { StoredSegments } from "../../../src/engine/search/stored-segments.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { openSqlite } from "../../../src/stores/sqlite/open.js";
import { neighbours, readerOf, sparseSegment, tallSegment } from "../../core/segment/tall-segments.js";

const LOG = "default";
const LAST_LEAF = nodeSha256(Uint8Array.of(1));
const reads = { leafHashes: () => Promise.resolve(LAST_LEAF) };

const mergers: SegmentMerger[] = [];
afterEach(async () => {
  await Promise.all(mergers.splice(0).map((merger) => merger.close()));
});

/** 16 neighbours, and what their merge has to be. */
interface Family {
  readonly children: readonly Segment[];
  readonly below: Records;
  readonly merged: Segment;
}

let small: Family;
beforeAll(() => {
  small = familyOf(neighbours([sparseSegment(0, 2), sparseSegment(1, 64), sparseSegment(2, 512)]));
});

describe("a large merge", () => {
  test.each([
    [2, () => small],
    [3, () => familyOf(neighbours([tallSegment({ level: 2, number: 0 })]))],
  ] as const)("stores the segment of level %d that core makes in memory, with what lies below", async (level, make) => {
    const family = make();
    const store = await storeOf(family);
    await merged(store);
    await expectMerged(store, family);
    expect(family.merged.level).toBe(level);
  });

  test("begins anew where it ended, whatever the step, and gives the same segment", async () => {
    const steps = await stepsOf(small);
    expect(steps.length).toBeGreaterThan(10);
    const places = (name: Step): readonly number[] => steps.flatMap((step, place) => (step === name ? [place] : []));
    const [reads, stages] = [places("read"), places("stage")];
    expect(stages.length).toBeGreaterThan(2);
    const cuts = [reads[0], reads[20], stages[1], ...places("publish")];
    for (const step of new Set(cuts)) {
      const store = await storeOf(small);
      await merged(dyingAt(store, step ?? 0));
      await merged(store);
      await expectMerged(store, small);
    }
  });

  test("begins anew in a file that a process left with half of it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "auditql-merges-"));
    try {
      const path = join(folder, "log.db");
      const stages = (await stepsOf(small)).flatMap((step, place) => (step === "stage" ? [place] : []));
      const first = await openSqlite(path);
      for (const child of segmentsOf(small)) await first.blocks.put(LOG, child);
      await merged(dyingAt(first.blocks, stages[1] ?? 0));
      expect((await first.blocks.segments(LOG)).map(({ level }) => level)).not.toContain(2);
      for (const end of [first.blocks, first.log]) await end.close();
      const second = await openSqlite(path);
      await merged(second.blocks);
      await expectMerged(second.blocks, small);
      for (const end of [second.blocks, second.log]) await end.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("is cut short when it is closed, leaves nothing listed, and goes through another time", async () => {
    const store = await storeOf(small);
    const { merger, large, merge, warnings } = await opened(
      replaced<BlockStore>(store, { stage: () => new Promise(() => undefined) }),
    );
    large.begin([merge], () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await merger.close();
    await large.ended();
    expect(warnings).toEqual([]);
    expect((await store.segments(LOG)).map(({ level }) => level)).not.toContain(2);
    await merged(store);
    await expectMerged(store, small);
  });

  test("gives way to another gateway that has the turn, and says nothing of it", async () => {
    const store = await storeOf(small);
    const warnings = await merged(replaced<BlockStore>(store, { claim: () => Promise.resolve(false) }));
    expect(warnings).toEqual([]);
    expect((await store.segments(LOG)).map(({ level }) => level)).not.toContain(2);
  });

  test("takes nothing away that another gateway has made since it was planned", async () => {
    const store = await storeOf(small);
    const { large, merge, warnings } = await opened(store);
    await merged(store);
    await store.remove(LOG, small.children);
    large.begin([merge], () => undefined);
    await large.ended();
    expect(warnings).toEqual([]);
    await expectMerged(store, small);
    await large.close();
  });

  test("is tried again a while after it failed, whether or not somebody searches", async () => {
    const store = await storeOf(small);
    let claims = 0;
    const { large, merge, warnings } = await opened(
      replaced<BlockStore>(store, { claim: () => Promise.resolve(++claims > 2) }),
    );
    await new Promise<void>((resolve) => {
      const next = (): void => {
        if (claims > 2) resolve();
        else large.begin([merge], next);
      };
      next();
    });
    await expectMerged(store, small);
    expect(warnings).toEqual([]);
    await large.close();
  });

  test.each([0, 7, -2, -1])("takes a damaged child away, block %i", async (at) => {
    const store = await storeOf(small);
    const [row] = (await store.segments(LOG)).slice(3);
    if (row === undefined) throw new Error("16 children");
    const ids = Array.from({ length: row.blocks }, (_, block) => ({ level: 1, number: 3, block }));
    const contents = (await store.blocks(LOG, ids)).map((block) => Uint8Array.from(block ?? []));
    const damaged = contents.at(at) ?? new Uint8Array();
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
    await store.remove(LOG, [row]);
    await store.put(LOG, { ...row, contents });
    expect(await merged(store)).toEqual([]);
    const left = (await store.segments(LOG)).map(({ number }) => number);
    expect(left).toEqual(Array.from({ length: 16 }, (_, number) => number).filter((number) => number !== 3));
  });

  test("is taken from a thread that has ended before its last word was heard", async () => {
    const store = await storeOf(small);
    const stage: BlockStore["stage"] = async (log, id, blocks) => {
      await store.stage(log, id, blocks);
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)); // hears nothing meanwhile
    };
    expect(await merged(replaced<BlockStore>(store, { stage }))).toEqual([]);
    await expectMerged(store, small);
  });

  test("holds no process that wants to end", async () => {
    const store = await storeOf(small);
    const holding = (): readonly string[] => process.getActiveResourcesInfo().filter((name) => name === "MessagePort");
    const before = holding();
    let meanwhile: readonly string[] | undefined;
    const stage: BlockStore["stage"] = (...asked) => ((meanwhile = holding()), store.stage(...asked));
    expect(await merged(replaced<BlockStore>(store, { stage }))).toEqual([]);
    expect(meanwhile).toEqual(before);
  });

  test("says why it stopped", async () => {
    const store = replaced<BlockStore>(await storeOf(small), { stage: () => Promise.reject(new Error("no space")) });
    expect(await merged(store)).toEqual(["merging segments of the search index of default has stopped: no space"]);
  });
});

function familyOf(children: readonly Segment[]): Family {
  const level = children[0]?.level ?? 0;
  const count = Array.from({ length: level }, (_, lower) => 16 ** (level - lower)).reduce((sum, one) => sum + one, 0);
  const below = Array.from({ length: count }, (_, place) => ({ blocks: 1 + place, root: LAST_LEAF }));
  return { children, below, merged: mergeSegments(children.map(readerOf)) };
}

function segmentsOf({ children, below }: Family): readonly SegmentBlocks[] {
  return children.map((child) => storable(child, LAST_LEAF, below));
}

async function storeOf(family: Family): Promise<MemoryBlockStore> {
  const store = new MemoryBlockStore();
  for (const child of segmentsOf(family)) await store.put(LOG, child);
  return store;
}

async function opened(
  store: BlockStore,
): Promise<{ merger: SegmentMerger; large: LargeMerges; merge: Merge; warnings: string[] }> {
  const merger = new SegmentMerger();
  mergers.push(merger);
  const stored = new StoredSegments({ log: LOG, blocks: store, cache: blockCache(1_000_000) }, reads);
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  const large = new LargeMerges({ log: LOG, blocks: store, stored, merger, retryMs: 10, warn });
  const children = (await stored.list()).filter(({ row }) => row.level < 4);
  const level = Math.min(...children.map(({ row }) => row.level));
  return { merger, large, merge: { makes: { level: level + 1, number: 0 }, children }, warnings };
}

/** Runs one merge over a store to its end, and returns what it warned of. */
async function merged(store: BlockStore): Promise<readonly string[]> {
  const { large, merge, warnings } = await opened(store);
  large.begin([merge], () => undefined);
  await large.ended();
  return warnings;
}

async function expectMerged(store: BlockStore, { merged: segment, children, below }: Family): Promise<void> {
  const rows = await store.segments(LOG);
  const row = rows.find(({ level }) => level === segment.level);
  expect(row).toMatchObject({ number: 0, blocks: segment.blocks.length + 1, lastLeafHash: LAST_LEAF });
  const ids = Array.from({ length: row?.blocks ?? 0 }, (_, block) => ({ ...segment, block }));
  const contents = await store.blocks(LOG, ids);
  const isSame = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && compareBytes(a, b) === 0;
  expect(segment.blocks.findIndex((block, number) => !isSame(contents[number], block))).toBe(-1);
  const from = children.map((child) => ({ id: child, outline: outlineOf(storable(child, LAST_LEAF, below)) }));
  const whole = storable(segment, LAST_LEAF, recordsBelow(from));
  expect(row?.digest).toEqual(whole.digest);
  expect(outlineOf(whole).root).toEqual(segmentRoot(segment, nodeSha256));
}

function outlineOf({ contents, digest }: StoredSegment & { readonly contents: readonly Uint8Array[] }): Outline {
  const outline = Outline.read(contents.at(-1) ?? new Uint8Array(), digest);
  if (outline === undefined) throw new Error("no outline");
  return outline;
}

type Step = "remove" | "read" | "stage" | "publish";

/** The calls that a merge makes, one after the other. */
async function stepsOf(family: Family): Promise<readonly Step[]> {
  const steps: Step[] = [];
  await merged(watched(await storeOf(family), (step) => void steps.push(step)));
  return steps;
}

/** Does nothing any more from a step on: what a process that ends there would not do either. */
function dyingAt(store: BlockStore, last: number): BlockStore {
  let step = 0;
  return watched(store, () => {
    if (step++ >= last) throw new Error("the process has ended");
  });
}

function watched(store: BlockStore, at: (step: Step) => void): BlockStore {
  const then = async <T>(step: Step, call: () => Promise<T>): Promise<T> => {
    at(step);
    return call();
  };
  return replaced<BlockStore>(store, {
    remove: (log, ids) => then("remove", () => store.remove(log, ids)),
    blocks: (log, ids) => then("read", () => store.blocks(log, ids)),
    stage: (log, id, blocks) => then("stage", () => store.stage(log, id, blocks)),
    publish: (log, segment) => then("publish", () => store.publish(log, segment)),
  });
}
