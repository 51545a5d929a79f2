import { beforeAll, expect, test } from "@jest/globals";
import { nobleSha256, utf8 } from "../../../src/core/bytes.js";
import { ByteWriter } from "../../../src/core/segment/byte-writer.js";
import { Cursor } from "../../../src/core/segment/cursor.js";
import { fraudProof, verifyFraudProof, type FraudVerdict } from "../../../src/core/segment/fraud-proof.js";
import { readLeaves, writeLeaves, type ProvenLeaves } from "../../../src/core/segment/proof-document.js";
import type { Provable } from "../../../src/core/segment/prove.js";
import type { SignedRoots } from "../../../src/core/segment/verify-answer.js";
import { FORMAT, IndexedLog, leavesOf, provable } from "./provable-log.js";

const ID = { level: 0, number: 0 };
type Roots = { readonly log: Provable & { root: Uint8Array }; readonly index: Provable & { root: Uint8Array } };

let honest: Roots;
/** Its log signed another root for the segment. */
let lying: Roots;
/** Its log signed a record that is none. */
let broken: Roots;

beforeAll(() => {
  const entries = Array.from({ length: 257 }, (_, leaf) =>
    utf8(`{"event":{"message":"e${leaf}"},"received_at":"2026-01-01T00:00:00.000000Z"}`),
  );
  const { log, ...made } = new IndexedLog(257, FORMAT, entries);
  const indexed = new IndexedLog(257, FORMAT, entries);
  const record = indexed.record(0);
  const text = Buffer.from(record).toString();
  expect(made.segments.size).toBe(1);
  const last = text.at(-2) === "0" ? "1" : "0";
  honest = { log, index: provable([record]) };
  lying = { log, index: provable([utf8(`${text.slice(0, -2)}${last}\n`)]) };
  broken = { log, index: provable([utf8(text.replace("index/1", "index/2"))]) };
});

const signed = ({ log, index }: Roots): SignedRoots => ({
  log: { treeSize: log.size, rootHash: log.root },
  index: { treeSize: index.size, rootHash: index.root },
  ...{ format: FORMAT, sha256: nobleSha256 },
});
const verdict = (of: Roots, proof = fraudProof(of.log, of.index, ID), roots = signed(of)): FraudVerdict =>
  verifyFraudProof(roots, proof);

interface Parts {
  readonly version: number;
  readonly level: number;
  readonly number: number;
  readonly records: ProvenLeaves;
  readonly entries: ProvenLeaves;
}

/** The proof with some of its parts changed. */
function changed(of: Roots, change: (parts: Parts) => Partial<Parts>): Uint8Array {
  const cursor = new Cursor(fraudProof(of.log, of.index, ID));
  const [version, level, number] = [cursor.byte(), cursor.varint(), cursor.varint()];
  const parts = { version, level, number, records: readLeaves(cursor, 600), entries: readLeaves(cursor, 2 ** 24) };
  const { records, entries, ...head } = { ...parts, ...change(parts) };
  const writer = new ByteWriter();
  for (const value of [head.version, head.level, head.number]) writer.varint(value);
  writeLeaves(writer, records);
  writeLeaves(writer, entries);
  return writer.copy();
}

test("a segment that its entries make is as it was signed", () => {
  expect(verdict(honest)).toEqual({ kind: "NOT_PROVEN", reason: "AS_SIGNED" });
});

test("another segment, and a record that is none, are fraud", () => {
  expect(verdict(lying)).toEqual({ kind: "FRAUD", wrong: "SEGMENT", segment: ID });
  expect(verdict(broken)).toEqual({ kind: "FRAUD", wrong: "RECORD", segment: ID });
});

