import type { Sha256 } from "../../../src/core/bytes.js";
import type { LogFormat } from "../../../src/core/format.js";
import {
  decide,
  edgesOf,
  entriesToProve,
  rangeOf,
  tailReaders,
  type Answer,
  type Question,
} from "../../../src/core/segment/answer.js";
import type { SegmentId } from "../../../src/core/segment/format.js";
import { BASE_ENTRIES, dueBases } from "../../../src/core/segment/index-log.js";
import { proofBytes } from "../../../src/core/segment/proof-document.js";
import { provenLeaves, siblings, type Provable } from "../../../src/core/segment/prove.js";
import { SegmentReader, type BlockSource } from "../../../src/core/segment/read.js";
import { readersIn } from "../../../src/core/segment/search.js";
import type { LeafRange } from "../../../src/core/tree.js";

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
  const records = provenLeaves(index, dueBases(used));
  const edges = edgesOf(question, window, log.size);
  const entries = provenLeaves(log, entriesToProve(deciding, edges, indexed));
  return { answer, proof: proofBytes({ window, proven: deciding, segments, records, entries }) };
}

/** Notes which blocks are read: those that a proof must hold. */
export class RecordingSource implements BlockSource {
  readonly #read = new Map<number, Uint8Array>();

  constructor(private readonly source: BlockSource) {}

  /** In rising order of their numbers. */
  get blocks(): readonly (readonly [number, Uint8Array])[] {
    return [...this.#read].sort(([a], [b]) => a - b);
  }

  block(number: number): Uint8Array {
    const block = this.source.block(number);
    this.#read.set(number, block);
    return block;
  }

  locate(term: Uint8Array): number {
    return this.source.locate(term);
  }
}
