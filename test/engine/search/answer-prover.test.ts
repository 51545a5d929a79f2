import { beforeEach, describe, expect, test } from "@jest/globals";
import type { ProofQuery, ProvenAnswer, ReadEntries, ReadEntry } from "../../../src/audit/search-index.js";
import { replaced } from "../../../src/audit/calls.js";
import { digestOf, utf8, utf8Text } from "../../../src/core/bytes.js";
import type { Question } from "../../../src/core/segment/answer.js";
import type { Segment } from "../../../src/core/segment/format.js";
import { AnswerProver, type ProverParts } from "../../../src/engine/search/answer-prover.js";
import { BaseSegments, proofCache } from "../../../src/engine/search/base-segments.js";
import { IndexLog } from "../../../src/engine/search/index-tree.js";
import { blockCache } from "../../../src/engine/search/open-segment.js";
import { recordOf, storable } from "../../../src/engine/search/outline.js";
import { StoredSegments } from "../../../src/engine/search/stored-segments.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { FORMAT, IndexedLog, leavesOf, receivedAt } from "../../core/segment/provable-log.js";
import { renumbered } from "../../core/segment/tall-segments.js";
import { rejection } from "../rejection.js";
import { ownThreadMaker } from "./own-thread.js";

const LOG = "default";
const BASE = 256;
const GROUP = 4_096;
const FEW = 600;
/** With a segment of level 1, one base behind it, and some entries behind that. */
const MANY = GROUP + BASE + 40;

const textAt = (leaf: number): string => {
  const [actor, status] = [`user${leaf % 50}`, leaf % 1_000 === 7 ? "rare" : leaf % 3 === 0 ? "failed" : "ok"];
  return `{"event":{"actor":"${actor}","message":"m ${leaf % 9}","status":"${status}"},"received_at":"${receivedAt(leaf)}"}`;
};
const textsOf = (size: number): readonly Uint8Array[] => Array.from({ length: size }, (_, leaf) => utf8(textAt(leaf)));
// What they are does not depend on what is tested here.
const few = new IndexedLog(FEW, FORMAT, [...textsOf(FEW)]);
const many = new IndexedLog(MANY, FORMAT, [...textsOf(MANY)]);

let reads: number[];
let blocks: MemoryBlockStore;
beforeEach(() => {
  [reads, blocks] = [[], new MemoryBlockStore()];
});

interface Proving {
  readonly parts: ProverParts;
  readonly prove: (question: Question, more?: Partial<ProofQuery>, signal?: AbortSignal) => Promise<ProvenAnswer>;
}

/** The prover of a log; some of its parts may be others. */
function proverOf(log: IndexedLog, more: Partial<ProverParts> = {}): Proving {
  const entries: ReadEntries = (leaves) => {
    reads.push(...leaves);
    return Promise.resolve(
      leaves.map((leaf): ReadEntry => {
        const bytes = log.entries[leaf] ?? new Uint8Array();
        return { kind: "entry", entry: { canonical: utf8Text(bytes) ?? "", hash: digestOf(FORMAT.leafHash(bytes)) } };
      }),
    );
  };
  const leafHash = (leaf: number): Uint8Array => FORMAT.leafHash(log.entries[leaf] ?? new Uint8Array());
  const leafHashes = (_: string, { start, end }: { start: number; end: number }): Promise<Uint8Array> =>
    Promise.resolve(Buffer.concat(Array.from({ length: end - start }, (_leaf, place) => leafHash(start + place))));
  const [maker, proofs] = [ownThreadMaker(), proofCache()];
  const stored = new StoredSegments({ log: LOG, blocks, cache: blockCache(2 ** 24) }, { leafHashes });
  const group = { log: LOG, reads: { leafHashes }, entries, maker, warn: () => undefined };
  const bases = new BaseSegments({ ...group, baseMaker: maker }, proofs);
  const indexLog = new IndexLog({ stored, bases, renew: () => undefined });
  const parts = { log: LOG, entries, stored, bases, indexLog, proofs, baseMaker: maker, ...more };
  const prove: Proving["prove"] = (question, other = {}, signal) =>
    new AnswerProver(parts).prove(
      {
        ...{
          log: LOG,
          question,
          window: log.window(question),
          treeSize: log.size,
          rootHash: log.log.root,
          format: FORMAT,
        },
        siblings: (leaves) => Promise.resolve(leavesOf(log.log, leaves).hashes),
        ...other,
      },
      signal,
    );
  return { parts, prove };
}

