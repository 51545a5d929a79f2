import { beforeEach, describe, expect, test } from "@jest/globals";
import { timeText } from "../../../src/audit/clock.js";
import type { SearchIndex } from "../../../src/audit/search-index.js";
import type { LogStore } from "../../../src/audit/store.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import { expectCode, rejection } from "../rejection.js";
import { fill, logMessages, NEW_YEAR, openTestService, TestClock } from "../test-log.js";
import { matches } from "../../../src/query/filter.js";
import { damaged, flipped, LogInMemory } from "./damaged-store.js";

let memory: LogInMemory;
beforeEach(() => {
  memory = new LogInMemory();
});

describe("an entry that was rewritten together with its own hash", () => {
  const SIZE = 600;
  const format = logFormat("rfc6962");
  const forged = (leafIndex: number): Partial<LogStore> => ({
    entries: async (log, indexes) =>
      (await memory.store.entries(log, indexes)).map((entry) => {
        if (entry?.leafIndex !== leafIndex) return entry;
        const canonical = entry.canonical.replace(/event \d+/, "nothing happened");
        return { ...entry, canonical, leafHash: format.leafHash(utf8(canonical)) };
      }),
  });
  beforeEach(async () => {
    await memory.fill(SIZE);
  });

  test.each([7, 300, 599])("at %i, in a full tile or at the edge, is corrupt, and the others are shown", async (at) => {
    const outcomes = await (await memory.open(forged(at))).entries("default", [6, at, 598]);
    expect(outcomes).toEqual([
      expect.objectContaining({ kind: "entry" }),
      { kind: "corrupt", leafIndex: at },
      expect.objectContaining({ kind: "entry" }),
    ]);
  });

  test("is what was logged where this process has it in memory since, and corrupt for the next one", async () => {
    const answers: Partial<LogStore> = {};
    const service = await openTestService({ store: damaged(memory.store, answers), index: memory.index });
    await fill(service, 600);
    const logged = await service.entries("default", [700, 701]);
    Object.assign(answers, forged(700));
    expect(await service.entries("default", [700, 701])).toEqual(logged);
    expect(logged.map(({ kind }) => kind)).toEqual(["entry", "entry"]);
    const next = await memory.open(forged(700));
    expect((await next.entries("default", [700, 701])).map(({ kind }) => kind)).toEqual(["corrupt", "entry"]);
  });

  test("leaves the proof of its place that of the entry which was logged", async () => {
    const [genuine] = await (await memory.open()).entries("default", [7]);
    const [proof] = await (
      await memory.open(forged(7))
    ).membershipProofs({
      ...{ log: "default", treeSize: SIZE, leafIndexes: [7] },
    });
    if (genuine?.kind !== "entry" || proof === undefined) throw new Error("no proof");
    expect(digestOf(proof.leafHash)).toBe(genuine.entry.hash);
  });

  test("ends a download's and a tail's page as corrupt", async () => {
    const service = await memory.open(forged(7));
    const { result } = await service.search(
      { log: "default", query: "", order: { field: "received_at", direction: "asc" } },
      {},
    );
    const download = await service.download({ id: result.id, everyMatch: true });
    const downloaded = [];
    for await (const page of download.pages(new AbortController().signal)) downloaded.push(...page);
    expect(downloaded.filter(({ kind }) => kind === "corrupt")).toEqual([{ kind: "corrupt", leafIndex: 7 }]);
    const stop = new AbortController();
    const tailed = [];
    for await (const outcome of await service.tail({ log: "default", fromLeafIndex: 6 }, stop)) {
      tailed.push(outcome.kind);
      if (tailed.length === 3) stop.abort();
    }
    expect(tailed).toEqual(["entry", "corrupt", "entry"]);
  });

  test("hides those beside it on a damaged tile: which of the two is right cannot be told", async () => {
    const service = await memory.open({
      ...forged(7),
      tiles: async (log, ids) =>
        (await memory.store.tiles(log, ids)).map((tile, i) => (tile && ids[i]?.index === 0 ? flipped(tile, 0) : tile)),
    });
    const outcomes = await service.entries("default", [0, 1, 7, 255, 256]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["corrupt", "corrupt", "corrupt", "entry", "entry"]);
  });

  test("of an index asked for behind the log's size first is still told apart", async () => {
    const outcomes = await (await memory.open()).entries("default", [SIZE, 7]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["missing", "entry"]);
  });
});

describe("entries whose tile was damaged", () => {
  test.each([
    ["in the leaf", 7 * 32],
    ["beside the way up", 6 * 32],
    ["at the top", 510 * 32],
  ])("%s are shown: the tile is made again from them", async (_name, place) => {
    await memory.fill(600);
    const service = await memory.open({
      tiles: async (log, ids) => (await memory.store.tiles(log, ids)).map((tile) => tile && flipped(tile, place)),
    });
    const outcomes = await service.entries("default", [7, 300, 599]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["entry", "entry", "entry"]);
  });

  test("two levels up are shown as well", async () => {
    await memory.fill(65_536 + 300);
    const service = await memory.open({
      tiles: async (log, ids) =>
        (await memory.store.tiles(log, ids)).map((tile, i) => (tile && ids[i]?.level === 1 ? flipped(tile, 32) : tile)),
    });
    const outcomes = await service.entries("default", [7, 300, 65_535, 65_536]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(4).fill("entry"));
  });
});

