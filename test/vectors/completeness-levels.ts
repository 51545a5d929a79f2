import { utf8 } from "../../src/core/bytes.js";
import type { Question } from "../../src/core/segment/answer.js";
import type { SegmentFilter } from "../../src/core/segment/filter.js";
import { segmentDocuments, segmentRoot, type Segment } from "../../src/core/segment/format.js";
import { BASE_ENTRIES, dueAt, dueBase, recordBytes } from "../../src/core/segment/index-log.js";
import { memorySource } from "../../src/core/segment/memory-source.js";
import { proveAnswer } from "../core/segment/prove-answer.js";
import type { SignedRoots } from "../../src/core/segment/verify-answer.js";
import { nodeSha256 } from "../../src/keys/node-crypto.js";
import { FORMAT, provable } from "../core/segment/provable-log.js";
import { tallSegment } from "../core/segment/tall-segments.js";
import { COUNT, phrase, refused, type CompletenessCase } from "./completeness-cases.js";
import { completenessDocument, type Claim } from "./completeness-document.js";

const COMMON: SegmentFilter = { kind: "present", field: "message" };
const RARE: SegmentFilter = { kind: "exact", field: "status", value: "failed" };
const PAGE = { kind: "page", limit: 20 } as const;

const QUESTIONS: readonly (readonly [string, Partial<Question>])[] = [
  ["a count of what every piece has", { filter: COMMON }],
  ["a count of what few pieces have", { filter: RARE }],
  ["a count of both", { filter: { kind: "and", filters: [COMMON, RARE] } }],
  ["a page of words in a row", { filter: phrase(["example", "com"]), wanted: PAGE }],
  ["a beginning of words", { filter: phrase(["lo"], undefined, true), wanted: PAGE }],
  ["a word that is nowhere", { filter: phrase(["nowhere"]) }],
  ["none of it", { filter: { kind: "not", filter: COMMON }, wanted: PAGE }],
];

/**
 * Proofs over one segment of level 2, 3 and 4. Most of its documents are empty and most records name made-up roots, so
 * that a segment of 16,777,216 documents is made in a second; a verifier sees no difference.
 */
export function levelCases(): readonly CompletenessCase[] {
  return [2, 3, 4].flatMap((level) => {
    const indexed = new TallLog(tallSegment({ level, number: 0 }));
    return QUESTIONS.flatMap(([name, more], place) => {
      const asked: Question = { ...COUNT, after: segmentDocuments(level), ...more };
      const claim = indexed.prove(asked);
      const honest = {
        name: `level ${level}: ${name}`,
        document: completenessDocument(indexed.roots, asked, claim),
        verdict: "VALID",
      };
      if (place > 0) return [honest];
      const { answer } = claim;
      const other = answer.kind === "count" ? { ...answer, count: answer.count - 1 } : answer;
      const lie = completenessDocument(indexed.roots, asked, { ...claim, answer: other });
      return [honest, refused(`level ${level}: one less than there are`, lie, "ANSWER_MISMATCH")];
    });
  });
}

/** A log whose first segment is a tall one; its index log goes up to the record that names it. */
class TallLog {
  readonly #index: ReturnType<typeof provable>;
  readonly roots: SignedRoots;

  constructor(private readonly segment: Segment) {
    const madeUp = { blocks: 1, root: nodeSha256(utf8("made up")) };
    const own = { blocks: segment.blocks.length, root: segmentRoot(segment, nodeSha256) };
    const records = Array.from({ length: dueBase(segment) + 1 }, (_, base) => {
      const due = dueAt(base).map((id) => ({ ...id, ...(id.level === segment.level ? own : madeUp) }));
      return recordBytes(base, due);
    });
    this.#index = provable(records);
    this.roots = {
      log: { treeSize: records.length * BASE_ENTRIES, rootHash: nodeSha256(utf8("a log")) },
      index: { treeSize: records.length, rootHash: this.#index.root },
      ...{ format: FORMAT, sha256: nodeSha256 },
    };
  }

  prove(question: Question): Claim {
    const { level, number } = this.segment;
    const tree = provable(this.segment.blocks);
    const log = { ...tree, size: this.roots.log.treeSize };
    const segments = [{ level, number, source: memorySource(this.segment), tree }];
    const from = { log, index: this.#index, segments, format: FORMAT, sha256: nodeSha256 };
    return proveAnswer(from, question, { start: 0, end: log.size });
  }
}
