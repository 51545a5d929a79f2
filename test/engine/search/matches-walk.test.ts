import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { BlockStore } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import type { ReadEntry } from "../../../src/audit/search-index.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import { PIECE_DOCUMENTS, type Segment } from "../../../src/core/segment/format.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { mergeSegments } from "../../../src/core/segment/merge.js";
import { SegmentReader } from "../../../src/core/segment/read.js";
import { leavesOf } from "../../../src/core/segment/search.js";
import type { LeafRange } from "../../../src/core/tree.js";
import { CUSTOM, leafTerm, presenceTerm, valueTerm, wordTerm } from "../../../src/core/words/words.js";
import {
  leavesIn,
  matchesOf,
  partsOf,
  type Found,
  type SearchedLog,
  type Sought,
} from "../../../src/engine/search/matches.js";
import { blockCache, OpenSegment, termsOf, type ReadableSegment } from "../../../src/engine/search/open-segment.js";
import { storable } from "../../../src/engine/search/outline.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { neighbours, readerOf, renumbered, sparseSegment } from "../../core/segment/tall-segments.js";

const ALL: Sought = { filter: { kind: "all" }, isMatch: () => true };
const range = (start: number, end: number): LeafRange => ({ start, end });

/** Of level 2, the second of the log: 16 pieces. */
let tall: Segment;
beforeAll(() => {
  tall = mergeSegments(neighbours([sparseSegment(0, 1_024)], 1).map(readerOf));
});

/** What is asked of the log, each time. */
let asked: (readonly number[])[];
beforeEach(() => {
  asked = [];
});
afterEach(() => {
  jest.restoreAllMocks();
});

function readable(segment: Segment): ReadableSegment {
  const reader = new SegmentReader(memorySource(segment));
  return { range: leavesOf(segment), session: () => ({ read: (run) => Promise.resolve(run(reader)) }) };
}

function searched(parts: SearchedLog["parts"], signal?: AbortSignal, canonical = "{}"): SearchedLog {
  const entry: ReadEntry = { kind: "entry", entry: { canonical, hash: digestOf(new Uint8Array(32)) } };
  return {
    ...{ log: "default", parts, signal },
    entries: (leaves) => (asked.push(leaves), Promise.resolve(leaves.map(() => entry))),
    longEntries: { matches: () => Promise.reject(new Error("no entry is long")) },
  };
}

async function found(log: SearchedLog, descending = false): Promise<readonly Found[]> {
  const all: Found[] = [];
  for await (const some of matchesOf(ALL, log, descending)) all.push(some);
  return all;
}

describe("the parts of a range", () => {
  const segments = [0, 1, 2].map((number): ReadableSegment => {
    return { range: range(number * 256, (number + 1) * 256), session: () => nothing() };
  });
  const shapes = (wanted: LeafRange, stored = segments): readonly string[] =>
    partsOf(wanted, stored, []).map(({ kind, range: { start, end } }) => `${kind} ${start}-${end}`);

  test("are no more than what lies in it", () => {
    expect(shapes(range(256, 512))).toEqual(["segment 256-512"]);
    expect(shapes(range(255, 513))).toEqual(["segment 255-256", "segment 256-512", "segment 512-513"]);
    expect(shapes(range(700, 800))).toEqual(["segment 700-768", "rows 768-800"]);
  });

  test("are read from the log where nothing is stored", () => {
    expect(shapes(range(100, 600), segments.slice(1, 2))).toEqual(["rows 100-256", "segment 256-512", "rows 512-600"]);
    expect(shapes(range(768, 769))).toEqual(["rows 768-769"]);
  });
});

