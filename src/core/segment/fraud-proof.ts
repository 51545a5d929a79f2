import { equalBytes, type Sha256 } from "../bytes.js";
import { logFormat, type LogFormat } from "../format.js";
import { buildSegment } from "./build.js";
import { ByteWriter } from "./byte-writer.js";
import { Cursor } from "./cursor.js";
import { MalformedSegment, PIECE_DOCUMENTS, segmentRoot, type Segment, type SegmentId } from "./format.js";
import { Group } from "./group.js";
import { dueBase, MAX_RECORD_BYTES, readRecord } from "./index-log.js";
import { MAX_PROOF_BYTES, readLeaves, writeLeaves, type ProvenLeaves } from "./proof-document.js";
import { provenLeaves, type Provable } from "./prove.js";
import { leavesOf } from "./search.js";
import { isInTree, type SignedRoots } from "./verify-answer.js";

const VERSION = 1;
/** Segments of these levels are made from entries; those above are merged. */
const MAX_FRAUD_LEVEL = 1;

/** Why an alleged proof of fraud proves nothing. */
export type NoFraudReason =
  | "MALFORMED_PROOF" // not in the only accepted spelling, or too large
  | "RANGE_MISMATCH" // the entries or the record are not of the signed roots' sizes
  | "RECORD_MISMATCH" // the record is not that of the segment, or not of the index's root
  | "ENTRY_MISMATCH" // the entries are not exactly the segment's, or not of the log's root
  | "AS_SIGNED"; // the entries make the segment that was signed

export type FraudVerdict =
  /** The log signed a record that is none, or a segment that its entries do not make. */
  | { readonly kind: "FRAUD"; readonly wrong: "RECORD" | "SEGMENT"; readonly segment: SegmentId }
  | { readonly kind: "NOT_PROVEN"; readonly reason: NoFraudReason };

/**
 * Writes down that a log signed a wrong segment of level 0 or 1, for anyone to check with `verifyFraudProof`: the record
 * that names it, and the entries that it is made from (format 1, A proof of fraud). It says nothing by itself: of a right
 * segment it proves nothing. Throws a RangeError for another level, or for entries of more than MAX_PROOF_BYTES.
 */
export function fraudProof(log: Provable, index: Provable, id: SegmentId): Uint8Array {
  if (id.level > MAX_FRAUD_LEVEL) throw new RangeError(`a segment of level ${id.level} is not made from entries`);
  const proof = written(log, index, id);
  if (proof.length > MAX_PROOF_BYTES) throw new RangeError(`a proof of fraud of ${proof.length} bytes`);
  return proof;
}

/**
 * The same of a segment that is wrong: a proof that `verifyFraudProof` accepts. Undefined where none can be: of a level above,
 * of entries of more than MAX_PROOF_BYTES, or of a segment that is right.
 */
export function provenFraud(roots: SignedRoots, trees: AccusedTrees, id: SegmentId): Uint8Array | undefined {
  const proof = id.level > MAX_FRAUD_LEVEL ? undefined : written(trees.log, trees.index, id);
  return proof !== undefined && verifyFraudProof(roots, proof).kind === "FRAUD" ? proof : undefined;
}

/** What the log signed, as far as it is needed to accuse it. */
export interface AccusedTrees {
  readonly log: Provable;
  readonly index: Provable;
}

function written(log: Provable, index: Provable, id: SegmentId): Uint8Array {
  const { start, end } = leavesOf(id);
  const base = dueBase(id);
  const isRecord = readRecord(base, index.leaf(base)) !== undefined;
  const leaves = isRecord ? Array.from({ length: end - start }, (_, place) => start + place) : [];
  const writer = new ByteWriter(1 << 16);
  writer.byte(VERSION);
  writer.varint(id.level);
  writer.varint(id.number);
  writeLeaves(writer, provenLeaves(index, [base]));
  writeLeaves(writer, provenLeaves(log, leaves));
  return writer.copy();
}

/** The content of a proof of fraud. */
interface Accusation extends SegmentId {
  readonly records: ProvenLeaves;
  readonly entries: ProvenLeaves;
}

/**
 * Whether a log signed a wrong segment. Trusts nobody: it builds the segment again from entries that the log signed as
 * well. Never throws.
 */
export function verifyFraudProof(roots: SignedRoots, proof: Uint8Array): FraudVerdict {
  const accusation = readAccusation(proof);
  if (accusation === undefined) return notProven("MALFORMED_PROOF");
  const { records, entries, level, number } = accusation;
  const { log, index, format, sha256 } = roots;
  const { start, end } = leavesOf(accusation);
  const base = dueBase(accusation);
  if (end > log.treeSize || base >= index.treeSize) return notProven("RANGE_MISMATCH");
  const [leaf, ...more] = records.leaves;
  const isRecorded = leaf?.index === base && more.length === 0;
  if (!isRecorded || !isInTree(records, index, logFormat("rfc6962", sha256))) return notProven("RECORD_MISMATCH");
  const signed = readRecord(base, leaf.bytes)?.find((segment) => segment.level === level);
  if (signed === undefined)
    return entries.leaves.length + entries.hashes.length === 0
      ? { kind: "FRAUD", wrong: "RECORD", segment: { level, number } }
      : notProven("ENTRY_MISMATCH");
  const areTheirs = entries.leaves.every((entry, place) => entry.index === start + place);
  if (!areTheirs || entries.leaves.length !== end - start || !isInTree(entries, log, format))
    return notProven("ENTRY_MISMATCH");
  const segment = segmentOf(accusation, format, sha256);
  const isSame = segment.blocks.length === signed.blocks && equalBytes(segmentRoot(segment, sha256), signed.root);
  return isSame ? notProven("AS_SIGNED") : { kind: "FRAUD", wrong: "SEGMENT", segment: { level, number } };
}

function notProven(reason: NoFraudReason): FraudVerdict {
  return { kind: "NOT_PROVEN", reason };
}

function segmentOf({ level, number, entries }: Accusation, format: LogFormat, sha256: Sha256): Segment {
  const group = new Group(leavesOf({ level, number }).start / PIECE_DOCUMENTS, sha256);
  for (const { bytes } of entries.leaves) group.add({ canonical: bytes, leafHash: format.leafHash(bytes) });
  return buildSegment(group, level === 0 ? 0 : 1);
}

function readAccusation(proof: Uint8Array): Accusation | undefined {
  if (proof.length > MAX_PROOF_BYTES) return undefined;
  const cursor = new Cursor(proof);
  try {
    if (cursor.byte() !== VERSION) return undefined;
    const [level, number] = [cursor.varint(MAX_FRAUD_LEVEL), cursor.varint()];
    const [records, entries] = [readLeaves(cursor, MAX_RECORD_BYTES), readLeaves(cursor, MAX_PROOF_BYTES)];
    return cursor.place === proof.length ? { level, number, records, entries } : undefined;
  } catch (error) {
    if (error instanceof MalformedSegment) return undefined;
    throw error;
  }
}