const NONE: ProvenLeaves = { leaves: [], hashes: [] };
test.each<[string, string, (of: Roots) => Uint8Array]>([
  ["a byte more", "MALFORMED_PROOF", (of) => Uint8Array.of(...changed(of, () => ({})), 0)],
  ["a byte less", "MALFORMED_PROOF", (of) => changed(of, () => ({})).subarray(0, -1)],
  ["another version", "MALFORMED_PROOF", (of) => changed(of, () => ({ version: 2 }))],
  ["a level that is merged", "MALFORMED_PROOF", (of) => changed(of, () => ({ level: 2 }))],
  ["a segment of which entries are missing", "RANGE_MISMATCH", (of) => changed(of, () => ({ number: 1 }))],
  ["a segment of a higher level", "RANGE_MISMATCH", (of) => changed(of, () => ({ level: 1 }))],
  ["no record", "RECORD_MISMATCH", (of) => changed(of, () => ({ records: NONE }))],
  [
    "another record",
    "RECORD_MISMATCH",
    (of) => changed(of, () => ({ records: { leaves: [{ index: 0, bytes: utf8("auditql/index/1\n") }], hashes: [] } })),
  ],
  [
    "a record at another place",
    "RECORD_MISMATCH",
    (of) =>
      changed(of, ({ records }) => ({
        records: { ...records, leaves: records.leaves.map((leaf) => ({ ...leaf, index: 1 })) },
      })),
  ],
  [
    "a hash more",
    "RECORD_MISMATCH",
    (of) => changed(of, ({ records }) => ({ records: { ...records, hashes: [new Uint8Array(32)] } })),
  ],
  ["no entries", "ENTRY_MISMATCH", (of) => changed(of, () => ({ entries: NONE }))],
  [
    "an entry less",
    "ENTRY_MISMATCH",
    (of) =>
      changed(of, () => ({
        entries: leavesOf(
          of.log,
          Array.from({ length: 255 }, (_, leaf) => leaf),
        ),
      })),
  ],
  [
    "an entry more",
    "ENTRY_MISMATCH",
    (of) =>
      changed(of, () => ({
        entries: leavesOf(
          of.log,
          Array.from({ length: 257 }, (_, leaf) => leaf),
        ),
      })),
  ],
  [
    "the entries beside its own",
    "ENTRY_MISMATCH",
    (of) =>
      changed(of, () => ({
        entries: leavesOf(
          of.log,
          Array.from({ length: 256 }, (_, leaf) => leaf + 1),
        ),
      })),
  ],
  [
    "an entry that was changed",
    "ENTRY_MISMATCH",
    (of) =>
      changed(of, ({ entries }) => ({
        entries: {
          ...entries,
          leaves: entries.leaves.map((leaf) => (leaf.index === 9 ? { ...leaf, bytes: utf8("{}") } : leaf)),
        },
      })),
  ],
])("a proof of fraud with %s proves nothing: %s", (_, reason, make) => {
  for (const of of [honest, lying]) expect(verdict(of, make(of))).toEqual({ kind: "NOT_PROVEN", reason });
});

test("under other roots nothing is proven", () => {
  const proof = fraudProof(lying.log, lying.index, ID);
  const roots = signed(lying);
  const reasons = [
    { ...roots, log: { ...roots.log, treeSize: 255 } },
    { ...roots, index: { ...roots.index, treeSize: 0 } },
    { ...roots, index: { ...roots.index, rootHash: new Uint8Array(32) } },
    { ...roots, log: { ...roots.log, rootHash: new Uint8Array(32) } },
  ].map((other) => verifyFraudProof(other, proof));
  expect(reasons).toEqual(
    ["RANGE_MISMATCH", "RANGE_MISMATCH", "RECORD_MISMATCH", "ENTRY_MISMATCH"].map((reason) => ({
      kind: "NOT_PROVEN",
      reason,
    })),
  );
});

test("with a record that is none, entries beside it prove nothing", () => {
  const entries = leavesOf(broken.log, [0]);
  const proof = changed(broken, () => ({ entries }));
  expect(verdict(broken, proof)).toEqual({ kind: "NOT_PROVEN", reason: "ENTRY_MISMATCH" });
});
