import { beforeEach, describe, expect, test } from "@jest/globals";
import type { ReadEntries } from "../../../src/audit/search-index.js";
import { replaced } from "../../../src/audit/calls.js";
import type { Question } from "../../../src/core/segment/answer.js";
import type { ProverParts } from "../../../src/engine/search/answer-prover.js";
import type { BaseSegments } from "../../../src/engine/search/base-segments.js";
import { FORMAT, IndexedLog, leavesOf, receivedAt } from "../../core/segment/provable-log.js";
import { rejection } from "../rejection.js";
import { all, BASE, count, FEW, few, MANY, many, page, ProofBench, status, word, type Proving } from "./proof-bench.js";

let bench: ProofBench;
beforeEach(() => {
  bench = new ProofBench();
});
const proverOf = (log: IndexedLog, more?: Partial<ProverParts>): Proving => bench.proverOf(log, more);

/** Page and count, near and far, forwards and backwards, from a place on, in a window. */
function questionsOf(size: number): readonly (readonly [string, Question])[] {
  return [
    ["the newest", all],
    ["the newest one", { ...all, wanted: page(1) }],
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
    ["a window of nothing", { ...all, window: { from: receivedAt(300), until: receivedAt(300) } }],
    ["words against their order", { ...all, filter: { kind: "and", filters: [word("user7"), word("m")] } }],
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
    bench.reads.length = 0;
    const question = { ...all, filter: status("rare"), descending: false, wanted: page(2) };
    const { answer } = await proverOf(many, { indexLog }).prove(question);
    expect(answer).toEqual({ kind: "page", leaves: [7, 1_007] });
    expect(Math.max(...bench.reads)).toBe(4 * BASE - 1); // of its base, the last
  });

  test.each(["the tail", "segments"])("is no longer looked for in %s when its caller is gone", async (where) => {
    const { signal } = new AbortController();
    const gone = AbortSignal.abort(new Error("gone"));
    const question = { ...all, descending: where === "the tail" };
    expect(await proverOf(few).prove(question, {}, signal)).toMatchObject({ answer: { kind: "page" } });
    await expect(proverOf(few).prove(question, {}, gone)).rejects.toThrow("gone");
  });

  test("is looked for in no segment when the newest entries decide it", async () => {
    const { parts } = proverOf(few);
    const stored = replaced(parts.stored, { find: () => Promise.reject(new Error("no segment is looked for")) });
    expect(await proverOf(few, { stored, indexLog: parts.indexLog }).prove(all)).toMatchObject({
      answer: { leaves: [599, 598, 597, 596, 595] },
    });
  });

  test("is given up when its caller goes while the entries beside its window are read", async () => {
    const gone = new AbortController();
    const { parts } = proverOf(few);
    await parts.indexLog.upTo(2);
    const entries: ReadEntries = (leaves, signal) => {
      gone.abort(new Error("gone"));
      return parts.entries(leaves, signal);
    };
    const window = { from: receivedAt(99), until: receivedAt(300) };
    const bases = replaced(parts.bases, {});
    const asked = { ...all, window, wanted: count() };
    const proving = proverOf(few, { entries, bases, indexLog: parts.indexLog }).prove(asked, {}, gone.signal);
    await expect(proving).rejects.toThrow("gone");
  });

  test("reads each entry behind the index once, and none where the answer is found before them", async () => {
    const whole = proverOf(few);
    await whole.parts.indexLog.upTo(2);
    const [first, second] = [whole.parts.bases.of(0), whole.parts.bases.of(1)];
    await Promise.all([first, second]);
    bench.reads.length = 0;
    const siblings = () => Promise.reject(new Error("no entry is proven"));
    await whole.prove({ ...all, descending: false }, { siblings });
    expect(bench.reads).toEqual([]);
    await whole.prove({ ...all, filter: status("failed"), wanted: count() });
    expect(bench.reads).toEqual(Array.from({ length: FEW - 2 * BASE }, (_, place) => 2 * BASE + place));
  });
});

describe("an answer over stored segments", () => {
  beforeEach(() => bench.store(many));

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
