import { afterAll, describe, expect, jest, test } from "@jest/globals";
import { replaced } from "../../../src/audit/calls.js";
import type { ReadEntry } from "../../../src/audit/search-index.js";
import { digestOf } from "../../../src/core/bytes.js";
import { storedEntries } from "../../../src/engine/search/log-rows.js";
import type { Part } from "../../../src/engine/search/matches.js";
import { RecentEntries } from "../../../src/engine/search/recent-entries.js";
import { SegmentMaker } from "../../../src/engine/search/segment-maker.js";
import { logged } from "../../stores/search-events.js";
import { GROUP, LOG, logOf } from "./segment-indexes.js";

const maker = new SegmentMaker();
afterAll(() => maker.close());

async function partsOf(messages: readonly string[]): Promise<readonly Part[]> {
  const log = await logOf(messages.map((message, leaf) => logged({ message }, leaf)));
  return new RecentEntries(storedEntries(log, LOG), maker).upTo(messages.length, 0);
}

const shape = ({ kind, range }: Part): string => `${kind} ${range.start}-${range.end}`;

test("the newest entries are segments of 256, and rows behind them", async () => {
  const parts = await partsOf(Array.from({ length: 600 }, (_, i) => `m${i}`));
  expect(parts.map(shape)).toEqual(["segment 0-256", "segment 256-512", "rows 512-600"]);
});

test("long entries make shorter parts, and none goes over a multiple of 256", async () => {
  const long = "-".repeat(2 ** 17);
  const parts = await partsOf(Array.from({ length: 258 }, (_, i) => (i < 5 || i > 253 ? `m${i} ${long}` : `m${i}`)));
  expect(parts.map(shape)).toEqual([
    "segment 0-2",
    "segment 2-4",
    "segment 4-255",
    "segment 255-256",
    "segment 256-258",
  ]);
});

test("what a search finds in the words of a part is forgotten with the search", async () => {
  const [part] = await partsOf(Array.from({ length: 256 }, (_, i) => `m${i}`));
  if (part?.kind !== "segment") throw new Error("a segment");
  const [first, second] = [part.segment.session(), part.segment.session()];
  const readers = await Promise.all([first, first, second].map((session) => session.read((reader) => reader)));
  expect(readers[0]).toBe(readers[1]);
  expect(readers[0]).not.toBe(readers[2]);
});

test("a part with an entry that was changed stays in rows, for that may match anything", async () => {
  const stored = storedEntries(
    await logOf(Array.from({ length: 256 }, (_, leaf) => logged({ message: "m" }, leaf))),
    LOG,
  );
  const recent = new RecentEntries(
    async (leaves) => (await stored(leaves)).map((read, place) => (leaves[place] === 9 ? { kind: "corrupt" } : read)),
    maker,
  );
  expect((await recent.upTo(256, 0)).map(shape)).toEqual(["rows 0-256"]);
});

describe("the last leaf that is known", () => {
  test("is of the newest entry that is sound, from wherever they were read", async () => {
    const entries = Array.from({ length: 300 }, (_, leaf) => logged({ message: `m${leaf}` }, leaf));
    const stored = storedEntries(await logOf(entries), LOG);
    const recent = new RecentEntries(
      async (leaves) =>
        (await stored(leaves)).map((read, place) => ((leaves[place] ?? 0) >= 290 ? { kind: "corrupt" } : read)),
      maker,
    );
    expect(recent.last).toBeUndefined();
    await recent.upTo(200, 0);
    expect(recent.last).toEqual({ size: 200, leafHash: entries[199]?.leafHash });
    await recent.upTo(300, 0);
    expect(recent.last).toEqual({ size: 290, leafHash: entries[289]?.leafHash });
    recent.clear();
    await recent.upTo(0, 0);
    expect(recent.last).toBeUndefined();
  });
});

describe("entries in memory", () => {
  /** Of a log whose entries are `m0`, `m1` and so on: what is read of it. */
  async function counted(size: number): Promise<{ readonly recent: RecentEntries; readonly read: number[] }> {
    const read: number[] = [];
    const log = await logOf(Array.from({ length: size }, (_, leaf) => logged({ message: `m${leaf}` }, leaf)));
    const stored = storedEntries(log, LOG);
    return { read, recent: new RecentEntries((leaves) => (read.push(...leaves), stored(leaves)), maker) };
  }
  const leaves = (start: number, end: number): readonly number[] =>
    Array.from({ length: end - start }, (_, place) => start + place);

  test("are read once, as the log grows", async () => {
    const { recent, read } = await counted(600);
    for (const size of [10, 10, 300, 299, 600]) await recent.upTo(size, 0);
    expect(read).toEqual(leaves(0, 600));
  });

  test("are not those that stored segments cover, and are forgotten when they do", async () => {
    const { recent, read } = await counted(GROUP + 300);
    expect((await recent.upTo(GROUP, GROUP)).map(shape)).toEqual([]);
    expect(read).toEqual([]);
    const wanted = ["segment 4096-4352", "rows 4352-4396"];
    expect((await recent.upTo(GROUP + 300, GROUP)).map(shape)).toEqual(wanted);
    expect(read).toEqual(leaves(GROUP, GROUP + 300));
    expect((await recent.upTo(GROUP + 256, GROUP + 256)).map(shape)).toEqual(["rows 4352-4396"]);
  });

  test("begin with the newest group where more than three groups are missing", async () => {
    const { recent, read } = await counted(3 * GROUP + 2);
    expect((await recent.upTo(3 * GROUP + 2, 1)).map(shape)).toEqual(["rows 12288-12290"]);
    expect(read).toEqual([12_288, 12_289]);
  });

  test("are read again after one could not be read, and after the log was another one", async () => {
    let isAway = true;
    const { recent, read } = await counted(70);
    const log = await logOf(Array.from({ length: 70 }, (_, leaf) => logged({ message: `m${leaf}` }, leaf)));
    const stored = storedEntries(log, LOG);
    const failing = new RecentEntries(
      (wanted) => (isAway && wanted.includes(65) ? Promise.reject(new Error("away")) : stored(wanted)),
      maker,
    );
    await expect(failing.upTo(70, 0)).rejects.toThrow("away");
    isAway = false;
    expect((await failing.upTo(70, 0)).map(shape)).toEqual(["rows 0-70"]);
    await recent.upTo(70, 0);
    recent.clear();
    expect((await recent.upTo(70, 0)).map(shape)).toEqual(["rows 0-70"]);
    expect(read).toEqual([...leaves(0, 70), ...leaves(0, 70)]);
  });
});

