import { utf8, utf8Text } from "../../../src/core/bytes.js";
import { logFormat, type LogFormat } from "../../../src/core/format.js";
import type { Question } from "../../../src/core/segment/answer.js";
import { buildSegment } from "../../../src/core/segment/build.js";
import { PIECE_DOCUMENTS, segmentRoot, type Segment, type SegmentId } from "../../../src/core/segment/format.js";
import { Group } from "../../../src/core/segment/group.js";
import { HashTree } from "../../../src/core/segment/hash-tree.js";
import { BASE_ENTRIES, dueAt, recordBytes, segmentCover } from "../../../src/core/segment/index-log.js";
import { memorySource } from "../../../src/core/segment/memory-source.js";
import { multiproofRanges } from "../../../src/core/segment/multiproof.js";
import type { ProvenLeaves } from "../../../src/core/segment/proof-document.js";
import type { Provable } from "../../../src/core/segment/prove.js";
import { verifyAnswer, type Completeness, type SignedRoots } from "../../../src/core/segment/verify-answer.js";
import type { Answer } from "../../../src/core/segment/answer.js";
import type { LeafRange } from "../../../src/core/tree.js";
import { nodeSha256 } from "../../../src/keys/node-crypto.js";
import { entryAt } from "./corpus.js";
import { proveAnswer, type ProvableLog, type ProvableSegment } from "./prove-answer.js";

export const FORMAT = logFormat("rfc6962", nodeSha256);

type Tree = ReturnType<typeof provable>;

/** Three entries at a time are received in the same microsecond. */
export function receivedAt(leaf: number): string {
  return `2026-01-01T00:00:00.${String(Math.floor(leaf / 3)).padStart(6, "0")}Z`;
}

function canonicalAt(leaf: number): Uint8Array {
  const text = utf8Text(entryAt(leaf).canonical) ?? "";
  const event = /^\{"event":(\{.*\}),"received_at"/.exec(text)?.[1] ?? `{"message":"entry ${leaf}"}`;
  return utf8(`{"event":${event},"received_at":"${receivedAt(leaf)}"}`);
}

/** A tree over given leaves. */
export function provable(
  leaves: readonly Uint8Array[],
  format: LogFormat = FORMAT,
): Provable & { readonly root: Uint8Array } {
  const hashes = new HashTree(
    format,
    leaves.map((leaf) => format.leafHash(leaf)),
  );
  return { size: leaves.length, hashes, leaf: (index) => leaves[index] ?? nothing(), root: hashes.root() };
}

/** Leaves of a tree with the hashes that belong to exactly these. */
export function leavesOf(tree: Provable, indexes: readonly number[]): ProvenLeaves {
  const ranges = indexes.length === 0 ? [] : multiproofRanges(indexes, tree.size);
  return {
    leaves: indexes.map((index) => ({ index, bytes: tree.leaf(index) })),
    hashes: ranges.map((range) => tree.hashes.hash(range)),
  };
}

/** A log of `size` entries with all its segments of level 0 and 1, and an index log over them. */
export class IndexedLog {
  readonly entries: readonly Uint8Array[];
  readonly log: Tree;
  readonly segments = new Map<string, Segment>();
  /** Of index logs, by size. */
  readonly #indexes = new Map<number, Tree>();

  /** `entries`: made of the corpus, if they are not given. */
  constructor(
    readonly size: number,
    readonly format: LogFormat = FORMAT,
    entries = Array.from({ length: size }, (_, leaf) => canonicalAt(leaf)),
  ) {
    this.entries = entries;
    this.log = provable(this.entries, format);
    for (let start = 0; start < size; start += PIECE_DOCUMENTS) {
      const group = new Group(start / PIECE_DOCUMENTS, nodeSha256);
      for (const canonical of this.entries.slice(start, start + PIECE_DOCUMENTS))
        group.add({ canonical, leafHash: format.leafHash(canonical) });
      for (let place = 0; place < Math.floor(group.documents / BASE_ENTRIES); place++)
        this.put(buildSegment(group, 0, place));
      if (group.documents === PIECE_DOCUMENTS) this.put(buildSegment(group, 1));
    }
  }

  put(segment: Segment): void {
    this.segments.set(`${segment.level}/${segment.number}`, segment);
    this.#indexes.clear();
  }

  segment({ level, number }: SegmentId): Segment {
    return this.segments.get(`${level}/${number}`) ?? nothing();
  }

  /** The tree over a segment's blocks. */
  blocks(id: SegmentId): Tree {
    return provable(this.segment(id).blocks);
  }

  record(base: number): Uint8Array {
    return recordBytes(
      base,
      dueAt(base).map((id) => {
        const segment = this.segment(id);
        return { ...id, blocks: segment.blocks.length, root: segmentRoot(segment, nodeSha256) };
      }),
    );
  }

  index(size: number): Tree {
    const known = this.#indexes.get(size) ?? provable(Array.from({ length: size }, (_, base) => this.record(base)));
    this.#indexes.set(size, known);
    return known;
  }

  provable(indexSize: number, range: LeafRange): ProvableLog {
    const segments = segmentCover(range, indexSize).map((id): ProvableSegment => ({
      ...id,
      source: memorySource(this.segment(id)),
      tree: this.blocks(id),
    }));
    return { log: this.log, index: this.index(indexSize), segments, format: this.format, sha256: nodeSha256 };
  }

  roots(indexSize: number, logSize = this.size): SignedRoots {
    const log = logSize === this.size ? this.log : provable(this.entries.slice(0, logSize), this.format);
    return {
      log: { treeSize: logSize, rootHash: log.root },
      index: { treeSize: indexSize, rootHash: this.index(indexSize).root },
      format: this.format,
      sha256: nodeSha256,
    };
  }

  /** The leaves of a window of time. */
  window({ window: { from, until } }: Question): LeafRange {
    const first = (bound: string): number => {
      const leaf = this.entries.findIndex((_, at) => receivedAt(at) >= bound);
      return leaf < 0 ? this.size : leaf;
    };
    return { start: from === undefined ? 0 : first(from), end: until === undefined ? this.size : first(until) };
  }

  prove(question: Question, indexSize: number): { readonly answer: Answer; readonly proof: Uint8Array } {
    const window = this.window(question);
    return proveAnswer(this.provable(indexSize, window), question, window);
  }

  verify(
    question: Question,
    claim: { readonly answer: Answer; readonly proof: Uint8Array },
    indexSize: number,
  ): Completeness {
    return verifyAnswer(this.roots(indexSize), question, claim);
  }
}

export function nothing(): never {
  throw new Error("there is no such thing");
}
