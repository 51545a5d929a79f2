import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { utf8 } from "../../../src/core/bytes.js";
import { noteSigner, noteVerifier, openCheckpoint, signCheckpoint } from "../../../src/core/checkpoint.js";
import { logFormat } from "../../../src/core/format.js";
import { HashTree } from "../../../src/core/segment/hash-tree.js";
import {
  dueAt,
  dueBase,
  dueBases,
  openIndexCheckpoint,
  readRecord,
  recordBytes,
  recordText,
  segmentCover,
  signIndexCheckpoint,
  type SegmentRecord,
} from "../../../src/core/segment/index-log.js";
import { multiproofRanges, multiproofRoot } from "../../../src/core/segment/multiproof.js";
import { leavesOf } from "../../../src/core/segment/search.js";
import { nobleEd25519 } from "../../../src/core/signature.js";
import { treeRoot } from "../../../src/core/tree.js";

const SEED = 20_261_129;
const FORMAT = logFormat("rfc6962");

describe("the segments that are due", () => {
  test("are the base's own, and merged ones a child's length behind their end", () => {
    expect(dueAt(0)).toEqual([{ level: 0, number: 0 }]);
    expect(dueAt(16)).toEqual([
      { level: 0, number: 16 },
      { level: 1, number: 0 },
    ]);
    expect(dueAt(271)).toEqual([
      { level: 0, number: 271 },
      { level: 2, number: 0 },
    ]);
    expect(dueAt(16 ** 4 - 1 + 16 ** 3)).toEqual([
      { level: 0, number: 69_631 },
      { level: 4, number: 0 },
    ]);
  });

  test("are each named by one record, the one that `dueBase` says", () => {
    const named = new Map<string, number>();
    for (let base = 0; base < 5_000; base++)
      for (const id of dueAt(base)) {
        expect(dueBase(id)).toBe(base);
        expect(named.has(`${id.level}/${id.number}`)).toBe(false);
        named.set(`${id.level}/${id.number}`, base);
      }
    expect([...named.keys()].filter((name) => name.startsWith("1/"))).toHaveLength(312);
    expect([...named.keys()].filter((name) => name.startsWith("3/"))).toHaveLength(1);
  });

  test("are named by records in their order, which is not that of large segments and those behind them", () => {
    const cover = segmentCover({ start: 0, end: 274 * 256 }, 273);
    expect(cover).toEqual([
      { level: 2, number: 0 },
      { level: 1, number: 16 },
      { level: 0, number: 272 },
    ]);
    expect(dueBases(cover)).toEqual([271, 272]);
    expect(dueBases(segmentCover({ start: 0, end: 258 * 256 }, 272))).toEqual([256, 257, 271]);
  });

  test("cover any range with the largest that an index of a size names", () => {
    fc.assert(
      fc.property(fc.nat(5_000), fc.nat(1_280_000), fc.nat(1_280_000), (indexSize, a, b) => {
        const range = { start: Math.min(a, b), end: Math.min(Math.max(a, b), 256 * indexSize) };
        const cover = segmentCover(range, indexSize).map((id) => ({ id, leaves: leavesOf(id) }));
        if (range.start >= range.end) return;
        expect(cover[0]?.leaves.start).toBeLessThanOrEqual(range.start);
        expect(cover.at(-1)?.leaves.end).toBeGreaterThanOrEqual(range.end);
        cover.forEach(({ id, leaves }, place) => {
          expect(dueBase(id)).toBeLessThan(indexSize);
          const parent = { level: id.level + 1, number: Math.floor(id.number / 16) };
          expect(id.level === 4 || dueBase(parent) >= indexSize).toBe(true);
          if (place > 0) expect(leaves.start).toBe(cover[place - 1]?.leaves.end);
        });
      }),
      { numRuns: 300, seed: SEED },
    );
  });
});