async function store(log: IndexedLog): Promise<void> {
  const segment = log.segment({ level: 1, number: 0 });
  const below = Array.from({ length: 16 }, (_, number) => recordOf(log.segment({ level: 0, number })));
  await blocks.put(LOG, storable(segment, FORMAT.leafHash(log.entries[GROUP - 1] ?? new Uint8Array()), below));
}

const open = { from: undefined, until: undefined };
const all: Question = {
  ...{ filter: { kind: "all" }, window: open, after: undefined, descending: true },
  wanted: { kind: "page", limit: 5 },
};
const status = (value: string): Question["filter"] => ({ kind: "exact", field: "status", value });
const page = (limit: number) => ({ kind: "page", limit }) as const;
const count = (cap?: number) => ({ kind: "count", cap }) as const;

/** Page and count, near and far, forwards and backwards, from a place on, in a window. */
function questionsOf(size: number): readonly (readonly [string, Question])[] {
  return [
    ["the newest", all],
    ["the oldest", { ...all, descending: false }],
    ["none", { ...all, wanted: page(0) }],
    ["those before one", { ...all, after: 300, wanted: page(50) }],
    ["those behind one", { ...all, after: 300, descending: false, wanted: page(50) }],
    ["those behind one of the newest", { ...all, after: size - 70, descending: false, wanted: page(900) }],
    ["more than there are", { ...all, filter: status("rare"), wanted: page(900) }],
    ["more than there are, forwards", { ...all, filter: status("rare"), descending: false, wanted: page(900) }],
    ["what is not there", { ...all, filter: status("none") }],
    ["all of them, counted", { ...all, filter: status("failed"), wanted: count() }],
    ["some, counted", { ...all, filter: status("failed"), wanted: count(60) }],
    ["some, counted forwards", { ...all, filter: status("failed"), descending: false, wanted: count(60) }],
    ["a window", { ...all, window: { from: receivedAt(99), until: receivedAt(540) }, wanted: page(40) }],
    ["a window, counted", { ...all, window: { from: receivedAt(500), until: undefined }, wanted: count() }],
  ];
}

describe("an answer over entries in no stored segment", () => {
  test.each(questionsOf(FEW))("is proven as core proves it, with the same bytes: %s", async (_, question) => {
    const proven = await proverOf(few).prove(question);
    expect(proven).toEqual({ ...few.prove(question, 2), index: { treeSize: 2, rootHash: few.index(2).root } });
    expect(few.verify(question, proven, 2)).toEqual({ kind: "COMPLETE" });
  });

  test("is proven by an index of at most the tree it is asked of", async () => {
    const treeSize = 2 * BASE - 1;
    const window = { start: 0, end: treeSize };
    const siblings = (leaves: readonly number[]) =>
      Promise.resolve(leavesOf(new IndexedLog(treeSize, FORMAT, few.entries.slice(0, treeSize)).log, leaves).hashes);
    const { index, answer } = await proverOf(few).prove(all, { treeSize, window, siblings });
    expect(index.treeSize).toBe(1);
    expect(answer).toEqual({ kind: "page", leaves: [510, 509, 508, 507, 506] });
  });

  test.each(questionsOf(MANY))("is proven by many small segments as core proves it: %s", async (_, question) => {
    const { parts } = proverOf(many);
    const indexLog = replaced(parts.indexLog, { upTo: () => parts.indexLog.upTo(15) });
    const proven = await proverOf(many, { indexLog }).prove(question);
    expect(proven).toEqual({ ...many.prove(question, 15), index: { treeSize: 15, rootHash: many.index(15).root } });
  });

  test("is looked for in no segment behind the one that decides it", async () => {
    const { parts } = proverOf(many);
    const indexLog = replaced(parts.indexLog, { upTo: () => parts.indexLog.upTo(15) });
    await parts.indexLog.upTo(15);
    reads.length = 0;
    const question = { ...all, filter: status("rare"), descending: false, wanted: page(2) };
    const { answer } = await proverOf(many, { indexLog }).prove(question);
    expect(answer).toEqual({ kind: "page", leaves: [7, 1_007] });
    expect(Math.max(...reads)).toBe(4 * BASE - 1); // of its base, the last
  });

  test.each(["the tail", "segments"])("is no longer looked for in %s when its caller is gone", async (where) => {
    const { signal } = new AbortController();
    const gone = AbortSignal.abort(new Error("gone"));
    const question = { ...all, descending: where === "the tail" };
    expect(await proverOf(few).prove(question, {}, signal)).toMatchObject({ answer: { kind: "page" } });
    await expect(proverOf(few).prove(question, {}, gone)).rejects.toThrow("gone");
  });

  test("reads each entry behind the index once, and none where the answer is found before them", async () => {
    const whole = proverOf(few);
    await whole.parts.indexLog.upTo(2);
    const [first, second] = [whole.parts.bases.of(0), whole.parts.bases.of(1)];
    await Promise.all([first, second]);
    reads.length = 0;
    await whole.prove({ ...all, descending: false });
    expect(reads).toEqual([]);
    await whole.prove({ ...all, filter: status("failed"), wanted: count() });
    expect(reads).toEqual(Array.from({ length: FEW - 2 * BASE }, (_, place) => 2 * BASE + place));
  });
});