describe("a window of time", () => {
  test("is found by what was hashed, whatever the store says of its entries' times", async () => {
    const clock = new TestClock();
    const writer = await openTestService({ store: memory.store, clock: clock.now });
    for (let i = 0; i < 40; i++) {
      await logMessages(writer, 1);
      clock.advanceMs(1_000);
    }
    const at = (second: number): string => timeText(NEW_YEAR + second * 1_000_000);
    for (const hint of [-5, 0, 1, 9, 10, 11, 12, 20, 39, 40, 41, 1_000]) {
      const service = await memory.open({ firstAtOrAfter: () => Promise.resolve(hint) });
      for (const [start, end] of [
        [0, 40],
        [10, 20],
        [11, 11],
        [39, 50],
        [40, 50],
      ] as const) {
        const request = { log: "default", query: "", window: { start: at(start), end: at(end) } };
        const { leafIndexes } = await service.search(request, { first: 100 });
        expect(leafIndexes).toHaveLength(Math.max(0, Math.min(end, 40) - start));
      }
    }
  });

  test("is proven by the entries beside both of its bounds, in one read of the store", async () => {
    const clock = new TestClock();
    const writer = await openTestService({ store: memory.store, clock: clock.now });
    for (let i = 0; i < 40; i++) {
      await logMessages(writer, 1);
      clock.advanceMs(1_000);
    }
    const reads: (readonly number[])[] = [];
    const service = await memory.open({
      entries: (log, indexes) => {
        reads.push(indexes);
        return memory.store.entries(log, indexes);
      },
    });
    reads.length = 0;
    const window = { start: timeText(NEW_YEAR + 10_000_000), end: timeText(NEW_YEAR + 20_000_000) };
    await service.search({ log: "default", query: "", window }, {});
    const [proof, ...searched] = reads;
    expect(proof).toEqual([9, 10, 19, 20]);
    expect(searched).toEqual([Array.from({ length: 20 }, (_, leafIndex) => leafIndex)]);
  });

  test("is proven once, but for a bound that no entry has reached", async () => {
    const clock = new TestClock();
    const hints: string[] = [];
    const store = damaged(memory.store, {
      firstAtOrAfter: (log, time, size) => {
        hints.push(time);
        return memory.store.firstAtOrAfter(log, time, size);
      },
    });
    const service = await openTestService({ store, index: memory.index, clock: clock.now });
    const [start, end] = [timeText(NEW_YEAR), timeText(NEW_YEAR + 2_000_000)];
    const found = async (): Promise<number> => {
      const request = { log: "default", query: "", window: { start, end } };
      return (await service.search(request, { first: 100 })).leafIndexes.length;
    };
    const seen: number[] = [];
    for (let second = 0; second < 4; second++) {
      await logMessages(service, 1);
      clock.advanceMs(1_000);
      seen.push(await found());
    }
    expect(seen).toEqual([1, 2, 2, 2]);
    expect(hints).toEqual([start, end, end, end]);
  });

  test("whose bound is a changed entry is refused", async () => {
    const clock = new TestClock();
    const writer = await openTestService({ store: memory.store, clock: clock.now });
    for (let i = 0; i < 3; i++) {
      await logMessages(writer, 1);
      clock.advanceMs(1_000);
    }
    const service = await memory.open({
      entries: async (log, indexes) =>
        (await memory.store.entries(log, indexes)).map((entry) =>
          entry?.leafIndex === 1 ? { ...entry, canonical: `${entry.canonical} ` } : entry,
        ),
    });
    const window = { start: timeText(NEW_YEAR + 1_000_000) };
    await expectCode(service.search({ log: "default", query: "", window }, {}), "ENTRY_CORRUPT");
  });
});

describe("a search index that names other entries", () => {
  test("has none of them shown, and raises the alarm once", async () => {
    await memory.fill(10);
    const lying: SearchIndex = {
      follow: () => undefined,
      prepare: () => undefined,
      check: async function* () {
        // nothing is stored
      },
      indexedSize: () => Promise.resolve(10),
      page: () => Promise.resolve([3, 4]),
      count: () => Promise.resolve(2),
      countLeaves: () => Promise.resolve([]),
      countTimes: () => Promise.resolve([]),
      timesOf: () => Promise.resolve({ span: undefined, without: 0 }),
      topValues: () => Promise.resolve({ values: [], distinctCount: 0, otherCount: 0, missingCount: 0 }),
      isMatch: (filter, { envelope }) => Promise.resolve(matches(filter, envelope.event)),
      leavesByHash: () => Promise.resolve([]),
      indexHead: () => Promise.reject(new Error("nothing is stored")),
      indexRecords: () => Promise.reject(new Error("nothing is stored")),
      storedIndex: () => Promise.resolve(undefined),
      prove: () => Promise.reject(new Error("nothing is stored")),
      close: () => Promise.resolve(),
    };
    const service = await openTestService({
      store: memory.store,
      index: lying,
      alarm: (text) => memory.alarms.push(text),
    });
    const { result } = await service.search({ log: "default", query: '"event 3"' }, {});
    const outcomes = await service.entries("default", [3, 4]);
    const hits = await Promise.all(
      outcomes.map(async (outcome) => outcome.kind === "entry" && (await result.matches(outcome.entry))),
    );
    expect(hits).toEqual([true, false]);
    const download = await service.download({ id: result.id, everyMatch: true });
    const error = await rejection(download.pages(new AbortController().signal)[Symbol.asyncIterator]().next());
    expect([error.code, error.message]).toEqual([
      "UNAVAILABLE",
      expect.stringMatching(/names entry 4 of the log default/),
    ]);
    expect(memory.alarms).toHaveLength(1);
  });
});
