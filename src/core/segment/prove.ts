import type { LogFormat } from "../format.js";
import type { Sha256 } from "../bytes.js";
import type { LeafRange } from "../tree.js";
import { decide, edgesOf, entriesToProve, rangeOf, tailReaders, type Answer, type Question } from "./answer.js";
import type { SegmentId } from "./format.js";
import type { TreeHashes } from "./hash-tree.js";
import { BASE_ENTRIES, dueBase } from "./index-log.js";
import { multiproofRanges } from "./multiproof.js";
import { proofBytes, type ProvenLeaves } from "./proof-document.js";
import { RecordingSource } from "./proof-source.js";
import { SegmentReader, type BlockSource } from "./read.js";
import { readersIn } from "./search.js";

/** A tree whose leaves can be shown. */
export interface Provable {
  readonly size: number;
  readonly hashes: TreeHashes;
  /** The bytes of a leaf. */
  leaf(index: number): Uint8Array;
}

/** A segment with the tree over its blocks. */
export interface ProvableSegment extends SegmentId {
  readonly source: BlockSource;
  readonly tree: Omit<Provable, "leaf">;
}

/** What a proof is taken from. */
export interface ProvableLog {
  /** The log's canonical texts. */
  readonly log: Provable;
  /** Its index log, not longer than the log; a leaf is a record. */
  readonly index: Provable;
  /** The segments of `segmentCover` over the range in question, in their order. */
  readonly segments: readonly ProvableSegment[];
  readonly format: LogFormat;
  readonly sha256: Sha256;
}

/**
 * Answers a question about the leaves that its window comes to, and proves that nothing is missing from the answer: the
 * proof is the blocks that `verifyAnswer` will read, with hashes up to the two signed roots. Throws what the sources
 * throw, and a RangeError unless the segments tile what is indexed of the range.
 */
export function proveAnswer(
  from: ProvableLog,
  question: Question,
  window: LeafRange,
): { readonly answer: Answer; readonly proof: Uint8Array } {
  const { log, index, format, sha256 } = from;
  const range = rangeOf(question, window);
  const indexed = index.size * BASE_ENTRIES;
  const tail = entriesToProve(range, [], indexed).map((leaf) => ({ leaf, canonical: log.leaf(leaf) }));
  const behind = tailReaders(tail, format, sha256);
  const stored = from.segments.map(({ source }) => new SegmentReader(source));
  const { answer, deciding } = decide([...stored, ...behind], question, { range, sha256 });
  const recorded = from.segments.map((segment) => ({ ...segment, recording: new RecordingSource(segment.source) }));
  const readers = readersIn(
    recorded.map(({ recording }) => new SegmentReader(recording)),
    deciding,
  );
  decide([...readers, ...readersIn(behind, deciding)], question, { range: deciding, sha256 });
  const used = recorded.filter(({ recording }) => readers.some(({ source }) => source === recording));
  const segments = used.map(({ level, number, tree, recording }) => {
    const leaves = recording.blocks.map(([place, bytes]) => ({ index: place, bytes }));
    return {
      level,
      number,
      blocks: {
        leaves,
        hashes: siblings(
          tree,
          leaves.map((leaf) => leaf.index),
        ),
      },
    };
  });
  const records = provenLeaves(
    index,
    [...new Set(used.map(dueBase))].sort((a, b) => a - b),
  );
  const edges = edgesOf(question, window, log.size);
  const entries = provenLeaves(log, entriesToProve(deciding, edges, indexed));
  return { answer, proof: proofBytes({ window, proven: deciding, segments, records, entries }) };
}

/** Leaves of a tree with the hashes that lead from exactly these to its root. */
export function provenLeaves(tree: Provable, indexes: readonly number[]): ProvenLeaves {
  const leaves = indexes.map((index) => ({ index, bytes: tree.leaf(index) }));
  return { leaves, hashes: siblings(tree, indexes) };
}

/** The hashes that lead from leaves of a tree to its root. */
export function siblings({ size, hashes }: Omit<Provable, "leaf">, leaves: readonly number[]): readonly Uint8Array[] {
  if (leaves.length === 0) return [];
  return multiproofRanges(leaves, size).map((range) => hashes.hash(range));
}