describe("a walk through a segment of many pieces", () => {
  const first = 16 * PIECE_DOCUMENTS;
  const through = (wanted: LeafRange, descending = false): Promise<readonly Found[]> =>
    found(searched(partsOf(wanted, [readable(tall)], [])), descending);
  const placesOf = (all: readonly Found[]): readonly unknown[] =>
    all.map((one) => one.kind === "piece" && [one.piece, one.start]);

  test("comes upon each that the range touches, and no other, in its direction", async () => {
    const second = range(first + PIECE_DOCUMENTS, first + 2 * PIECE_DOCUMENTS);
    expect(placesOf(await through(second))).toEqual([[1, second.start]]);
    const all = Array.from({ length: 16 }, (_, piece) => [piece, first + piece * PIECE_DOCUMENTS]);
    expect(placesOf(await through(leavesOf(tall)))).toEqual(all);
    expect(placesOf(await through(leavesOf(tall), true))).toEqual([...all].reverse());
    const around = range(second.start - 1, second.end + 1);
    const [before, within, behind] = await through(around);
    expect([before, behind].map((one) => one && leavesIn(one))).toEqual([[second.start - 1], [second.end]]);
    expect(within && leavesIn(within)).toHaveLength(PIECE_DOCUMENTS);
  });

  test("comes upon none where nothing can match", async () => {
    const nowhere = { kind: "phrase", field: undefined, words: ["nowhere"], prefix: false } as const;
    const log = searched(partsOf(leavesOf(tall), [readable(tall)], []));
    for await (const some of matchesOf({ filter: nowhere, isMatch: () => false }, log, false)) nothing(some);
  });

  test("fetches ahead for one stored segment, then for two, then for four", async () => {
    const store = new MemoryBlockStore();
    const small = sparseSegment(0, 2_048);
    const rows = Array.from({ length: 9 }, (_, number) => storable(renumbered(small, number), new Uint8Array(32), []));
    for (const row of rows) await store.put("default", row);
    const fetched: (readonly number[])[] = [];
    const blocks = replaced<BlockStore>(store, {
      blocks: (log, ids) => {
        if (ids.some(({ number, block }) => block === (rows[number]?.blocks ?? 0) - 1))
          fetched.push(ids.map(({ number }) => number));
        return store.blocks(log, ids);
      },
    });
    const open = rows.map((row) => new OpenSegment(row, { log: "default", blocks, cache: blockCache(2 ** 22) }));
    const whole = range(0, 9 * PIECE_DOCUMENTS);
    await found(searched(partsOf(whole, open, [])));
    expect(fetched).toEqual([[0], [1, 2], [3, 4, 5, 6], [7, 8]]);
    fetched.length = 0;
    const again = rows.map((row) => new OpenSegment(row, { log: "default", blocks, cache: blockCache(2 ** 22) }));
    await found(searched(partsOf(whole, again, [])), true);
    expect(fetched).toEqual([[8], [7, 6], [5, 4, 3, 2], [1, 0]]);
  });

  test("lets others run before it begins, and between pieces", async () => {
    const turns = turnsOf();
    await through(leavesOf(tall));
    expect(await turns()).toBeGreaterThanOrEqual(17);
  });
});

describe("a walk through what is read from the log", () => {
  const rows = (wanted: LeafRange) => [{ kind: "rows", range: wanted, rows: undefined }] as const;
  const leaves = ({ start, end }: LeafRange): readonly number[] =>
    Array.from({ length: end - start }, (_, place) => start + place);

  test.each([
    [64, 128, [[64, 128]]],
    [
      64,
      200,
      [
        [64, 128],
        [128, 192],
        [192, 200],
      ],
    ],
    [64, 65, [[64, 65]]],
  ])("reads 64 at once, each once: from %i to %i", async (start, end, chunks) => {
    await found(searched(rows(range(start, end))));
    expect(asked).toEqual(chunks.map(([from = 0, to = 0]) => leaves(range(from, to))));
  });

  test("reads from the end where it goes backwards", async () => {
    await found(searched(rows(range(64, 200))), true);
    expect(asked).toEqual([range(136, 200), range(72, 136), range(64, 72)].map(leaves));
  });

  test("lets others run between rows, and ends for who is gone", async () => {
    const turns = turnsOf();
    await found(searched(rows(range(0, 64)), undefined, "{}".padEnd(8_192)));
    expect(await turns()).toBeGreaterThanOrEqual(64);
    const gone = AbortSignal.abort(new Error("gone"));
    await expect(found(searched(rows(range(0, 1)), gone))).rejects.toThrow("gone");
  });
});

test("the terms of a filter are those that it looks up, or what they begin with", () => {
  const phrase = { kind: "phrase", field: "message", words: ["to", "be"], prefix: false } as const;
  const [to, be] = phrase.words.map((word) => wordTerm(word, "message"));
  expect(termsOf(phrase)).toEqual([to, be]);
  expect(termsOf({ ...phrase, prefix: true })).toEqual([to, utf8("be")]);
  const ends = [1, CUSTOM + 1].map((end) => Uint8Array.of(...utf8("to"), 0, end)); // of all fields
  expect(termsOf({ ...phrase, field: undefined, prefix: true })).toEqual([...ends, utf8("be")]);
  const exact = { kind: "exact", field: "actor", value: "bob" } as const;
  const leaf = { kind: "leaf", hash: new Uint8Array(32).fill(7) } as const;
  const [value, present] = [valueTerm("bob", "actor", nodeSha256), presenceTerm("actor")];
  expect(
    termsOf({ kind: "and", filters: [exact, { kind: "not", filter: { kind: "present", field: "actor" } }] }),
  ).toEqual([value, present]);
  expect(termsOf({ kind: "or", filters: [leaf, { kind: "all" }] })).toEqual([leafTerm(leaf.hash)]);
});

/** Counts the turns that others have from now on, while each piece of work takes long. */
function turnsOf(): () => Promise<number> {
  let [now, turns, isOver] = [0, 0, false];
  jest.spyOn(performance, "now").mockImplementation(() => (now += 20));
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  turn();
  return () => {
    isOver = true;
    return Promise.resolve(turns);
  };
}

function nothing(read?: unknown): never {
  throw new Error("not read", { cause: read });
}
