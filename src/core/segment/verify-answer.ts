import { equalBytes, type Sha256 } from "../bytes.js";
import { logFormat, type LogFormat } from "../format.js";
import type { LeafRange } from "../tree.js";
import { envelopeOf } from "../words/entry-terms.js";
import type { ReasonCode } from "../verdict.js";
import {
  decide,
  edgesOf,
  entriesToProve,
  rangeOf,
  tailReaders,
  type Answer,
  type LogEntry,
  type Question,
} from "./answer.js";
import { MalformedSegment, segmentBlocks } from "./format.js";
import { BASE_ENTRIES, dueBases, readRecord, type SegmentRecord } from "./index-log.js";
import { multiproofRoot } from "./multiproof.js";
import { readProof, type ProofDocument, type ProvenLeaves, type ProvenSegment } from "./proof-document.js";
import { MissingBlock, ProvenSource } from "./proof-source.js";
import { readHeader, SegmentReader } from "./read.js";
import { readersIn, tilingProblem } from "./search.js";

/** A root signed by its log: read it from a checkpoint with `openCheckpoint` or `openIndexCheckpoint`. */
export interface SignedRoot {
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
}

export interface SignedRoots {
  readonly log: SignedRoot;
  readonly index: SignedRoot;
  readonly format: LogFormat;
  readonly sha256: Sha256;
}

/** Why an answer is not proven complete. */
export type IncompleteReason = Extract<
  ReasonCode,
  | "MALFORMED_PROOF"
  | "INDEX_AHEAD_OF_LOG"
  | "RANGE_MISMATCH"
  | "WINDOW_MISMATCH"
  | "ENTRY_MISMATCH"
  | "RECORD_MISMATCH"
  | "SEGMENT_MISMATCH"
  | "NOT_TILED"
  | "MALFORMED_SEGMENT"
  | "MISSING_BLOCK"
  | "ANSWER_MISMATCH"
>;

export type Completeness =
  { readonly kind: "COMPLETE" } | { readonly kind: "REFUSED"; readonly reason: IncompleteReason };

class Refusal extends Error {
  constructor(readonly reason: IncompleteReason) {
    super(reason);
  }
}

/**
 * Whether an answer holds every match of its question among the leaves of the signed log, as the signed index has them.
 * The same search runs over the blocks of the proof; a block that it does not hold ends it. Never throws, whatever the
 * answer and the proof hold. That the leaves of the answer are these entries is shown by their membership proofs.
 */
