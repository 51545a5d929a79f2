import { beforeEach, describe, expect, test } from "@jest/globals";
import type { BlockStore } from "../../../src/audit/block-store.js";
import { replaced } from "../../../src/audit/calls.js";
import type { ProvenAnswer, ReadEntries, ReadEntry } from "../../../src/audit/search-index.js";
import { digestOf, utf8 } from "../../../src/core/bytes.js";
import type { Question } from "../../../src/core/segment/answer.js";
import type { Segment } from "../../../src/core/segment/format.js";
import { MAX_PROOF_BYTES } from "../../../src/core/segment/proof-document.js";
import { blockCache } from "../../../src/engine/search/open-segment.js";
import { storable } from "../../../src/engine/search/outline.js";
import { StoredSegments } from "../../../src/engine/search/stored-segments.js";
import { FORMAT } from "../../core/segment/provable-log.js";
import { renumbered } from "../../core/segment/tall-segments.js";
import { rejection } from "../rejection.js";
import { ownThreadMaker } from "./own-thread.js";
import { all, BASE, few, LOG, many, page, ProofBench, status, textAt } from "./proof-bench.js";

/** Segments of level 0 that are stored, to be read as merged ones are. */
const STORED = 15;

let bench: ProofBench;
beforeEach(() => {
  bench = new ProofBench();
});

describe("an answer through many stored segments", () => {
  const leafHash = (leaf: number): Uint8Array => FORMAT.leafHash(many.entries[leaf] ?? new Uint8Array());
  let fetches: string[];
  let prove: (question: Partial<Question>, end?: number) => Promise<ProvenAnswer>;
  beforeEach(async () => {
    fetches = [];
    for (let number = 0; number < STORED; number++)
      await bench.blocks.put(LOG, storable(many.segment({ level: 0, number }), leafHash((number + 1) * BASE - 1), []));
    const blocks = replaced<BlockStore>(bench.blocks, {
      blocks: (log, ids) => {
        fetches.push([...new Set(ids.map(({ number }) => number))].join(" "));
        return bench.blocks.blocks(log, ids);
      },
    });
    const leafHashes = (_: string, { start }: { start: number }) => Promise.resolve(leafHash(start));
    const stored = new StoredSegments({ log: LOG, blocks, cache: blockCache(2 ** 24) }, { leafHashes });
    const index = many.index(STORED);
    const indexLog = replaced(bench.proverOf(many).parts.indexLog, {
      upTo: () => Promise.resolve({ ...index, rootHash: index.root }),
    });
    const entries: ReadEntries = () => Promise.reject(new Error("no entry is read"));
    prove = (question, end = STORED * BASE) =>
      bench.proverOf(many, { stored, indexLog, entries }).prove({ ...all, ...question }, { window: { start: 0, end } });
  });

  test.each([
    ["from the first on", false, ["0", "1 2", "3 4 5 6", "7 8 9 10 11 12 13 14"]],
    ["from the last on", true, ["14", "13 12", "11 10 9 8", "7 6 5 4 3 2 1 0"]],
  ])("fetches for one, two, four and eight of them, %s", async (_, descending, together) => {
    const { answer } = await prove({ filter: status("none"), descending });
    expect(answer).toEqual({ kind: "page", leaves: [] });
    expect(fetches).toEqual(together.flatMap((some) => [some, some]));
  });

  test("goes through none behind the one that decides it, though it may be fetched", async () => {
    const question = { filter: status("rare"), descending: false, wanted: page(2) };
    const { answer, proof } = await prove(question, many.size);
    expect(answer).toEqual({ kind: "page", leaves: [7, 1_007] });
    expect(proof).toEqual(many.prove({ ...all, ...question }, STORED).proof);
    expect(fetches.at(-1)).toBe("3 4 5 6");
  });
});

describe("an answer for which too much has to be read", () => {
  const [segment] = [few.segment({ level: 0, number: 0 })];
  /** So many entries behind an index of nothing, each of this text, and the first of so many bytes more. */
  function behind(treeSize: number, text: string, more = 0) {
    const readOf = (canonical: string): ReadEntry => {
      return { kind: "entry", entry: { canonical, hash: digestOf(FORMAT.leafHash(utf8(canonical))) } };
    };
    const [first, other] = [readOf(text + " ".repeat(more)), readOf(text)];
    const entries: ReadEntries = (leaves) => Promise.resolve(leaves.map((leaf) => (leaf === 0 ? first : other)));
    const indexLog = replaced(bench.proverOf(few).parts.indexLog, {
      upTo: () => Promise.resolve({ ...few.index(0), rootHash: few.index(0).root }),
    });
    const base = (firstLeaf: number): Promise<Segment> => Promise.resolve(renumbered(segment, firstLeaf / BASE));
    const baseMaker = replaced(ownThreadMaker(), { base });
    const nobody = { ...all, filter: status("none") };
    const window = { start: 0, end: treeSize };
    const siblings = (): Promise<readonly Uint8Array[]> => Promise.resolve([]);
    return (question: Partial<Question> = {}) =>
      bench
        .proverOf(few, { entries, indexLog, baseMaker })
        .prove({ ...nobody, ...question }, { treeSize, window, siblings });
  }

  test("has to wait for the index: of 8,192 entries behind it, and no more", async () => {
    const text = textAt(0);
    expect((await behind(8_192, text)()).answer).toEqual({ kind: "page", leaves: [] });
    const refused = await rejection(behind(8_193, text)());
    expect(refused).toMatchObject({ code: "UNAVAILABLE", retryAfterMs: 1_000, passing: "the index is being built" });
    // The newest need no more than the last of them.
    expect((await behind(8_193, text)({ filter: { kind: "all" } })).answer).toMatchObject({ kind: "page" });
  });

  test("is told as too large before it is all read", async () => {
    const text = textAt(0).replace("m 0", "m".repeat(2 ** 17));
    expect(await rejection(behind(2 * BASE, text)())).toMatchObject({ code: "PROOF_TOO_LARGE" });
    expect((await behind(100, text)()).answer).toEqual({ kind: "page", leaves: [] });
  });

  describe("of a mebibyte each", () => {
    const most = " ".repeat(2 ** 20);
    const newest = { filter: { kind: "all" }, wanted: page(1) } as const;

    test("may be read up to the bytes that a proof may have, whatever of them it holds", async () => {
      const { answer, proof } = await behind(16, most)(newest);
      expect(answer).toEqual({ kind: "page", leaves: [15] });
      expect(proof.length).toBeLessThan(2 * 2 ** 20);
      expect(await rejection(behind(16, most, 1)(newest))).toMatchObject({ code: "PROOF_TOO_LARGE" });
    });

    test("may be proven up to those bytes, all that the proof holds counted", async () => {
      const some = most.slice(100);
      const left = MAX_PROOF_BYTES - (await behind(16, some)()).proof.length;
      expect((await behind(16, some, left)()).proof).toHaveLength(MAX_PROOF_BYTES);
      expect(await rejection(behind(16, some, left + 1)())).toMatchObject({ code: "PROOF_TOO_LARGE" });
    });
  });

  test("is read from the newest on when they are asked for first", async () => {
    const { answer } = await behind(600, textAt(0))({ filter: { kind: "all" } });
    expect(answer).toEqual({ kind: "page", leaves: [599, 598, 597, 596, 595] });
  });
});