describe("a record", () => {
  const root = new Uint8Array(32).fill(0xab);
  const segments: readonly SegmentRecord[] = [
    { level: 0, number: 16, blocks: 41, root },
    { level: 1, number: 0, blocks: 350, root },
  ];
  const text = `auditql/index/1\n0 16 41 ${"ab".repeat(32)}\n1 0 350 ${"ab".repeat(32)}\n`;

  test("is a line for each segment that is due, and reads back", () => {
    expect(recordText(16, segments)).toBe(text);
    expect(readRecord(16, recordBytes(16, segments))).toEqual(segments);
    expect(() => recordText(17, segments)).toThrow(RangeError);
    expect(() => recordText(16, segments.slice(1))).toThrow("not the segments that are due at base 16");
  });

  test.each([
    ["of another base", 17, text],
    ["with a segment left out", 16, text.replace(/1 0 350.*\n/, "")],
    ["with a segment that is not due", 15, text.replace("0 16", "0 15")],
    ["with a segment twice", 16, `${text}1 0 350 ${"ab".repeat(32)}\n`],
    ["with a line that is none", 16, `${text}1 0 350\n`],
    ["in another order", 16, text.replace(/(0 16.*\n)(1 0.*\n)/, "$2$1")],
    ["of another version", 16, text.replace("index/1", "index/2")],
    ["without its last newline", 16, text.slice(0, -1)],
    ["with CR LF", 16, text.replaceAll("\n", "\r\n")],
    ["with a number not written shortest", 16, text.replace("0 16", "0 016")],
    ["with a root in upper case", 16, text.replace(/ab/g, "AB")],
    ["with a segment without blocks", 16, text.replace("41", "0")],
    ["that is too long", 16, `${text}${"x".repeat(600)}`],
    ["that is empty", 16, ""],
  ])("%s is refused", (_, base, other) => {
    expect(readRecord(base, utf8(other))).toBeUndefined();
  });

  test("that is not UTF-8 is refused", () => {
    expect(readRecord(16, Uint8Array.of(...utf8(text), 0xff, 0x0a))).toBeUndefined();
  });
});

test("the checkpoint of an index log is signed by the log's key under a name that no log has", () => {
  const seed = new Uint8Array(32).fill(7);
  const signer = noteSigner("log.example/a", seed, nobleEd25519);
  const verifier = noteVerifier("log.example/a", signer.publicKey, nobleEd25519);
  const tree = { treeSize: 3, rootHash: new Uint8Array(32).fill(1) };
  const note = signIndexCheckpoint(tree, signer);
  expect(note.startsWith("log.example/a~index-1\n3\n")).toBe(true);
  expect(openIndexCheckpoint(note, verifier, nobleEd25519)).toEqual({
    kind: "opened",
    origin: "log.example/a~index-1",
    ...tree,
  });
  expect(openCheckpoint(note, verifier)).toEqual({ kind: "rejected", reason: "UNKNOWN_KEY" });
  const ofLog = signCheckpoint({ ...tree, origin: signer.name }, signer);
  expect(openIndexCheckpoint(ofLog, verifier, nobleEd25519)).toEqual({ kind: "rejected", reason: "UNKNOWN_KEY" });
});

describe("a multiproof", () => {
  const trees = fc
    .integer({ min: 1, max: 700 })
    .chain((size) =>
      fc.record({ size: fc.constant(size), leaves: fc.uniqueArray(fc.nat(size - 1), { minLength: 1, maxLength: 12 }) }),
    );
  const hashAt = (leaf: number): Uint8Array => FORMAT.leafHash(utf8(`leaf ${leaf}`));

  test("leads from its leaves to the root, with these hashes, these leaves and this size alone", () => {
    fc.assert(
      fc.property(trees, fc.nat(), ({ size, leaves: chosen }, at) => {
        const indexes = [...chosen].sort((a, b) => a - b);
        const all = Array.from({ length: size }, (_, leaf) => hashAt(leaf));
        const tree = new HashTree(FORMAT, all);
        const root = treeRoot(FORMAT, all);
        expect(tree.root()).toEqual(root);
        const hashes = multiproofRanges(indexes, size).map((range) => tree.hash(range));
        const leaves = indexes.map((index) => ({ index, hash: hashAt(index) }));
        const from = (other: typeof leaves, of = size): Uint8Array | undefined =>
          multiproofRoot(FORMAT, { size: of, leaves: other }, hashes);
        expect(from(leaves)).toEqual(root);
        const place = at % leaves.length;
        const wrong = leaves.map((leaf, i) => (i === place ? { ...leaf, hash: hashAt(size) } : leaf));
        expect(from(wrong)).not.toEqual(root);
        expect(from([...leaves].reverse())).toEqual(leaves.length === 1 ? root : undefined);
        expect(from([...leaves, { index: size, hash: hashAt(size) }])).toBeUndefined();
        expect(multiproofRoot(FORMAT, { size, leaves }, [...hashes, root])).toBeUndefined();
        if (hashes.length > 0) expect(multiproofRoot(FORMAT, { size, leaves }, hashes.slice(1))).toBeUndefined();
      }),
      { numRuns: 150, seed: SEED },
    );
  });

  test("sends no hash of a subtree that another holds", () => {
    expect(multiproofRanges([2, 3, 9], 11)).toEqual([
      { start: 0, end: 2 },
      { start: 4, end: 8 },
      { start: 8, end: 9 },
      { start: 10, end: 11 },
    ]);
    expect(multiproofRanges([0], 1)).toEqual([]);
  });

  test("of no leaves proves nothing", () => {
    expect(multiproofRoot(FORMAT, { size: 4, leaves: [] }, [FORMAT.emptyRoot])).toBeUndefined();
  });
});
