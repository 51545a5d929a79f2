import { expect } from "@jest/globals";
import type { BlockStore, SegmentBlocks, StoredSegment } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import type { SegmentId } from "../../../src/core/segment/format.js";
import { LargeMerges } from "../../../src/engine/search/large-merges.js";
import { blockCache } from "../../../src/engine/search/open-segment.js";
import { storable } from "../../../src/engine/search/outline.js";
import { SegmentBuilder } from "../../../src/engine/search/segment-builder.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { SegmentMerger, type MergeJob } from "../../../src/engine/search/segment-merger.js";
import { StoredSegments } from "../../../src/engine/search/stored-segments.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";

export const LOG = "default";
export const GROUP = 4_096;
const HASH = nodeSha256(Uint8Array.of(1));
/** Of each segment, its outline included. */
export const BLOCKS = 3;

/** What is in it does not matter: what makes it is asked here, and when. */
export function segmentOf({ level, number }: SegmentId, version = 1): SegmentBlocks {
  const contents = [utf8(`${level}/${number}`), utf8(`version ${version}`)];
  return storable({ level, number, blocks: contents, directory: [] }, HASH, []);
}

const nameOf = ({ level, number }: SegmentId): string => `${level}/${number}`;

/** A segment builder whose parts make what they are told to. */
export class Bench {
  readonly memory = new MemoryBlockStore();
  blocks: BlockStore = this.memory;
  size = 0;
  mergedInMemory = 16 * BLOCKS;
  /** What was made, one after the other. */
  readonly made: string[] = [];
  /** What of it was made in a thread that gives way to nobody. */
  readonly hurried: string[] = [];
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
    const makerInto = (...made: readonly string[][]): SegmentMaker =>
      replaced(new SegmentMaker(), {
        build: async (firstLeaf, entries) => {
          for await (const some of entries) expect(some.length).toBeGreaterThan(0);
          for (const names of made) names.push(`1/${firstLeaf / GROUP}`);
          return this.build(firstLeaf / GROUP);
        },
        merge: (children) => {
          for (const names of made) names.push(nameOf(above(children[0])));
          return this.merge(children);
        },
      });
    const [background, maker] = [makerInto(this.made), makerInto(this.made, this.hurried)];
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
    const parts = { log: LOG, blocks, reads, entries, stored, maker, background, warn, mergedInMemory, largeMerges };
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
export const above = (child: SegmentId | undefined): SegmentId => ({
  level: (child?.level ?? 0) + 1,
  number: (child?.number ?? 0) / 16,
});
export const ones = (count: number, from = 0): readonly SegmentId[] =>
  Array.from({ length: count }, (_, place) => ({ level: 1, number: from + place }));
export const names = (ids: readonly SegmentId[]): readonly string[] => ids.map(nameOf);

/** Wakes it, and waits until it has nothing to do. */
export async function run(bench: Bench): Promise<SegmentBuilder> {
  const { builder } = await bench.begin();
  builder.wake();
  await builder.ended();
  return builder;
}
