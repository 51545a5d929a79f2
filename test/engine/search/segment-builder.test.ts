import { beforeEach, describe, expect, test } from "@jest/globals";
import type { BlockStore, SegmentBlocks, StoredSegment } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import type { SegmentId } from "../../../src/core/segment/format.js";
import { LargeMerges } from "../../../src/engine/search/large-merges.js";
import { blockCache, SegmentLost } from "../../../src/engine/search/open-segment.js";
import { storable } from "../../../src/engine/search/outline.js";
import { SegmentBuilder } from "../../../src/engine/search/segment-builder.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { SegmentMerger, type MergeJob } from "../../../src/engine/search/segment-merger.js";
import { StoredSegments } from "../../../src/engine/search/stored-segments.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { closedGate } from "../test-log.js";

const LOG = "default";
const GROUP = 4_096;
const HASH = nodeSha256(Uint8Array.of(1));
/** Of each segment, its outline included. */
const BLOCKS = 3;

/** What is in it does not matter: what makes it is asked here, and when. */
function segmentOf({ level, number }: SegmentId, version = 1): SegmentBlocks {
  const contents = [utf8(`${level}/${number}`), utf8(`version ${version}`)];
  return storable({ level, number, blocks: contents, directory: [] }, HASH, []);
}

const nameOf = ({ level, number }: SegmentId): string => `${level}/${number}`;

class Bench {
  readonly memory = new MemoryBlockStore();
  blocks: BlockStore = this.memory;
  size = 0;
  mergedInMemory = 16 * BLOCKS;
  /** What was made, one after the other. */
  readonly made: string[] = [];
  readonly warnings: string[] = [];
  claims = 0;
  /** Called with each look at the log's size. */
  headRead = (): Promise<void> => Promise.resolve();
  build = (number: number): Promise<SegmentBlocks> => Promise.resolve(segmentOf({ level: 1, number }));
  merge = ([first]: readonly SegmentBlocks[]): Promise<SegmentBlocks> => Promise.resolve(segmentOf(above(first)));
  mergeLarge = ({ children: [first] }: MergeJob): Promise<StoredSegment> =>
    Promise.reject(new Error(`large ${above(first).number}`));

  async begin(): Promise<{ builder: SegmentBuilder; stored: StoredSegments }> {
    const blocks = replaced<BlockStore>(this.blocks, {
      claim: (log) => ((this.claims += 1), this.blocks.claim(log)),
    });
    const maker = replaced(new SegmentMaker(), {
      build: async (firstLeaf, entries) => {
        for await (const some of entries) expect(some.length).toBeGreaterThan(0);
        this.made.push(`1/${firstLeaf / GROUP}`);
        return this.build(firstLeaf / GROUP);
      },
      merge: (children) => {
        this.made.push(nameOf(above(children[0])));
        return this.merge(children);
      },
    });
    const merger = replaced(new SegmentMerger(), {
      merge: (job) => {
        this.made.push(`large ${nameOf(above(job.children[0]))}`);
        return this.mergeLarge(job);
      },
    });
    const reads = {
      head: () => {
        const { size } = this;
        void this.headRead();
        return Promise.resolve({ ...HEAD, size });
      },
      leafHashes: (_log: string, { start, end }: { start: number; end: number }) =>
        Promise.resolve(Buffer.concat(Array.from({ length: end - start }, () => HASH))),
    };
    const entry = {
      kind: "entry",
      entry: { canonical: "{}", hash: digestOf(HASH) },
    } as const;
    const stored = new StoredSegments({ log: LOG, blocks, cache: blockCache(2 ** 20) }, reads);
    const warn = (message: string): void => void this.warnings.push(message);
    const { mergedInMemory } = this;
    const largeMerges = new LargeMerges({ log: LOG, blocks, stored, merger, warn });
    const entries = (leaves: readonly number[]) => Promise.resolve(leaves.map(() => entry));
    const parts = { log: LOG, blocks, reads, entries, stored, maker, warn, mergedInMemory, largeMerges };
    await stored.list();
    return { builder: new SegmentBuilder(parts), stored };
  }

  async put(...ids: readonly SegmentId[]): Promise<void> {
    for (const id of ids) await this.memory.put(LOG, segmentOf(id));
  }

