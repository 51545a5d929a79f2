import { describe, expect, test } from "@jest/globals";
import type { BlockStore } from "../../../src/audit/block-store.js";
import type { IndexQuery } from "../../../src/audit/search-index.js";
import type { LogStore } from "../../../src/audit/store.js";
import { replaced, wrapped } from "../../../src/audit/calls.js";
import type { SegmentIndex } from "../../../src/engine/search/segment-index.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { utf8Text } from "../../../src/core/bytes.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { FORMAT } from "../../core/segment/provable-log.js";
import { batch, receivedAt } from "../../stores/batches.js";
import { logged } from "../../stores/search-events.js";
import { storedGroup } from "./grouped-log.js";
import { idle, LOG, logOf, opened } from "./segment-indexes.js";

const FEW = 20;
const few = (): Promise<LogStore> => logOf(Array.from({ length: FEW }, (_, at) => logged({ message: `m${at}` }, at)));
const query: IndexQuery = {
  ...{ log: LOG, filter: { kind: "all" }, range: { start: 0, end: FEW } },
  order: { field: "received_at", direction: "asc" },
};

test("an index closes the store of its blocks and the thread that it was given", async () => {
  const closed: string[] = [];
  const blocks = replaced<BlockStore>(new MemoryBlockStore(), {
    close: () => Promise.resolve(void closed.push("blocks")),
  });
  const maker = replaced(new SegmentMaker(), { close: () => Promise.resolve(void closed.push("maker")) });
  await opened(await few(), { blocks, maker }).close();
  expect(closed).toEqual(["maker", "blocks"]);
});

test("who is gone before a search begins has nothing read", async () => {
  const calls: string[] = [];
  const noting = <T extends object>(port: T): T =>
    wrapped(
      port,
      (name, call) =>
        (...args) => (calls.push(name), call(...args)),
    );
  const index = opened(noting(await few()), { blocks: noting(idle()) });
  await new Promise(setImmediate); // it looks for logs as it is opened
  calls.length = 0;
  const gone = AbortSignal.abort(new Error("gone"));
  const searches = [
    index.page(query, { limit: 5 }, gone),
    index.page({ ...query, order: { field: "actor", direction: "asc" } }, { limit: 5 }, gone),
    index.count(query, 5, gone),
    index.countLeaves(query, [3], gone),
    index.countTimes(query, [3], gone),
    index.timesOf(query, gone),
    index.topValues(query, { field: "actor", first: 3 }, gone),
  ];
  for (const search of searches) await expect(search).rejects.toThrow("gone");
  expect(calls).toEqual([]);
  expect(await index.page(query, { limit: 2 })).toEqual([0, 1]);
  expect(calls).not.toEqual([]);
});

test("a search of a store that others write to reads one entry more: that which shows that the log is still the same", async () => {
  const log = await few();
  const read: (readonly number[])[] = [];
  const counting = replaced(log, {
    entries: (name, leaves, signal) => (read.push(leaves), log.entries(name, leaves, signal)),
  });
  const index = opened(counting, { blocks: idle(), isShared: true });
  for (let times = 0; times < 3; times++) expect(await index.page(query, { limit: 2 })).toEqual([0, 1]);
  const all = Array.from({ length: FEW }, (_, leaf) => leaf);
  expect(read).toEqual([all, [FEW - 1], [FEW - 1]]);
});

describe("the newest entries", () => {
  const MORE = 5;
  const all = { ...query, range: { start: 0, end: FEW + MORE } };
  const newest = Array.from({ length: MORE }, (_, place) => FEW + place);

  /** An index that was searched, and what it reads from then on. */
  async function searched(): Promise<{
    readonly index: SegmentIndex;
    readonly log: LogStore;
    readonly read: unknown[];
  }> {
    const log = await few();
    const read: unknown[] = [];
    const counting = replaced(log, {
      entries: (name, asked, signal) => (read.push(asked), log.entries(name, asked, signal)),
    });
    const index = opened(counting, { blocks: idle() });
    await index.page(query, { limit: 2 });
    read.length = 0;
    return { index, log, read };
  }

  const append = (log: LogStore): Promise<unknown> =>
    log.append(
      batch(
        LOG,
        FEW,
        newest.map((at) => logged({ message: `m${at}` }, at)),
      ),
    );
  const someTurns = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  };

  test("are read before a search that was prepared for, and not again", async () => {
    const { index, log, read } = await searched();
    await append(log);
    index.prepare(LOG, FEW + MORE, 0);
    expect(read).toEqual([]);
    await someTurns();
    expect(read).toEqual([newest]);
    expect(await index.page(all, { limit: FEW + MORE })).toHaveLength(FEW + MORE);
    expect(read).toEqual([newest]);
  });

  test("are not read once the index is closed", async () => {
    const { index, log, read } = await searched();
    await append(log);
    index.prepare(LOG, FEW + MORE, 0);
    await index.close();
    await someTurns();
    expect(read).toEqual([]);
  });

  test("are left to the search where they cannot be read yet", async () => {
    const { index, log, read } = await searched();
    index.prepare(LOG, FEW + MORE, 0);
    await someTurns();
    expect(read).toEqual([newest]);
    await append(log);
    expect(await index.page(all, { limit: FEW + MORE })).toHaveLength(FEW + MORE);
    expect(read).toEqual([newest, newest]);
  });
});

test.each([0, 2, -2, -1])(
  "a search that comes upon a damaged block, number %i, finds everything in the log",
  async (at) => {
    const { log: texts, blocks } = await storedGroup();
    const entries = texts.entries.map((canonical, leaf) => ({
      ...{ canonical: utf8Text(canonical) ?? "", leafHash: FORMAT.leafHash(canonical), receivedAt: receivedAt(leaf) },
    }));
    const damaged = replaced<BlockStore>(blocks, {
      claim: () => Promise.resolve(false),
      blocks: async (log, ids) => {
        const place = ((await blocks.segments(log))[0]?.blocks ?? 0) + at;
        const isDamaged = (block: number): boolean => block === (at < 0 ? place : at);
        const found = await blocks.blocks(log, ids);
        return found.map((block, n) => (isDamaged(ids[n]?.block ?? -1) ? block?.map((byte) => byte ^ 1) : block));
      },
    });
    const index = opened(await logOf(entries), { blocks: damaged });
    const asked = { ...query, range: { start: 4_000, end: texts.size } };
    const filter = { kind: "phrase", field: "message", words: ["rare"], prefix: false } as const;
    expect(await index.page({ ...asked, filter }, { limit: 5 })).toEqual([4_007, 4_107, 4_207, 4_307]);
    expect(await index.page({ ...asked, order: { field: "actor", direction: "desc" } }, { limit: 1 })).toEqual([4_394]);
    expect(await index.count(asked, Infinity)).toBe(396);
  },
);
