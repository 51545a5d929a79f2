import { beforeEach, describe, expect, test } from "@jest/globals";
import type { ProvablePage } from "../../src/audit/proofs.js";
import type { ProofQuery, ProvenAnswer } from "../../src/audit/search-index.js";
import { MAX_PAGE_SIZE } from "../../src/audit/service.js";
import { digestOf, utf8, utf8Text } from "../../src/core/bytes.js";
import { logFormat } from "../../src/core/format.js";
import type { Question } from "../../src/core/segment/answer.js";
import type { ProvenLeaves } from "../../src/core/segment/proof-document.js";
import type { LeafRange } from "../../src/core/tree.js";
import { VALID } from "../../src/core/verdict.js";
import { indexRootOf, provenComplete, provenRecords } from "../../src/engine/completeness.js";
import { LogKey } from "../../src/keys/log-key.js";
import { nodeEd25519 } from "../../src/keys/node-crypto.js";
import { leavesOf, provable } from "../core/segment/provable-log.js";
import { KEYRING } from "../keyring.js";
import { rejection } from "./rejection.js";
import { ORIGIN } from "./test-log.js";

const format = logFormat("rfc6962");
const ROOT = new Uint8Array(32).fill(5);
const INDEX = { treeSize: 2, rootHash: new Uint8Array(32).fill(6) };
const QUESTION: Question = {
  ...{ filter: { kind: "all" }, window: { from: undefined, until: undefined }, after: undefined, descending: true },
  wanted: { kind: "page", limit: 3 },
};
const LEAVES = [9, 8, 7];
const key = new LogKey(`${ORIGIN}/default`, KEYRING, nodeEd25519());
const log = {
  ...{ log: "default", key, format },
  root: (treeSize = 0) =>
    Promise.resolve({ log: "default", treeSize, hash: digestOf(ROOT), checkpoint: "", publishedAt: "" }),
  multiproof: (treeSize: number, leaves: readonly number[]) =>
    Promise.resolve([Uint8Array.of(treeSize), ...leaves.map((leaf) => Uint8Array.of(leaf))]),
};
const pageOf = (leafIndexes: readonly number[], isFromEnd = false): ProvablePage => ({
  ...{ result: { id: "r" }, leafIndexes, firstPosition: 0, hasNextPage: true, hasPreviousPage: false },
  size: { limit: 3, isFromEnd },
});

let queries: ProofQuery[];
let answered: ProvenAnswer;
beforeEach(() => {
  [queries, answered] = [[], { answer: { kind: "page", leaves: LEAVES }, proof: Uint8Array.of(1), index: INDEX }];
});
const prove = (query: ProofQuery): Promise<ProvenAnswer> => (queries.push(query), Promise.resolve(answered));
const asked = (question: Question = QUESTION) => ({
  ...{ log: "default", treeSize: 10, window: { start: 0, end: 10 }, question },
});

describe("an answer that is proven complete", () => {
  test("is that of its page, under the signed roots of the log and of its index", async () => {
    const proven = await provenComplete(log, { asked: asked(), page: pageOf(LEAVES) }, prove);
    expect(proven).toMatchObject({ log: "default", treeSize: 10, question: QUESTION, ...answered, index: {} });
    expect(proven.verdict).toEqual(VALID);
    expect(proven.index).toEqual(indexRootOf(log, INDEX));
    expect(queries).toMatchObject([{ ...asked(), rootHash: ROOT, format }]);
    expect(await queries[0]?.siblings([3, 4])).toEqual([10, 3, 4].map((byte) => Uint8Array.of(byte)));
  });

  test("is that of a page from the end, the other way round", async () => {
    const page = pageOf([...LEAVES].reverse(), true);
    expect((await provenComplete(log, { asked: asked(), page }, prove)).answer).toEqual(answered.answer);
  });

  test.each([
    ["has other leaves", () => pageOf([9, 8, 6])],
    ["has fewer", () => pageOf([9, 8])],
    ["has them in another order", () => pageOf([...LEAVES].reverse())],
  ])("is never given for a page that %s", async (_, page) => {
    const wrong = provenComplete(log, { asked: asked(), page: page() }, prove);
    await expect(wrong).rejects.toThrow("a page of the log default is not what its proof of completeness shows");
  });

  test("is a count where that was asked for, and never for a page", async () => {
    answered = { ...answered, answer: { kind: "count", count: 3, isExact: true } };
    expect((await provenComplete(log, { asked: asked(), page: undefined }, prove)).answer).toEqual(answered.answer);
    await expect(provenComplete(log, { asked: asked(), page: pageOf([]) }, prove)).rejects.toThrow("is not what");
  });
});

