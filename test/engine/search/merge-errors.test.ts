import { beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { StoredSegment } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import { utf8 } from "../../../src/core/bytes.js";
import { LargeMerges, type Merge } from "../../../src/engine/search/large-merges.js";
import { blockCache, SegmentLost } from "../../../src/engine/search/open-segment.js";
import { storable } from "../../../src/engine/search/outline.js";
import {
  mergeError,
  MergerClosed,
  MergeTooLarge,
  SegmentMerger,
  type MergeJob,
} from "../../../src/engine/search/segment-merger.js";
import { StoredSegments } from "../../../src/engine/search/stored-segments.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { closedGate } from "../test-log.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";

const LOG = "default";
const HASH = nodeSha256(Uint8Array.of(1));
const segmentOf = (level: number, number: number) =>
  storable({ level, number, blocks: [utf8(`${level}/${number}`)], directory: [] }, HASH, []);

let store: MemoryBlockStore;
let stored: StoredSegments;
let merges: readonly Merge[];
let warnings: string[];
let begun: number[];
/** How the next merges end. */
let ends: ((job: MergeJob) => Promise<StoredSegment>)[];
let large: LargeMerges;
beforeEach(async () => {
  [store, warnings, begun, ends] = [new MemoryBlockStore(), [], [], []];
  for (let number = 0; number < 32; number++) await store.put(LOG, segmentOf(1, number));
  stored = new StoredSegments(
    { log: LOG, blocks: store, cache: blockCache(2 ** 20) },
    { leafHashes: () => Promise.resolve(HASH) },
  );
  const list = await stored.list();
  merges = [0, 1].map((number) => ({
    makes: { level: 2, number },
    children: list.slice(16 * number, 16 * number + 16),
  }));
  const merger = replaced(new SegmentMerger(), {
    merge: (job) => {
      begun.push((job.children[0]?.number ?? 0) / 16);
      return (ends.shift() ?? done)(job);
    },
  });
  const warn = (message: string): void => void warnings.push(message);
  large = new LargeMerges({ log: LOG, blocks: store, stored, merger, retryMs: 1, warn });
});

async function done({ stage, children: [first] }: MergeJob): Promise<StoredSegment> {
  const { contents, ...row } = segmentOf(2, (first?.number ?? 0) / 16);
  await stage(contents.map((data, block) => ({ block, data })));
  return row;
}

/** Begins with the first of the merges that can be done; resolves when the next one may begin. */
function next(): Promise<void> {
  return new Promise((resolve) => {
    large.begin(merges, resolve);
  });
}
const failing = (error: Error) => (): Promise<StoredSegment> => Promise.reject(error);
const listed = async (): Promise<readonly string[]> =>
  (await store.segments(LOG)).filter(({ level }) => level > 1).map(({ level, number }) => `${level}/${number}`);

describe("a merge that cannot be done", () => {
  test("for its size is told of, and not tried again", async () => {
    ends.push(failing(new MergeTooLarge()));
    await next();
    await next();
    expect([begun, await listed()]).toEqual([[0, 1], ["2/1"]]);
    expect(warnings).toEqual([
      "merging segments of the search index of default has stopped: the segment would have more blocks than one may have",
    ]);
  });

  test("for now is tried again, and told of once", async () => {
    ends.push(failing(new Error("no space")), failing(new Error("no space")), done, failing(new Error("no space")));
    for (let times = 0; times < 3; times++) await next();
    expect([begun, await listed(), warnings.length]).toEqual([[0, 0, 0], ["2/0"], 1]);
    merges = merges.slice(1);
    await next();
    expect(warnings).toHaveLength(2); // it went on in between
  });

  test("for a damaged child has that removed, and says nothing", async () => {
    ends.push(({ children }) => Promise.reject(new SegmentLost(children[5] ?? segmentOf(1, 5))));
    await next();
    expect((await store.segments(LOG)).map(({ number }) => number)).not.toContain(5);
    expect(warnings).toEqual([]);
  });

  test("because the index is closed is not told of, and nothing begins any more", async () => {
    ends.push(failing(new MergerClosed()));
    await next();
    await large.close();
    large.begin(merges, () => undefined);
    await large.ended();
    expect([begun, warnings]).toEqual([[0], []]);
  });

  test("because the index is being closed ends before that is done", async () => {
    const gate = closedGate();
    ends.push(async (job) => (await gate.passed, done(job)));
    let next = 0;
    large.begin(merges, () => void (next += 1));
    let isClosed = false;
    const closed = large.close().then(() => (isClosed = true));
    await new Promise(setImmediate);
    expect(isClosed).toBe(false);
    gate.open();
    await closed;
    expect([warnings, next]).toEqual([[], 0]);
  });

  test("because the store does not list it is not tried again", async () => {
    ends.push(() => Promise.resolve(segmentOf(2, 0))); // nothing of it was staged
    await next();
    await next();
    expect([begun, await listed()]).toEqual([[0, 1], ["2/1"]]);
  });

  test("and was begun again before its time is not begun once more then", async () => {
    ends.push(failing(new Error("no space")));
    let next = 0;
    const begin = (): Promise<void> => {
      large.begin(merges, () => void (next += 1));
      return large.ended();
    };
    await begin();
    await begin();
    await new Promise((resolve) => setTimeout(resolve, 5)); // its time is over
    expect([begun, next]).toEqual([[0, 0], 1]);
  });

  test("while another is in hand waits", async () => {
    const both = [next()];
    large.begin(merges.slice(1), () => undefined);
    await both[0];
    expect(begun).toEqual([0]);
  });
});

describe("what a merge needs", () => {
  test("is that nothing is left of one that was cut short", async () => {
    const { blocks } = segmentOf(2, 0);
    await store.stage(LOG, { level: 2, number: 0 }, [{ block: blocks - 1, data: utf8("of another merge") }]);
    ends.push(async ({ stage }) => {
      const { contents, ...row } = segmentOf(2, 0);
      await stage(contents.slice(0, -1).map((data, block) => ({ block, data })));
      return row;
    });
    await next();
    expect(await listed()).toEqual([]); // for its last block is missing
  });

  test("are children and blocks in its turn, which is asked for once a while", async () => {
    let claims = 0;
    const counting = replaced(store, { claim: () => Promise.resolve(++claims > 0) });
    const merger = replaced(new SegmentMerger(), {
      merge: async (job) => {
        for (let child = 0; child < 16; child++) {
          const blocks = await job.read(child, 0, 2);
          expect(blocks).toEqual(segmentOf(1, child).contents);
        }
        expect(job.children).toEqual(merges[0]?.children.map(({ row }) => row));
        return done(job);
      },
    });
    const warn = (message: string): void => void warnings.push(message);
    large = new LargeMerges({ log: LOG, blocks: counting, stored, merger, warn });
    await next();
    expect([claims, warnings, await listed()]).toEqual([1, [], ["2/0"]]);
  });
});

test("a merge asks for its turn again after two seconds, and ends where another has it", async () => {
  let [now, claims] = [0, 0];
  const clock = jest.spyOn(performance, "now").mockImplementation(() => now);
  const counting = replaced(store, { claim: () => Promise.resolve(++claims < 3) });
  const asked: number[] = [];
  const merger = replaced(new SegmentMerger(), {
    merge: async ({ read, children: [first] }) => {
      for (now of [2_000, 2_001, 4_001, 4_002]) {
        await read(0, 0, 1);
        asked.push(claims);
      }
      return first ?? segmentOf(1, 0);
    },
  });
  const warn = (message: string): void => void warnings.push(message);
  large = new LargeMerges({ log: LOG, blocks: counting, stored, merger, warn });
  large.begin(merges, () => undefined);
  await large.ended();
  clock.mockRestore();
  expect([asked, claims, warnings]).toEqual([[1, 2, 2], 3, []]);
  await large.close();
});

test("a thread's word is an error that names the damaged child, or that there is too much", () => {
  const children = [segmentOf(1, 0), segmentOf(1, 1)];
  const said = (fault: Parameters<typeof mergeError>[0]["fault"]): Error =>
    mergeError({ reason: "no luck", fault }, { children });
  expect(said({ kind: "too-large" })).toBeInstanceOf(MergeTooLarge);
  expect(said({ kind: "damaged", child: 1 })).toMatchObject({ name: "SegmentLost", segment: children[1] });
  expect(said({ kind: "damaged", child: 2 })).toEqual(new Error("no luck"));
  expect(said(undefined)).toEqual(new Error("no luck"));
});