describe("an answer over stored segments", () => {
  beforeEach(() => store(many));

  test.each(questionsOf(MANY))("is proven as core proves it, with the same bytes: %s", async (_, question) => {
    const proven = await proverOf(many).prove(question);
    expect(proven).toEqual({ ...many.prove(question, 17), index: { treeSize: 17, rootHash: many.index(17).root } });
  });

  test("keeps the tree over a segment's blocks for the next proof", async () => {
    const { prove, parts } = proverOf(many);
    const question = { ...all, descending: false };
    const proven = await prove(question);
    const [tree] = [...parts.proofs.trees.values()];
    expect(parts.proofs.trees.size).toBe(1);
    expect(await prove(question)).toEqual(proven);
    expect([...parts.proofs.trees.values()]).toEqual([tree]);
  });

  test("is proven by a segment that was merged away, made of the log again", async () => {
    const { parts } = proverOf(many);
    const stored = replaced(parts.stored, { find: () => Promise.resolve(undefined) });
    const question = { ...all, descending: false };
    expect(await proverOf(many, { stored, indexLog: parts.indexLog }).prove(question)).toEqual({
      ...many.prove(question, 17),
      index: { treeSize: 17, rootHash: many.index(17).root },
    });
  });

  test.each<[string, Parameters<typeof replaced<BaseSegments>>[1]]>([
    ["cannot be made", { whole: () => Promise.resolve(undefined) }],
    ["is made without an outline", { whole: (id) => Promise.resolve({ ...id, ...WITHOUT_OUTLINE }) }],
  ])("has to wait where a segment %s", async (_, methods) => {
    const { parts } = proverOf(many);
    const [stored, bases] = [
      replaced(parts.stored, { find: () => Promise.resolve(undefined) }),
      replaced(parts.bases, methods),
    ];
    const proving = proverOf(many, { stored, indexLog: parts.indexLog, bases }).prove({ ...all, descending: false });
    expect(await rejection(proving)).toMatchObject({ code: "UNAVAILABLE", retryAfterMs: 1_000 });
  });
});

const WITHOUT_OUTLINE = { blocks: 0, digest: new Uint8Array(32), lastLeafHash: new Uint8Array(32), contents: [] };

describe("an answer for which too much has to be read", () => {
  const [segment] = [few.segment({ level: 0, number: 0 })];
  /** So many entries behind an index of nothing, each of this text. */
  function behind(treeSize: number, text: string) {
    const entry = { canonical: text, hash: digestOf(FORMAT.leafHash(utf8(text))) };
    const entries: ReadEntries = (leaves) => Promise.resolve(leaves.map((): ReadEntry => ({ kind: "entry", entry })));
    const indexLog = replaced(proverOf(few).parts.indexLog, {
      upTo: () => Promise.resolve({ ...few.index(0), rootHash: few.index(0).root }),
    });
    const base = (firstLeaf: number): Promise<Segment> => Promise.resolve(renumbered(segment, firstLeaf / BASE));
    const baseMaker = replaced(ownThreadMaker(), { base });
    const nobody = { ...all, filter: status("none") };
    const window = { start: 0, end: treeSize };
    const siblings = (): Promise<readonly Uint8Array[]> => Promise.resolve([]);
    return (question: Partial<Question> = {}) =>
      proverOf(few, { entries, indexLog, baseMaker }).prove({ ...nobody, ...question }, { treeSize, window, siblings });
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
});