export function verifyAnswer(
  roots: SignedRoots,
  question: Question,
  claim: { readonly answer: Answer; readonly proof: Uint8Array },
): Completeness {
  try {
    check(roots, question, claim);
    return { kind: "COMPLETE" };
  } catch (error) {
    return { kind: "REFUSED", reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): IncompleteReason {
  if (error instanceof Refusal) return error.reason;
  if (error instanceof MissingBlock) return "MISSING_BLOCK";
  if (error instanceof MalformedSegment) return "MALFORMED_SEGMENT";
  throw error;
}

function refuseUnless(holds: boolean, reason: IncompleteReason): asserts holds {
  if (!holds) throw new Refusal(reason);
}

interface Claim {
  readonly answer: Answer;
  readonly proof: Uint8Array;
}

function check(roots: SignedRoots, question: Question, { answer, proof }: Claim): void {
  const document = readProof(proof);
  refuseUnless(document !== undefined, "MALFORMED_PROOF");
  const indexed = roots.index.treeSize * BASE_ENTRIES;
  refuseUnless(indexed <= roots.log.treeSize, "INDEX_AHEAD_OF_LOG");
  const { window, proven } = document;
  const entries = provenEntries(roots, document, edgesOf(question, window, roots.log.treeSize));
  checkWindow(roots, question, { window, entries });
  const behind = entries.filter(({ leaf }) => leaf >= Math.max(indexed, proven.start) && leaf < proven.end);
  const readers = [...provenReaders(roots, document), ...tailReaders(behind, roots.format, roots.sha256)];
  // Before anything is evaluated: a segment that is there twice would count its matches twice.
  refuseUnless(readersIn(readers, proven).length === readers.length, "NOT_TILED");
  refuseUnless(tilingProblem(readers, proven) === undefined, "NOT_TILED");
  refuseUnless(isDeciding(proven, rangeOf(question, window), { question, answer }), "RANGE_MISMATCH");
  const decided = decide(readers, question, { range: proven, sha256: roots.sha256 });
  refuseUnless(isSame(decided.answer, answer), "ANSWER_MISMATCH");
}

/**
 * The entries after the index over which the answer is proven, and those at the edges of the window. Throws unless the
 * proof holds exactly these.
 */
function provenEntries(
  { log, index, format }: SignedRoots,
  { window, proven, entries }: ProofDocument,
  edges: readonly number[],
): readonly LogEntry[] {
  const isInWindow = window.start <= proven.start && proven.start <= proven.end && proven.end <= window.end;
  refuseUnless(isInWindow && window.end <= log.treeSize, "RANGE_MISMATCH");
  const indexed = index.treeSize * BASE_ENTRIES;
  const behind = proven.end - Math.max(indexed, proven.start);
  refuseUnless(behind <= entries.leaves.length, "ENTRY_MISMATCH");
  const wanted = entriesToProve(proven, edges, indexed);
  refuseUnless(isSameList(wanted, indexesOf(entries)), "ENTRY_MISMATCH");
  refuseUnless(isInTree(entries, log, format), "ENTRY_MISMATCH");
  return entries.leaves.map(({ index: leaf, bytes }) => ({ leaf, canonical: bytes }));
}

/** Times of receipt never fall along a log: the entries at an edge and beside it show where it is. */
function checkWindow(
  { log }: SignedRoots,
  { window: asked }: Question,
  found: { readonly window: LeafRange; readonly entries: readonly LogEntry[] },
): void {
  const texts = new Map(found.entries.map(({ leaf, canonical }) => [leaf, canonical]));
  const isEdge = (leaf: number, bound: string): boolean => {
    const timeOf = (of: number): string | undefined => envelopeOf(texts.get(of) ?? new Uint8Array())?.received_at;
    const [before, at] = [timeOf(leaf - 1), timeOf(leaf)];
    const beginsHere = leaf === 0 || (before !== undefined && before < bound);
    return beginsHere && (leaf === log.treeSize || (at !== undefined && at >= bound));
  };
  const { start, end } = found.window;
  refuseUnless(asked.from === undefined ? start === 0 : isEdge(start, asked.from), "WINDOW_MISMATCH");
  refuseUnless(asked.until === undefined ? end === log.treeSize : isEdge(end, asked.until), "WINDOW_MISMATCH");
}

function provenReaders({ index, sha256 }: SignedRoots, { segments, records }: ProofDocument): readonly SegmentReader[] {
  const format = logFormat("rfc6962", sha256);
  refuseUnless(isSameList(dueBases(segments), indexesOf(records)), "RECORD_MISMATCH");
  refuseUnless(isInTree(records, index, format), "RECORD_MISMATCH");
  const named = new Map<string, SegmentRecord>();
  for (const { index: base, bytes } of records.leaves) {
    const record = readRecord(base, bytes);
    refuseUnless(record !== undefined, "RECORD_MISMATCH");
    for (const segment of record) named.set(`${segment.level}/${segment.number}`, segment);
  }
  return segments.map((segment) => provenReader(segment, named.get(`${segment.level}/${segment.number}`), format));
}

function provenReader(segment: ProvenSegment, record: SegmentRecord | undefined, format: LogFormat): SegmentReader {
  refuseUnless(record !== undefined, "RECORD_MISMATCH");
  const root = { treeSize: record.blocks, rootHash: record.root };
  refuseUnless(isInTree(segment.blocks, root, format), "SEGMENT_MISMATCH");
  const [first] = segment.blocks.leaves;
  refuseUnless(first?.index === 0, "SEGMENT_MISMATCH");
  const header = readHeader(first.bytes);
  const isNamed = header.level === segment.level && header.number === segment.number;
  refuseUnless(isNamed && segmentBlocks(header) === record.blocks, "SEGMENT_MISMATCH");
  const blocks = new Map(segment.blocks.leaves.map(({ index, bytes }) => [index, bytes]));
  return new SegmentReader(new ProvenSource(blocks, header));
}

/** Whether leaves lead to a root with exactly these hashes; without leaves there is nothing to check. */
export function isInTree({ leaves, hashes }: ProvenLeaves, root: SignedRoot, format: LogFormat): boolean {
  if (leaves.length === 0) return hashes.length === 0;
  const hashed = leaves.flatMap(({ index, bytes }) => {
    const hash = leafHashOf(format, bytes);
    return hash === undefined ? [] : [{ index, hash }];
  });
  if (hashed.length < leaves.length) return false;
  const found = multiproofRoot(format, { size: root.treeSize, leaves: hashed }, hashes);
  return found !== undefined && equalBytes(found, root.rootHash);
}

/** The hash of a leaf from elsewhere; undefined for values that no log of the format holds. */
export function leafHashOf(format: LogFormat, bytes: Uint8Array): Uint8Array | undefined {
  try {
    return format.leafHash(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Whether a part of the range decides the answer: its beginning, if the answer is full there; else all of it. */
function isDeciding(part: LeafRange, range: LeafRange, { question, answer }: Asked): boolean {
  const { wanted, descending } = question;
  const isPage = answer.kind === "page" && wanted.kind === "page";
  const isFull = isPage ? answer.leaves.length >= wanted.limit : answer.kind === "count" && !answer.isExact;
  const isBegun = descending ? part.end === range.end : part.start === range.start;
  const isEnded = descending ? part.start === range.start : part.end === range.end;
  return isBegun && (isEnded || isFull);
}

interface Asked {
  readonly question: Question;
  readonly answer: Answer;
}

function isSame(found: Answer, claimed: Answer): boolean {
  if (found.kind === "page") return claimed.kind === "page" && isSameList(found.leaves, claimed.leaves);
  return claimed.kind === "count" && found.count === claimed.count && found.isExact === claimed.isExact;
}

function indexesOf({ leaves }: ProvenLeaves): readonly number[] {
  return leaves.map(({ index }) => index);
}

function isSameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, place) => value === b[place]);
}
