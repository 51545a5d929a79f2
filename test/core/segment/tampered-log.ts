import { expect } from "@jest/globals";
import type { Answer, Question } from "../../../src/core/segment/answer.js";
import {
  proofBytes,
  readProof,
  type ProofDocument,
  type ProvenLeaves,
} from "../../../src/core/segment/proof-document.js";
import type { IncompleteReason } from "../../../src/core/segment/verify-answer.js";
import { IndexedLog, nothing, receivedAt } from "./provable-log.js";

/** A segment of level 1, four of level 0; the last 60 entries are behind the index. */
export const SIZE = 4_096 + 4 * 256 + 60;
export const INDEXED = 20;

export interface Claim {
  readonly answer: Answer;
  readonly proof: Uint8Array;
}

/** A page that is not full, so that everything decides it. */
export const RARE: Question = {
  filter: { kind: "exact", field: "actor", value: "user7@example.com" },
  window: { from: undefined, until: undefined },
  after: undefined,
  descending: true,
  wanted: { kind: "page", limit: 1_000 },
};
export const COUNT: Question = { ...RARE, wanted: { kind: "count", cap: undefined } };
export const ABSENT: Question = {
  ...COUNT,
  filter: { kind: "phrase", field: undefined, words: ["nowhere"], prefix: false },
};
export const CAPPED: Question = {
  ...COUNT,
  filter: { kind: "phrase", field: "message", words: ["logged", "in"], prefix: false },
  wanted: { kind: "count", cap: 40 },
};
export const FIVE: Question = { ...CAPPED, wanted: { kind: "page", limit: 5 } };
export const FIRST_FIVE: Question = { ...FIVE, descending: false };
export const WINDOW: Question = { ...COUNT, window: { from: receivedAt(4_500), until: receivedAt(4_700) } };
export const QUESTIONS = [RARE, COUNT, ABSENT, CAPPED, FIVE, FIRST_FIVE, WINDOW];

/** A log whose proofs are tampered with. */
export class TamperedLog extends IndexedLog {
  constructor() {
    super(SIZE);
  }

  honest(question: Question): Claim {
    return this.prove(question, INDEXED);
  }

  refuse(question: Question, claim: Claim, reason: IncompleteReason): void {
    expect(this.verify(question, claim, INDEXED)).toEqual({ kind: "REFUSED", reason });
  }

  /** A true answer with a changed proof must be refused for this reason; unchanged it is accepted. */
  refuseChanged(
    question: Question,
    change: (document: ProofDocument) => Partial<ProofDocument>,
    reason: IncompleteReason,
  ): void {
    const { answer, proof } = this.honest(question);
    expect(this.verify(question, { answer, proof }, INDEXED)).toEqual({ kind: "COMPLETE" });
    const document = readProof(proof) ?? nothing();
    this.refuse(question, { answer, proof: proofBytes({ ...document, ...change(document) }) }, reason);
  }
}

export const indexesOf = ({ leaves }: ProvenLeaves): number[] => leaves.map(({ index }) => index);
export const dropAt = <T>(list: readonly T[], place: number): T[] => list.filter((_, i) => i !== place);
export const replaced = <T>(list: readonly T[], place: number, by: T): T[] =>
  list.map((one, i) => (i === place ? by : one));

/** Leaves or hashes that no longer lead to their root. */
export function damaged({ leaves, hashes }: ProvenLeaves): readonly ProvenLeaves[] {
  const [first = nothing()] = leaves;
  const [hash = nothing()] = hashes;
  const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
  return [
    { leaves: replaced(leaves, 0, { ...first, bytes: flipped(first.bytes) }), hashes },
    { leaves, hashes: replaced(hashes, 0, flipped(hash)) },
    { leaves, hashes: dropAt(hashes, hashes.length - 1) },
    { leaves, hashes: [...hashes, hash] },
  ];
}