describe("what is kept in memory", () => {
  const HASH = digestOf(new Uint8Array(32));
  const PART = 2 ** 18;
  /** Entries of so many characters, made into segments that are nothing. */
  function ofLength(charactersOf: (leaf: number) => number): RecentEntries {
    const text = " ".repeat(PART);
    const base = () => Promise.resolve({ level: 0, number: 0, blocks: [], directory: [] });
    const read = (leaf: number): ReadEntry => {
      return { kind: "entry", entry: { canonical: text.slice(0, charactersOf(leaf)), hash: HASH } };
    };
    return new RecentEntries((leaves) => Promise.resolve(leaves.map(read)), replaced(new SegmentMaker(), { base }));
  }

  test("is a part from 262,144 characters on, each counted from its own first entry", async () => {
    const recent = ofLength((leaf) => [PART - 1, 1, PART - 1][leaf] ?? 1);
    expect((await recent.upTo(1, 0)).map(shape)).toEqual(["rows 0-1"]);
    expect((await recent.upTo(2, 0)).map(shape)).toEqual(["segment 0-2"]);
    expect((await recent.upTo(3, 0)).map(shape)).toEqual(["segment 0-2", "rows 2-3"]);
    expect((await recent.upTo(4, 0)).map(shape)).toEqual(["segment 0-2", "segment 2-4"]);
    recent.clear();
    expect((await recent.upTo(1, 0)).map(shape)).toEqual(["rows 0-1"]);
  });

  test("are 64 Mi characters, the newest", async () => {
    const recent = ofLength(() => PART);
    expect(await recent.upTo(256, 0)).toHaveLength(256);
    const parts = await recent.upTo(257, 0);
    expect([parts.length, parts[0]?.range.start]).toEqual([256, 1]);
  });

  test("are all that no stored segment covers, also after a burst that no search came with: each would read it from the log", async () => {
    const recent = ofLength(() => 1);
    await recent.upTo(10, 0);
    const parts = (await recent.upTo(9 * GROUP + 2, 7 * GROUP)).map(shape);
    expect([parts[0], parts.at(-1)]).toEqual(["segment 28672-28928", "rows 36864-36866"]);
  });

  test("stay while nothing is stored, as the log grows by three groups at a time, up to 64 of them", async () => {
    const recent = ofLength(() => 1);
    let parts: readonly Part[] = [];
    for (let size = 3 * GROUP; size <= 63 * GROUP; size += 3 * GROUP) parts = await recent.upTo(size, 0);
    expect([parts.length, parts[0]?.range.start]).toEqual([63 * 16, 0]);
    parts = await recent.upTo(66 * GROUP, 0);
    expect([parts.length, parts[0]?.range.start]).toEqual([64 * 16, 2 * GROUP]);
  });

  test("are all that no stored segment covers, from the first on, of up to three groups", async () => {
    const recent = ofLength(() => 1);
    const parts = await recent.upTo(GROUP + 2, 0);
    expect([parts.length, parts.map(shape).at(-1)]).toEqual([17, "rows 4096-4098"]);
    expect((await ofLength(() => 1).upTo(GROUP + 2, 256)).map(shape)[0]).toBe("segment 256-512");
    expect((await ofLength(() => 1).upTo(3 * GROUP, 0)).map(shape)[0]).toBe("segment 0-256");
  });

  test("is read in steps, between which others run", async () => {
    const clock = jest.spyOn(performance, "now");
    let [now, turns, isRead] = [0, 0, false];
    clock.mockImplementation(() => (now += 20));
    const turn = (): void => {
      turns += 1;
      if (!isRead) setImmediate(turn);
    };
    turn();
    await ofLength(() => 1).upTo(100, 0);
    [isRead] = [true];
    clock.mockRestore();
    expect(turns).toBeGreaterThan(5);
  });

  test("is left as it is where stored segments reach further", async () => {
    const recent = ofLength(() => 1);
    await recent.upTo(300, 0);
    const { last } = recent;
    await recent.upTo(GROUP, GROUP);
    expect([last?.size, recent.last]).toEqual([300, last]);
  });
});
