import type { ProofQuery, ProvenAnswer, ReadEntries, ReadEntry } from "../../../src/audit/search-index.js";
import { digestOf, utf8, utf8Text } from "../../../src/core/bytes.js";
import type { Question } from "../../../src/core/segment/answer.js";
import { AnswerProver, type ProverParts } from "../../../src/engine/search/answer-prover.js";
import { BaseSegments, proofCache } from "../../../src/engine/search/base-segments.js";
import { IndexLog } from "../../../src/engine/search/index-tree.js";
import { blockCache } from "../../../src/engine/search/open-segment.js";
import { recordOf, storable } from "../../../src/engine/search/outline.js";
import { StoredSegments } from "../../../src/engine/search/stored-segments.js";
import { MemoryBlockStore } from "../../../src/stores/memory/block-store.js";
import { FORMAT, IndexedLog, leavesOf, receivedAt } from "../../core/segment/provable-log.js";
import { ownThreadMaker } from "./own-thread.js";

export const LOG = "default";
export const BASE = 256;
export const GROUP = 4_096;
export const FEW = 600;
/** With a segment of level 1, one base behind it, and some entries behind that. */
export const MANY = GROUP + BASE + 40;

export const textAt = (leaf: number): string => {
  const [actor, status] = [`user${leaf % 50}`, leaf % 1_000 === 7 ? "rare" : leaf % 3 === 0 ? "failed" : "ok"];
  return `{"event":{"actor":"${actor}","message":"m ${leaf % 9}","status":"${status}"},"received_at":"${receivedAt(leaf)}"}`;
};
const textsOf = (size: number): readonly Uint8Array[] => Array.from({ length: size }, (_, leaf) => utf8(textAt(leaf)));
// What they are does not depend on what is tested here.
export const few = new IndexedLog(FEW, FORMAT, [...textsOf(FEW)]);
export const many = new IndexedLog(MANY, FORMAT, [...textsOf(MANY)]);

const open = { from: undefined, until: undefined };
export const all: Question = {
  ...{ filter: { kind: "all" }, window: open, after: undefined, descending: true },
  wanted: { kind: "page", limit: 5 },
};
export const status = (value: string): Question["filter"] => ({ kind: "exact", field: "status", value });
export const word = (text: string) => ({ kind: "phrase", field: undefined, words: [text], prefix: false }) as const;
export const page = (limit: number) => ({ kind: "page", limit }) as const;
export const count = (cap?: number) => ({ kind: "count", cap }) as const;

export interface Proving {
  readonly parts: ProverParts;
  readonly prove: (question: Question, more?: Partial<ProofQuery>, signal?: AbortSignal) => Promise<ProvenAnswer>;
}

/** The parts of a prover over logs in memory, and what it read. */
export class ProofBench {
  readonly reads: number[] = [];
  readonly blocks = new MemoryBlockStore();

  /** The prover of a log; some of its parts may be others. */
  proverOf(log: IndexedLog, more: Partial<ProverParts> = {}): Proving {
    const entries: ReadEntries = (leaves) => {
      if (leaves.length === 0) throw new Error("a read of nothing");
      this.reads.push(...leaves);
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
    const { blocks } = this;
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

  /** Stores the first segment of level 1. */
  async store(log: IndexedLog): Promise<void> {
    const segment = log.segment({ level: 1, number: 0 });
    const below = Array.from({ length: 16 }, (_, number) => recordOf(log.segment({ level: 0, number })));
    await this.blocks.put(LOG, storable(segment, FORMAT.leafHash(log.entries[GROUP - 1] ?? new Uint8Array()), below));
  }
}
