import { beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { BlockId, BlockStore } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import { utf8 } from "../../../src/core/bytes.js";
import { evaluation } from "../../../src/core/segment/evaluate.js";
import type { SegmentFilter } from "../../../src/core/segment/filter.js";
import type { Segment } from "../../../src/core/segment/format.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { SegmentReader } from "../../../src/core/segment/read.js";
import { CUSTOM, leafTerm, presenceTerm, valueTerm, wordTerm } from "../../../src/core/words/words.js";
import { matchesOf, partsOf, type Sought } from "../../../src/engine/search/matches.js";
import { blockCache, termsOf } from "../../../src/engine/search/open-segment.js";
import { storable } from "../../../src/engine/search/outline.js";
import { StoredSegments } from "../../../src/engine/search/stored-segments.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { baseSegments, entryAt, groupOf } from "../../core/segment/corpus.js";

const LOG = "default";
const SEGMENTS = 16;
const BASE = 256;
const END = SEGMENTS * BASE;
const NOBODY: SegmentFilter = { kind: "exact", field: "actor", value: "nobody" };

let bases: readonly Segment[];
let fetches: (readonly BlockId[])[];
let blocks: BlockStore;
beforeAll(() => {
  bases = baseSegments(groupOf(0));
});
beforeEach(async () => {
  const memory = new MemoryBlockStore();
  for (const base of bases) await memory.put(LOG, storable(base, entryAt((base.number + 1) * BASE - 1).leafHash, []));
  fetches = [];
  blocks = replaced<BlockStore>(memory, { blocks: (log, ids) => (fetches.push(ids), memory.blocks(log, ids)) });
});

/** Goes through segments for this, until it was given so many pieces: which segments' blocks were fetched at the same time. */
async function fetched(filter: SegmentFilter, descending: boolean, pieces = Infinity): Promise<readonly string[]> {
  const leafHashes = (_log: string, { start }: { readonly start: number }) => Promise.resolve(entryAt(start).leafHash);
  const stored = new StoredSegments({ log: LOG, blocks, cache: blockCache(2 ** 24) }, { leafHashes });
  const searched = {
    ...{ log: LOG, signal: undefined, entries: () => Promise.reject(new Error("no entry is read")) },
    longEntries: { matches: () => Promise.reject(new Error("no entry is long")) },
    parts: partsOf({ start: 0, end: END }, await stored.list(), []),
  };
  const sought: Sought = { filter, isMatch: () => false };
  let found = 0;
  for await (const { kind } of matchesOf(sought, searched, descending)) {
    expect(kind).toBe("piece");
    if (++found >= pieces) break;
  }
  return fetches.map((ids) => [...new Set(ids.map(({ number }) => number))].join(" "));
}

describe("a search through stored segments", () => {
  test("that finds nothing fetches for one, two, four and eight of them, twice: outlines, and what the words need", async () => {
    const together = ["0", "1 2", "3 4 5 6", "7 8 9 10 11 12 13 14", "15"];
    expect(await fetched(NOBODY, false)).toEqual(together.flatMap((some) => [some, some]));
    const ids = fetches.flat().map(({ number, block }) => `${number}/${block}`);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("against the order of leaves fetches from the end", async () => {
    const together = ["15", "14 13", "12 11 10 9", "8 7 6 5 4 3 2 1", "0"];
    expect(await fetched(NOBODY, true)).toEqual(together.flatMap((some) => [some, some]));
  });

  test("fetches for none that it may never come to", async () => {
    const numbers = new Set((await fetched({ kind: "all" }, false, 3)).flatMap((some) => some.split(" ")));
    expect([...numbers]).toEqual(["0", "1", "2"]);
  });
});

describe("what is fetched for a filter", () => {
  const phrase = (words: readonly string[], more: { field?: "message" | "actor"; prefix?: boolean } = {}) =>
    ({ kind: "phrase", field: more.field, words, prefix: more.prefix ?? false }) as const;
  const failed = { kind: "exact", field: "status", value: "failed" } as const;
  const hash = entryAt(7).leafHash;

  test.each<readonly [string, SegmentFilter, readonly Uint8Array[]]>([
    ["a word of a field", phrase(["alice"], { field: "actor" }), [wordTerm("alice", "actor")]],
    ["a word of any field", phrase(["alice"]), [1, CUSTOM + 1].map((end) => Uint8Array.of(...utf8("alice"), 0, end))],
    [
      "each word of a phrase, and what begins with its last",
      phrase(["logged", "i"], { field: "message", prefix: true }),
      [wordTerm("logged", "message"), utf8("i")],
    ],
    ["a value", failed, [valueTerm("failed", "status", nodeSha256)]],
    ["a field", { kind: "present", field: "target" }, [presenceTerm("target")]],
    ["a leaf", { kind: "leaf", hash }, [leafTerm(hash)]],
    ["all, which needs none", { kind: "all" }, []],
    [
      "what is combined",
      { kind: "and", filters: [failed, { kind: "not", filter: { kind: "or", filters: [failed, NOBODY] } }] },
      [failed, failed, NOBODY].map(({ value, field }) => valueTerm(value, field, nodeSha256)),
    ],
  ])("are the places of %s", (_, filter, terms) => {
    expect(termsOf(filter)).toEqual(terms);
  });

  test.each<readonly [SegmentFilter]>([
    [phrase(["logged"])],
    [phrase(["user4", "example"], { field: "actor" })],
    [failed],
    [{ kind: "present", field: "new" }],
    [{ kind: "leaf", hash }],
  ])("are all blocks of the dictionary that it reads: %j", (filter) => {
    for (const segment of bases.slice(0, 3)) {
      const source = memorySource(segment);
      const read = new Set<number>();
      const reader = new SegmentReader({
        block: (number) => (read.add(number), source.block(number)),
        locate: (term) => source.locate(term),
      });
      const { dictionaryBlocks } = reader.header;
      evaluation(filter, { reader, sha256: nodeSha256, blocks: Infinity });
      const fetched = new Set(termsOf(filter).map((term) => source.locate(term)));
      const missing = [...read].filter((number) => number >= 1 && number <= dictionaryBlocks && !fetched.has(number));
      expect(missing).toEqual([]);
    }
  });
});
