import { beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { BlockStore, SegmentBlocks } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import type { ProofQuery, ProvenAnswer, ReadEntries, ReadEntry } from "../../../src/audit/search-index.js";
import { digestOf, utf8, utf8Text } from "../../../src/core/bytes.js";
import type { Question } from "../../../src/core/segment/answer.js";
import { proofCache } from "../../../src/engine/search/base-segments.js";
import { LogIndex, type LogIndexParts } from "../../../src/engine/search/log-index.js";
import { blockCache } from "../../../src/engine/search/open-segment.js";
import { storable } from "../../../src/engine/search/outline.js";
import { SealedBlocks } from "../../../src/engine/search/sealed-blocks.js";
import { SegmentMerger } from "../../../src/engine/search/segment-merger.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { FORMAT, IndexedLog, leavesOf, provable, receivedAt } from "../../core/segment/provable-log.js";
import { questionsAbout } from "../../core/segment/questions.js";
import { expectCode } from "../rejection.js";
import { groupOf, short, shortEntry, storedGroup } from "./grouped-log.js";
import { ownThreadMaker } from "./own-thread.js";
import { GROUP, LOG } from "./segment-indexes.js";

const SEED = 20_261_130;

let read: number[];
let corrupt: Set<number>;
beforeEach(() => {
  [read, corrupt] = [[], new Set()];
});

/** Of an index over entries with these texts, nothing of which is stored yet. */
function parts(texts: readonly Uint8Array[]): LogIndexParts {
  const entries: ReadEntries = (leaves) => {
    read.push(...leaves);
    return Promise.resolve(
      leaves.map((leaf): ReadEntry => {
        const canonical = texts[leaf];
        if (canonical === undefined) return { kind: "missing" };
        if (corrupt.has(leaf)) return { kind: "corrupt" };
        const entry = { canonical: utf8Text(canonical) ?? "", hash: digestOf(FORMAT.leafHash(canonical)) };
        return { kind: "entry", entry };
      }),
    );
  };
  const leafHashes: LogIndexParts["reads"]["leafHashes"] = (_, { start, end }) =>
    Promise.resolve(Buffer.concat(texts.slice(start, end).map((canonical) => FORMAT.leafHash(canonical))));
  const [maker, baseMaker] = [ownThreadMaker(), ownThreadMaker()];
  return {
    ...{ log: LOG, entries, maker, background: maker, baseMaker, merger: new SegmentMerger() },
    ...{ mergedInMemory: 2 ** 15, isShared: false },
    reads: {
      entries: () => Promise.reject(new Error("not asked")),
      head: () => Promise.resolve(undefined),
      leafHashes,
    },
    blocks: idle(new MemoryBlockStore()),
    ...{ cache: blockCache(2 ** 22), proofs: proofCache(), warn: () => undefined },
  };
}

/** Never has its turn: nothing is built in the background. */
const idle = (blocks: BlockStore): BlockStore => replaced(blocks, { claim: () => Promise.resolve(false) });

function indexOf(texts: readonly Uint8Array[], more: Partial<LogIndexParts> = {}): LogIndex {
  return new LogIndex({ ...parts(texts), ...more });
}

function queryOf(log: IndexedLog, question: Question, treeSize = log.size): ProofQuery {
  const tree = treeSize === log.size ? log.log : provable(log.entries.slice(0, treeSize));
  const { start, end } = log.window(question);
  const window = { start: Math.min(start, treeSize), end: Math.min(end, treeSize) };
  const siblings = (leaves: readonly number[]) => Promise.resolve(leavesOf(tree, leaves).hashes);
  return { log: LOG, question, window, treeSize, rootHash: tree.root, format: FORMAT, siblings };
}

function expectProven(log: IndexedLog, query: ProofQuery, proven: ProvenAnswer): void {
  const size = proven.index.treeSize;
  expect(digestOf(proven.index.rootHash)).toBe(digestOf(log.index(size).root));
  expect([query.question, log.verify(query.question, proven, size)]).toEqual([query.question, { kind: "COMPLETE" }]);
}

const COUNT: Question = {
  filter: { kind: "phrase", field: "message", words: ["rare"], prefix: false },
  ...{ window: { from: undefined, until: undefined }, after: undefined, descending: true },
  wanted: { kind: "count", cap: undefined },
};
const RARE_PAGE: Question = { ...COUNT, wanted: { kind: "page", limit: 3 } };

describe(`proofs of what is in a log (seed ${SEED})`, () => {
  test("hold where nothing is stored, and answer as the log does", async () => {
    const log = new IndexedLog(600);
    const index = indexOf(log.entries);
    await fc.assert(
      fc.asyncProperty(questionsAbout(600), async (question) => {
        const query = queryOf(log, question);
        const proven = await index.prove(query, undefined);
        expectProven(log, query, proven);
        expect(proven.answer).toEqual(log.prove(question, proven.index.treeSize).answer);
      }),
      { numRuns: 20, seed: SEED },
    );
  });

  test("hold over stored segments, whose blocks alone are read, and the newest entries", async () => {
    const { log, blocks } = await storedGroup();
    const index = indexOf(log.entries, { blocks: idle(blocks) });
    for (const question of [COUNT, RARE_PAGE, { ...COUNT, descending: false }, { ...RARE_PAGE, descending: false }]) {
      read.length = 0;
      const query = queryOf(log, question);
      const proven = await index.prove(query, undefined);
      expectProven(log, query, proven);
      expect(proven.answer).toEqual(log.prove(question, 17).answer);
      const shown = proven.answer.kind === "page" ? proven.answer.leaves : [];
      expect(read.filter((leaf) => leaf < GROUP && !shown.includes(leaf))).toEqual([]);
      expect(new Set(read).size).toBe(read.length);
    }
  });

  test("are not made with an entry that was changed, wherever that counts", async () => {
    const log = short(600);
    corrupt.add(550);
    await expectCode(indexOf(log.entries).prove(queryOf(log, COUNT), undefined), "ENTRY_CORRUPT");
    const before = { ...COUNT, window: { from: undefined, until: receivedAt(300) } };
    expectProven(log, queryOf(log, before), await indexOf(log.entries).prove(queryOf(log, before), undefined));
  });

  test("are not made for who is gone", async () => {
    const log = short(300);
    const gone = AbortSignal.abort(new Error("gone"));
    await expect(indexOf(log.entries).prove(queryOf(log, COUNT), gone)).rejects.toThrow("gone");
  });

  test("wait for the index where more is behind it than a proof may hold, unless fewer entries decide", async () => {
    const entries = Array.from({ length: 3 * GROUP + 1 }, (_, leaf) => shortEntry(leaf));
    const index = indexOf(entries);
    const query = { ...queryOf(short(1), COUNT), treeSize: entries.length, window: { start: 0, end: entries.length } };
    const siblings = () => Promise.resolve([]);
    await expectCode(index.prove({ ...query, siblings }, undefined), "UNAVAILABLE");
    read.length = 0;
    const { answer } = await index.prove({ ...query, siblings, question: RARE_PAGE }, undefined);
    expect(answer).toEqual({ kind: "page", leaves: [12_207, 12_107, 12_007] });
    expect(read.filter((leaf) => leaf >= GROUP && leaf < 12_007 - 256)).toEqual([]);
  });

  test("are refused when they would hold too much", async () => {
    const long = `{"event":{"message":"${"-".repeat(1_000_000)}"},"received_at":"${receivedAt(0)}"}`;
    const log = new IndexedLog(20, FORMAT, Array<Uint8Array>(20).fill(utf8(long)));
    const all: Question = { ...RARE_PAGE, filter: { kind: "all" } };
    const proven = (limit: number): Promise<ProvenAnswer> =>
      indexOf(log.entries).prove(queryOf(log, { ...all, wanted: { kind: "page", limit } }), undefined);
    await expectCode(proven(20), "PROOF_TOO_LARGE");
  });
});

test("what is not stored of a log is in memory from its first entry on, read once", async () => {
  const texts = Array.from({ length: GROUP + 20 }, (_, leaf) => shortEntry(leaf));
  const index = indexOf(texts);
  for (let times = 0; times < 2; times++) {
    const found = await index.parts({ start: 0, end: texts.length }, {});
    expect(found.filter((part) => part.kind === "rows" && part.rows === undefined)).toEqual([]);
    expect([found[0]?.range.start, found.at(-1)?.range.end]).toEqual([0, texts.length]);
  }
  expect(read).toEqual(Array.from({ length: texts.length }, (_, leaf) => leaf));
  expect(await index.parts({ start: 5, end: 5 }, {})).toEqual([]);
});

describe("a log that grows", () => {
  /** An index over segments that are no more than listed, and how often its log's size and its segments were asked for. */
  async function watched(numbers: readonly number[] = [], more: Partial<LogIndexParts> = {}) {
    const asked = { heads: 0, lists: 0 };
    const memory = new MemoryBlockStore();
    const last = FORMAT.leafHash(utf8("last"));
    for (const number of numbers)
      await memory.put(LOG, storable({ level: 1, number, blocks: [utf8("")], directory: [] }, last, []));
    const blocks = replaced(idle(memory), { segments: (log) => ((asked.lists += 1), memory.segments(log)) });
    const reads = {
      ...parts([]).reads,
      head: () => ((asked.heads += 1), Promise.resolve(undefined)),
      leafHashes: () => Promise.resolve(last),
    };
    return { asked, memory, index: indexOf([], { blocks, reads, ...more }) };
  }

  test.each([
    [[], 4_096],
    [[0], 8_192],
  ])("is built on from %j when it has %i entries, no sooner", async (numbers, size) => {
    const { index, asked } = await watched(numbers);
    await index.storedSize();
    index.grown(size - 1);
    expect(asked.heads).toBe(0);
    index.grown(size);
    expect(asked.heads).toBe(1);
    await index.close();
  });

  test("is looked at when it is asked for proofs: whether it can be built on, and whether another gateway did", async () => {
    const { index, asked } = await watched();
    const gone = AbortSignal.abort(new Error("gone"));
    const query = { ...queryOf(short(1), COUNT), window: { start: 0, end: 1 } };
    for (const [treeSize, heads, lists] of [
      [GROUP - 1, 0, 1],
      [GROUP, 1, 2],
    ] as const) {
      await expect(index.prove({ ...query, treeSize }, gone)).rejects.toThrow();
      expect(asked).toEqual({ heads, lists });
    }
    await index.close();
  });

  test("is read again where it was another one before, as its history says", async () => {
    const index = indexOf(short(20).entries, { isShared: true });
    const range = { start: 0, end: 20 };
    for (const [history, count] of [
      [1, 20],
      [1, 20],
      [2, 40],
    ] as const) {
      await index.parts(range, { history });
      expect(read).toHaveLength(count);
    }
  });
});

describe("the stored segments of a log", () => {
  test("are counted from the first without a gap", async () => {
    const log = short(10);
    const blocks = new MemoryBlockStore();
    const bare = (number: number): SegmentBlocks =>
      storable({ level: 1, number, blocks: [utf8("")], directory: [] }, FORMAT.leafHash(utf8("last")), []);
    const reads = { ...parts(log.entries).reads, leafHashes: () => Promise.resolve(FORMAT.leafHash(utf8("last"))) };
    for (const [number, size] of [
      [1, 0],
      [0, 2 * GROUP],
      [3, 2 * GROUP],
    ] as const) {
      await blocks.put(LOG, bare(number));
      expect(await indexOf(log.entries, { blocks, reads }).storedSize()).toBe(size);
    }
  });

  async function checked(index: LogIndex, from = 0): Promise<readonly unknown[]> {
    const found: unknown[] = [];
    for await (const one of index.check(from)) found.push(one);
    return found;
  }
  const first = { level: 1, number: 0 };

  test("are sound when the log gives the same, and are looked at from a leaf on", async () => {
    const { log, blocks } = await storedGroup();
    const index = indexOf(log.entries, { blocks: idle(blocks) });
    expect(await checked(index, GROUP)).toEqual([]);
    expect(await checked(index, GROUP - 1)).toEqual([{ ...first, isSound: true }]);
  });

  test("are not sound when the log gives another one", async () => {
    const { log, blocks } = await storedGroup();
    const texts = log.entries.map((canonical, leaf) => (leaf === 9 ? shortEntry(7) : canonical));
    expect(await checked(indexOf(texts, { blocks: idle(blocks) }))).toEqual([
      { ...first, isSound: false, misrecorded: { level: 0, number: 0 } },
    ]);
  });

  test.each([0, 3, -1])("are not sound when block %i was changed, which the log is not asked for", async (at) => {
    const { log, blocks } = await storedGroup();
    const { contents, ...row } = groupOf(log);
    const place = at < 0 ? contents.length + at : at;
    const flipped = contents.map((block, n) => (n === place ? block.map((byte) => byte ^ 1) : block));
    await blocks.remove(LOG, [row]);
    await blocks.put(LOG, { ...row, contents: flipped });
    expect(await checked(indexOf(log.entries, { blocks: idle(blocks) }))).toEqual([{ ...first, isSound: false }]);
    expect(read).toEqual([]);
  });

  test("are not sound when they are of level 0, which no gateway stores", async () => {
    const { log } = await storedGroup();
    const blocks = new MemoryBlockStore();
    const base = log.segment({ level: 0, number: 0 });
    await blocks.put(LOG, storable(base, FORMAT.leafHash(log.entries[255] ?? utf8("")), []));
    const found = await checked(indexOf(log.entries, { blocks: idle(blocks) }));
    expect(found).toEqual([{ level: 0, number: 0, isSound: false }]);
  });

  test("are not sound without a seal", async () => {
    const { log, blocks } = await storedGroup();
    const sealed = new SealedBlocks(blocks, [new Uint8Array(32)]);
    expect(await checked(indexOf(log.entries, { blocks: sealed }), GROUP)).toEqual([{ ...first, isSound: false }]);
  });
});