  async listed(): Promise<readonly string[]> {
    return (await this.memory.segments(LOG)).map(nameOf);
  }
}

const HEAD = { log: LOG, format: "rfc6962", rootHash: HASH, checkpoint: "", lastReceivedAt: "" } as const;
const above = (child: SegmentId | undefined): SegmentId => ({
  level: (child?.level ?? 0) + 1,
  number: (child?.number ?? 0) / 16,
});
const ones = (count: number, from = 0): readonly SegmentId[] =>
  Array.from({ length: count }, (_, place) => ({ level: 1, number: from + place }));
const names = (ids: readonly SegmentId[]): readonly string[] => ids.map(nameOf);

/** Wakes it, and waits until it has nothing to do. */
async function run(bench: Bench): Promise<SegmentBuilder> {
  const { builder } = await bench.begin();
  builder.wake();
  await builder.ended();
  return builder;
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe("what builds the segments of a log", () => {
  test("builds each whole group that is not stored, in its order, and asks for a turn only when there is one", async () => {
    await bench.put({ level: 1, number: 1 });
    bench.size = 4 * GROUP - 1;
    bench.blocks = replaced<BlockStore>(bench.memory, { remove: () => Promise.reject(new Error("there is nothing")) });
    const builder = await run(bench);
    expect(bench.made).toEqual(["1/0", "1/2"]);
    const { claims } = bench;
    builder.wake();
    await builder.ended();
    expect(bench.claims).toBe(claims);
    bench.size += 1;
    builder.wake();
    await builder.ended();
    expect(bench.made).toEqual(["1/0", "1/2", "1/3"]);
  });

  test("merges 16 neighbours before it builds more, and removes them when the index log names what covers them", async () => {
    await bench.put(...ones(16));
    bench.size = 17 * GROUP - 1;
    const builder = await run(bench);
    expect([bench.made, await bench.listed()]).toEqual([["2/0"], [...names(ones(16)), "2/0"]]);
    bench.size = 17 * GROUP;
    builder.wake();
    await builder.ended();
    expect([bench.made, await bench.listed()]).toEqual([
      ["2/0", "1/16"],
      ["1/16", "2/0"],
    ]);
  });

  test("removes a single child that was left beside what covers it", async () => {
    await bench.put({ level: 1, number: 3 }, { level: 1, number: 16 }, { level: 2, number: 0 });
    bench.size = 17 * GROUP;
    await run(bench);
    expect([bench.made, await bench.listed()]).toEqual([[], ["1/16", "2/0"]]);
  });

  test.each([
    ["15", ones(15)],
    ["16 that begin elsewhere", ones(16, 1)],
    ["16 with a gap", [...ones(8), ...ones(8, 9)]],
    ["16 of the highest level", ones(16).map(({ number }) => ({ level: 4, number }))],
  ])("merges nothing of %s", async (_, ids) => {
    await bench.put(...ids);
    bench.blocks = replaced<BlockStore>(bench.memory, { put: () => Promise.resolve() }); // what is missing stays so
    await run(bench);
    expect(bench.made.filter((name) => !name.startsWith("1/"))).toEqual([]);
  });

  test("builds a child again that turns out damaged when it is merged, and merges then, without being asked again", async () => {
    await bench.put(...ones(16));
    bench.size = 16 * GROUP;
    let isDamaged = true;
    bench.merge = (children) => {
      const [first, , , fourth] = children;
      if (!isDamaged || fourth === undefined) return Promise.resolve(segmentOf(above(first)));
      isDamaged = false;
      return Promise.reject(new SegmentLost(fourth));
    };
    await run(bench);
    expect([bench.made, bench.warnings]).toEqual([["2/0", "1/3", "2/0"], []]);
  });

  test("tries no segment again that the store does not list after it took it", async () => {
    bench.size = 3 * GROUP;
    bench.blocks = replaced<BlockStore>(bench.memory, {
      put: (log, segment) => (segment.number === 1 ? Promise.resolve() : bench.memory.put(log, segment)),
    });
    const builder = await run(bench);
    builder.wake();
    await builder.ended();
    expect([bench.made, await bench.listed()]).toEqual([
      ["1/0", "1/1", "1/2"],
      ["1/0", "1/2"],
    ]);
  });

  test("leaves more blocks than fit in memory to the large merge, and goes on with what is small", async () => {
    await bench.put(...ones(16));
    bench.size = 17 * GROUP;
    bench.mergedInMemory = 16 * BLOCKS - 1;
    bench.mergeLarge = ({ children: [first] }) =>
      bench.memory.stage(LOG, above(first), []).then(() => segmentOf(above(first)));
    await run(bench);
    expect(bench.made).toEqual(["large 2/0", "1/16"]);
  });

  test("goes on when a large merge is done, without being asked", async () => {
    await bench.put(...ones(16));
    bench.size = 16 * GROUP;
    bench.mergedInMemory = 16 * BLOCKS - 1;
    const [merged, woken] = [closedGate(), closedGate()];
    bench.mergeLarge = ({ children: [first] }) =>
      merged.passed.then(() => bench.memory.stage(LOG, above(first), [])).then(() => segmentOf(above(first)));
    await run(bench);
    bench.headRead = () => (woken.open(), Promise.resolve());
    merged.open();
    await woken.passed;
  });

  test("does nothing while another gateway has the turn", async () => {
    bench.size = GROUP;
    bench.blocks = replaced<BlockStore>(bench.memory, { claim: () => Promise.resolve(false) });
    await run(bench);
    expect([bench.made, bench.claims]).toEqual([[], 1]);
  });

  test("builds a stored segment again, once, when told that it is outdated, unless it has gone", async () => {
    await bench.put(...ones(2));
    bench.size = 2 * GROUP;
    const { builder } = await bench.begin();
    const [first] = await bench.memory.segments(LOG);
    if (first === undefined) throw new Error("two segments");
    bench.build = (number) => Promise.resolve(segmentOf({ level: 1, number }, 2));
    builder.renew(first);
    builder.renew(first);
    await builder.ended();
    const renewed = segmentOf({ level: 1, number: 0 }, 2).digest;
    expect([bench.made, (await bench.memory.segments(LOG))[0]?.digest]).toEqual([["1/0"], renewed]);
    builder.renew(segmentOf({ level: 2, number: 7 }));
    await builder.ended();
    expect(bench.made).toEqual(["1/0"]);
  });

  test("ends with the segment in hand when it is closed, and begins no more", async () => {
    bench.size = 3 * GROUP;
    const [begun, gate] = [closedGate(), closedGate()];
    bench.build = (number) => (begun.open(), gate.passed.then(() => segmentOf({ level: 1, number })));
    const { builder } = await bench.begin();
    builder.wake();
    await begun.passed;
    const closed = builder.close();
    gate.open();
    await closed;
    builder.wake();
    await builder.ended();
    expect([bench.made, await bench.listed(), bench.warnings]).toEqual([["1/0"], ["1/0"], []]);
  });

  test("hears who wakes it while it comes to its end, at whatever moment", async () => {
    for (let turns = 0; turns < 12; turns++) {
      bench = new Bench();
      const { builder } = await bench.begin();
      let isAsked = false;
      bench.headRead = async () => {
        if (isAsked) return;
        isAsked = true;
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        bench.size = GROUP;
        builder.wake();
      };
      builder.wake();
      await new Promise(setImmediate);
      await builder.ended();
      expect([turns, bench.made]).toEqual([turns, ["1/0"]]);
    }
  });

  test("says why it stopped, once for each reason, and again when it went on in between", async () => {
    bench.size = GROUP;
    let reason: string | undefined = "the disk is full";
    bench.blocks = replaced<BlockStore>(bench.memory, {
      claim: () => (reason === undefined ? Promise.resolve(false) : Promise.reject(new Error(reason))),
    });
    const { builder } = await bench.begin();
    const said: number[] = [];
    for (reason of ["the disk is full", "the disk is full", "it is away", undefined, "it is away"]) {
      builder.wake();
      await builder.ended();
      said.push(bench.warnings.length);
    }
    expect(said).toEqual([1, 1, 2, 2, 3]);
    expect(bench.warnings[0]).toBe("building the search index of default has stopped: the disk is full");
  });
});
