import { describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { BlockStore } from "../../../src/audit/block-store.js";
import type { IndexQuery } from "../../../src/audit/search-index.js";
import type { LogStore, NewEntry } from "../../../src/audit/store.js";
import { replaced } from "../../../src/audit/calls.js";
import { storedEntries } from "../../../src/engine/search/log-rows.js";
import type { SegmentIndex } from "../../../src/engine/search/segment-index.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { ORDER_FIELDS } from "../../../src/query/order.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { logged } from "../../stores/search-events.js";
import { BUILD_MS, GROUP, idle, LOG, logOf, opened, untilStored } from "./segment-indexes.js";

const RARE = { kind: "phrase", field: "message", words: ["rare"], prefix: false } as const;
const ALL: IndexQuery = {
  log: LOG,
  filter: RARE,
  range: { start: 0, end: GROUP + 10 },
  order: { field: "received_at", direction: "asc" },
};

const plain: NewEntry[] = [];
/** Every 500th is rare. They are kept: most tests log tens of thousands of the same. */
function plainEntries(size: number, from = 0): readonly NewEntry[] {
  for (let at = plain.length; at < from + size; at++)
    plain.push(logged({ message: `${at % 500 === 0 ? "rare" : "common"} number ${at}`, actor: `user${at % 7}` }, at));
  return plain.slice(from, from + size);
}

const rare = (size: number): readonly number[] =>
  Array.from({ length: Math.ceil(size / 500) }, (_, place) => place * 500);

describe("a segment index", () => {
  test(
    "merges 16 segments into one, removes them, and finds the same",
    async () => {
      const size = 17 * GROUP + 5;
      const blocks = new MemoryBlockStore();
      const index = opened(await logOf(plainEntries(size)), { blocks });
      await untilStored(index, 17 * GROUP);
      await expect(untilListed(blocks, ["1/16", "2/0"])).resolves.toBeUndefined();
      const query = { ...ALL, range: { start: 0, end: size } };
      expect(await index.page(query, { limit: 1_000 })).toEqual(rare(size));
      expect(await index.count({ ...query, filter: { kind: "all" } }, Infinity)).toBe(size);
    },
    BUILD_MS,
  );

  test(
    "removes children that a crash left beside their parent",
    async () => {
      const log = await logOf(plainEntries(17 * GROUP)); // so many, that the index log names the parent
      const crashed = new MemoryBlockStore();
      const first = opened(log, {
        blocks: replaced<BlockStore>(crashed, { remove: () => Promise.reject(new Error("killed")) }),
        warn: () => undefined,
      });
      await untilStored(first, 16 * GROUP);
      const both = [...Array.from({ length: 16 }, (_, number) => `1/${number}`), "2/0"];
      await untilListed(crashed, both);
      await first.close();
      opened(log, { blocks: crashed });
      await untilListed(crashed, ["1/16", "2/0"]);
    },
    BUILD_MS,
  );

  test(
    "that two gateways build at once is the same as that of one",
    async () => {
      const log = await logOf(plainEntries(3 * GROUP));
      const [shared, own] = [new MemoryBlockStore(), new MemoryBlockStore()];
      const gateways = [
        opened(log, { blocks: shared, isShared: true }),
        opened(log, { blocks: shared, isShared: true }),
      ];
      const alone = opened(log, { blocks: own });
      for (const index of [...gateways, alone]) await untilStored(index, 3 * GROUP);
      expect(await shared.segments(LOG)).toEqual(await own.segments(LOG));
    },
    BUILD_MS,
  );

  test("builds two logs at the same time without mixing them", async () => {
    const log = await logOf(plainEntries(GROUP));
    await logOf(plainEntries(GROUP, 250), "other", log);
    const index = opened(log);
    index.follow("other", storedEntries(log, "other"));
    await untilStored(index, GROUP);
    await untilStored(index, GROUP, "other");
    const range = { start: 0, end: GROUP };
    expect(await index.page({ ...ALL, range }, { limit: 100 })).toEqual(rare(GROUP));
    const others = rare(GROUP)
      .map((at) => at + 250)
      .filter((at) => at < GROUP);
    expect(await index.page({ ...ALL, log: "other", range }, { limit: 100 })).toEqual(others);
  });

  test.each([0, 1, 20, -1])(
    "never answers from a damaged block, number %i, and builds its segment again",
    async (at) => {
      const blocks = new MemoryBlockStore();
      const log = await logOf(plainEntries(GROUP + 10));
      const sound = opened(log, { blocks });
      await untilStored(sound, GROUP);
      const [row] = await blocks.segments(LOG);
      const ids = Array.from({ length: row?.blocks ?? 0 }, (_, block) => ({ level: 1, number: 0, block }));
      const damaged = (await blocks.blocks(LOG, ids)).at(at) ?? new Uint8Array();
      damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
      const index = opened(log, { blocks });
      const orders = ORDER_FIELDS.map((field) => ({ field, direction: "asc" as const }));
      for (const order of orders) {
        const filter = { kind: "phrase", field: "message", words: ["number"], prefix: false } as const;
        const all = { ...ALL, filter, order };
        expect(await index.count(all, Infinity)).toBe(GROUP + 10);
        expect(await index.page({ ...ALL, order: ALL.order }, { limit: 100 })).toEqual(rare(GROUP + 10));
        expect((await index.page(all, { limit: GROUP + 10 })).length).toBe(GROUP + 10);
      }
      const values = ["user0", "user6"].map((value) => ({ kind: "exact", field: "actor", value }) as const);
      for (const filter of values) expect(await index.count({ ...ALL, filter }, Infinity)).toBeGreaterThan(GROUP / 8);
      for (let leaf = 0; leaf < GROUP; leaf += 16)
        expect(await index.leavesByHash(LOG, plainEntries(1, leaf)[0]?.leafHash ?? new Uint8Array(), GROUP)).toEqual([
          leaf,
        ]);
      await untilSound(index);
    },
  );

  test("finds everything when segments go away while it knows them", async () => {
    const blocks = new MemoryBlockStore();
    const index = opened(await logOf(plainEntries(GROUP + 10)), { blocks, cacheBytes: 1_000 });
    await untilStored(index, GROUP);
    expect(await index.page(ALL, { limit: 100 })).toEqual(rare(GROUP + 10));
    await blocks.remove(LOG, [{ level: 1, number: 0 }]);
    expect(await index.page(ALL, { limit: 100 })).toEqual(rare(GROUP + 10));
    await untilStored(index, GROUP);
  });

  test("answers from no block of another segment, however little it may keep in memory", async () => {
    const log = await logOf(plainEntries(GROUP + 10));
    const [own, others] = [new MemoryBlockStore(), new MemoryBlockStore()];
    await untilStored(opened(log, { blocks: own }), GROUP);
    await untilStored(opened(await logOf(plainEntries(GROUP, 3)), { blocks: others }), GROUP);
    const outline = ((await own.segments(LOG))[0]?.blocks ?? 0) - 1;
    const mixed = replaced<BlockStore>(own, {
      remove: () => Promise.resolve(), // as in a database that may only be read
      blocks: (name, ids) => (ids.every(({ block }) => block === outline) ? own : others).blocks(name, ids),
    });
    const index = opened(log, { blocks: mixed, cacheBytes: 1_000 });
    expect(await index.page(ALL, { limit: 100 })).toEqual(rare(GROUP + 10));
  });

  test("finds what is there after a failover that lost entries, in memory and in stored segments", async () => {
    const [old, next] = [
      await logOf(plainEntries(GROUP + 10)),
      await logOf([...plainEntries(300), ...plainEntries(GROUP, 500)]),
    ];
    let leader = old;
    const log = replaced<LogStore>(old, {
      entries: (...asked) => leader.entries(...asked),
      head: (...asked) => leader.head(...asked),
      leafHashes: (...asked) => leader.leafHashes(...asked),
    });
    const index = opened(log, { isShared: true });
    await untilStored(index, GROUP);
    expect(await index.page(ALL, { limit: 100 })).toEqual(rare(GROUP + 10));
    leader = next;
    const lost = [
      0,
      ...rare(GROUP + 500)
        .slice(1)
        .map((at) => at - 200),
    ].filter((at) => at < GROUP + 10);
    expect(await index.page(ALL, { limit: 100 })).toEqual(lost);
    await untilStored(index, GROUP);
    expect(await index.page(ALL, { limit: 100 })).toEqual(lost);
  });

  test("names an entry that the log lost among the matches, and stores no segment with the gap", async () => {
    const log = await logOf(plainEntries(2 * GROUP));
    const lossy = replaced<LogStore>(log, {
      entries: async (name, leaves) =>
        (await log.entries(name, leaves)).map((row) => (row?.leafIndex === 1_001 ? undefined : row)),
      leafHashes: async (name, { start, end }) => {
        const hashes = await log.leafHashes(name, { start, end });
        return start <= 1_001 && end > 1_001 ? hashes.subarray(32) : hashes;
      },
    });
    const blocks = new MemoryBlockStore();
    const index = opened(lossy, { blocks });
    await untilListed(blocks, ["1/1"]);
    const query = { ...ALL, range: { start: 0, end: 2 * GROUP } };
    expect(await index.page(query, { limit: 100 })).toEqual([...rare(2 * GROUP), 1_001].sort((a, b) => a - b));
    await expect(index.count(query, 100)).rejects.toMatchObject({ code: "ENTRY_CORRUPT" });
  });

  test("stores no segment of entries with more words than fit in memory, says so, and finds them all the same", async () => {
    const entries = plainEntries(3 * GROUP).map((entry, at) =>
      at === GROUP + 7 ? logged({ message: `rare ${"wordy ".repeat(60_000)}` }, at) : entry,
    );
    const warnings: string[] = [];
    const blocks = new MemoryBlockStore();
    const maker = new SegmentMaker({ mostOccurrences: 80_000 });
    const index = opened(await logOf(entries), { blocks, maker, warn: (message) => warnings.push(message) });
    await untilListed(blocks, ["1/0", "1/2"]);
    expect(warnings).toEqual([
      "entries 4096 to 8191 of default have more than 80000 words and values: each search reads them all",
    ]);
    const query = { ...ALL, range: { start: 0, end: 3 * GROUP } };
    const found = [...rare(3 * GROUP), GROUP + 7].sort((a, b) => a - b);
    expect(await index.page(query, { limit: 100 })).toEqual(found);
    expect(await index.count(query, Infinity)).toBe(found.length);
  });

  test("finds the same among long entries, in parts of fewer than 256, and keeps only some of them in memory", async () => {
    const long = "-".repeat(2 ** 20 - 200);
    const entries = Array.from({ length: 300 }, (_, at) => {
      const isLong = at % 4 === 1 && at > 20;
      return logged({ message: `${at % 5 === 0 ? "rare" : "common"}${isLong ? long : ""} e${at}` }, at);
    });
    const log = await logOf(entries);
    const read: number[] = [];
    const counting = replaced<LogStore>(log, {
      entries: (name, leaves) => (read.push(...leaves), log.entries(name, leaves)),
    });
    const index = opened(counting, { blocks: idle() });
    const query = { ...ALL, range: { start: 0, end: 300 } };
    const fives = Array.from({ length: 60 }, (_, place) => 5 * place);
    const phrase = (...words: readonly string[]) =>
      ({ kind: "phrase", field: "message", words, prefix: false }) as const;
    for (let i = 0; i < 2; i++) {
      read.length = 0;
      expect(await index.page(query, { limit: 200 })).toEqual(fives);
    }
    // 70 of 1 MiB: all but the newest 64 are read again.
    expect(read.length).toBeGreaterThan(10);
    expect(read.length).toBeLessThan(200);
    expect(await index.page({ ...query, filter: phrase("common", "e201") }, { limit: 9 })).toEqual([201]);
    expect(await index.page({ ...query, filter: phrase("rare", "e225") }, { limit: 9 })).toEqual([225]);
    expect(await index.count({ ...query, filter: { kind: "not", filter: RARE } }, Infinity)).toBe(240);
  });

  test("lets others have their turn, and ends when its caller is gone", async () => {
    const index = opened(await logOf(plainEntries(3 * GROUP)), { blocks: idle() });
    const caller = new AbortController();
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
      if (turns === 3) caller.abort(new Error("gone"));
    }, 1);
    const query = { ...ALL, range: { start: 0, end: 3 * GROUP } };
    await expect(index.page(query, { limit: 1_000 }, caller.signal)).rejects.toThrow("gone");
    clearInterval(ticking);
    expect(turns).toBe(3);
  });

  test("answers a cheap search while dear ones are at work, however many", async () => {
    const index = opened(await logOf(plainEntries(4 * GROUP)), { blocks: idle() });
    const ended: string[] = [];
    const found = async (name: string, filter: IndexQuery["filter"]): Promise<void> => {
      const order = { field: "received_at", direction: "desc" } as const;
      await index.page({ ...ALL, filter, order, range: { start: 0, end: 4 * GROUP } }, { limit: 1 });
      ended.push(name);
    };
    await found("first", { kind: "all" }); // the newest entries are read once, and kept
    const dear = Array.from({ length: 20 }, () => found("dear", { ...RARE, words: ["nowhere"] }));
    await Promise.all([...dear, found("cheap", RARE)]);
    expect(ended.slice(0, 3)).toEqual(["first", "cheap", "dear"]);
  });

  test("says once why it stopped building", async () => {
    const [log, warnings] = [await logOf(plainEntries(GROUP)), new Array<string>()];
    const full = replaced<BlockStore>(new MemoryBlockStore(), {
      put: () => Promise.reject(new Error("the disk is full")),
    });
    const index = opened(log, { blocks: full, warn: (message) => warnings.push(message) });
    const query = { ...ALL, range: { start: 0, end: GROUP } };
    while (warnings.length === 0) await sleep(5);
    for (let i = 0; i < 3; i++) expect(await index.page(query, { limit: 100 })).toEqual(rare(GROUP));
    await sleep(50);
    expect(warnings).toEqual(["building the search index of default has stopped: the disk is full"]);
  });
});

async function untilListed(blocks: BlockStore, wanted: readonly string[]): Promise<void> {
  const deadline = performance.now() + BUILD_MS;
  for (;;) {
    const names = (await blocks.segments(LOG)).map(({ level, number }) => `${level}/${number}`);
    if (names.join() === wanted.join()) return;
    if (performance.now() > deadline) throw new Error(`stored are ${names.join()}`);
    await sleep(20);
  }
}

async function untilSound(index: SegmentIndex): Promise<void> {
  await untilStored(index, GROUP);
  for await (const { level, number, isSound } of index.check(LOG, 0))
    expect([level, number, isSound]).toEqual([1, 0, true]);
}