describe("a question that cannot be written down", () => {
  test("is bad input: a time behind the year 9999", async () => {
    const question: Question = {
      ...QUESTION,
      filter: { kind: "time", start: undefined, end: { epochMs: 253_402_300_800_000, micros: 0 } },
    };
    expect(await rejection(provenComplete(log, { asked: asked(question), page: undefined }, prove))).toMatchObject({
      code: "BAD_USER_INPUT",
      problems: [{ path: "query", got: "one outside them" }],
    });
    expect(queries).toEqual([]);
  });

  test("for another reason is a fault of ours", async () => {
    const question = {
      ...QUESTION,
      get filter(): never {
        throw new TypeError("no filter");
      },
    };
    await expect(provenComplete(log, { asked: asked(question), page: undefined }, prove)).rejects.toThrow(TypeError);
  });
});

describe("records of an index", () => {
  const records = Array.from({ length: 5 }, (_, base) => utf8(`record ${base}`));
  const tree = provable(records);
  const root = { log: "default", treeSize: 5, hash: digestOf(tree.root), checkpoint: "" };
  let ranges: (readonly [number, LeafRange])[];
  beforeEach(() => {
    ranges = [];
  });
  const read = (size: number, range: LeafRange): Promise<ProvenLeaves> => {
    ranges.push([size, range]);
    const { start, end } = range;
    return Promise.resolve(
      leavesOf(
        tree,
        Array.from({ length: end - start }, (_, place) => start + place),
      ),
    );
  };

  test.each([
    [0, 5, 5],
    [1, 2, 3],
    [4, MAX_PAGE_SIZE, 5],
    [5, 1, 5],
  ])("from %i on, at most %i, end at %i, with what proves them", async (from, count, end) => {
    const page = await provenRecords({ root, from, count }, read);
    expect(page.from).toBe(from);
    expect(page.texts).toEqual(records.slice(from, end).map((bytes) => utf8Text(bytes)));
    expect(ranges).toEqual([[5, { start: from, end }]]);
  });

  test("are refused beyond the root, and none or too many at once, with every bad argument named", async () => {
    const problemsOf = async (from: number, count: number): Promise<readonly unknown[]> =>
      (await rejection(provenRecords({ root, from, count }, read))).problems.map(({ path, got }) => [path, got]);
    expect(await problemsOf(6, 1)).toEqual([["from", "6"]]);
    expect(await problemsOf(0, 0)).toEqual([["first", "0"]]);
    expect(await problemsOf(6, MAX_PAGE_SIZE + 1)).toEqual([
      ["from", "6"],
      ["first", String(MAX_PAGE_SIZE + 1)],
    ]);
    expect(ranges).toEqual([]);
  });

  test("of another index than the root is of are refused for now", async () => {
    const other = { ...root, hash: digestOf(ROOT) };
    expect(await rejection(provenRecords({ root: other, from: 0, count: 1 }, read))).toMatchObject({
      ...{ code: "UNAVAILABLE", retryAfterMs: 1_000 },
      message: "The index of the log default is another than that root is of: ask for the root again.",
    });
  });
});

test("the root of an index is signed as one of an index, by the log's key", () => {
  const root = indexRootOf(log, INDEX);
  expect(root).toMatchObject({ log: "default", treeSize: 2, hash: digestOf(INDEX.rootHash) });
  expect(key.open(root.checkpoint)).toMatchObject({ kind: "rejected" });
  expect(root.checkpoint).toBe(key.signIndex(2, INDEX.rootHash));
});
