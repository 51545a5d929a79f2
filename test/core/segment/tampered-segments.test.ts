import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { utf8 } from "../../../src/core/bytes.js";
import type { Answer, Question } from "../../../src/core/segment/answer.js";
import type { Segment } from "../../../src/core/segment/format.js";
import {
  proofBytes,
  readProof,
  type ProofDocument,
  type ProvenLeaves,
  type ProvenSegment,
} from "../../../src/core/segment/proof-document.js";
import { verifyAnswer, type IncompleteReason } from "../../../src/core/segment/verify-answer.js";
import { leavesOf, nothing, provable } from "./provable-log.js";
import {
  ABSENT,
  CAPPED,
  COUNT,
  damaged,
  dropAt,
  FIVE,
  INDEXED,
  indexesOf,
  QUESTIONS,
  RARE,
  replaced,
  TamperedLog,
  WINDOW,
} from "./tampered-log.js";

type Change = (document: ProofDocument) => Partial<ProofDocument>;

const SEED = 20_261_129;

let log: TamperedLog;

beforeAll(() => {
  log = new TamperedLog();
});

describe("the segments of a proof", () => {
  const changeSegment =
    (change: (segment: ProvenSegment) => ProvenSegment): Change =>
    ({ segments }) => ({
      segments: replaced(segments, 1, change(segments[1] ?? nothing())),
    });

  test("must tile what decides the answer: none missing, none twice, none over another, none beside", () => {
    const record = (bases: readonly number[]): ProvenLeaves => leavesOf(log.index(INDEXED), bases);
    const base = (number: number): ProvenSegment => ({
      level: 0,
      number,
      blocks: leavesOf(log.blocks({ level: 0, number }), [0]),
    });
    const changes: readonly (readonly [Question, Change])[] = [
      ...[RARE, COUNT, ABSENT].flatMap((question) =>
        [0, 1, 2, 3, 4].map((place): [Question, Change] => [
          question,
          ({ segments, records }) => {
            const due = indexesOf(records).filter((of) => of !== (place === 0 ? 16 : 15 + place) || place < 2);
            const isShared = place < 2;
            return { segments: dropAt(segments, place), records: isShared ? records : record(due) };
          },
        ]),
      ),
      ...[COUNT, CAPPED].map((question): [Question, Change] => [
        question,
        ({ segments }) => ({ segments: [...segments.slice(0, 1), ...segments] }),
      ]),
      [COUNT, ({ segments }) => ({ segments: [...segments].reverse() })],
      [
        COUNT,
        ({ segments, records }) => ({
          segments: [segments[0] ?? nothing(), base(15), ...segments.slice(1)],
          records: record([15, ...indexesOf(records)]),
        }),
      ],
      [
        WINDOW,
        ({ segments, records }) => ({
          segments: [...segments, base(19)],
          records: record([...indexesOf(records), 19]),
        }),
      ],
    ];
    for (const [question, change] of changes) log.refuseChanged(question, change, "NOT_TILED");
  });

  test("have the blocks of their tree, the header first, in their places", () => {
    const { segments } = readProof(log.honest(RARE).proof) ?? nothing();
    const segment = segments[1] ?? nothing();
    const tree = log.blocks(segment);
    const honest = (indexes: readonly number[]): ProvenSegment => ({ ...segment, blocks: leavesOf(tree, indexes) });
    const { leaves, hashes } = segment.blocks;
    const [header = nothing(), block = nothing()] = leaves;
    const others: readonly ProvenSegment[] = [
      honest(indexesOf(segment.blocks).slice(1)),
      honest([]),
      ...damaged(segment.blocks).map((blocks) => ({ ...segment, blocks })),
      { ...segment, blocks: { leaves: [header, { ...block, index: block.index + 1 }, ...leaves.slice(2)], hashes } },
      {
        ...segment,
        blocks: { leaves: [header, { ...block, bytes: tree.leaf(block.index + 1) }, ...leaves.slice(2)], hashes },
      },
    ];
    for (const other of others)
      log.refuseChanged(
        RARE,
        changeSegment(() => other),
        "SEGMENT_MISMATCH",
      );
  });

  test.each([
    ["a rare value", RARE],
    ["a word that is nowhere", ABSENT],
    ["a phrase", FIVE],
  ])("must have every block that the search for %s reads", (_, question) => {
    const { segments } = readProof(log.honest(question).proof) ?? nothing();
    let dropped = 0;
    segments.forEach((segment, place) => {
      for (const number of indexesOf(segment.blocks).filter((one) => one > 0)) {
        const left = indexesOf(segment.blocks).filter((one) => one !== number);
        const other = { ...segment, blocks: leavesOf(log.blocks(segment), left) };
        log.refuseChanged(
          question,
          (document) => ({ segments: replaced(document.segments, place, other) }),
          "MISSING_BLOCK",
        );
        dropped += 1;
      }
    });
    expect(dropped).toBeGreaterThan(question === FIVE ? 0 : 4);
  });

  test("do not hide a term behind another block of the dictionary", () => {
    const { segments } = readProof(log.honest(ABSENT).proof) ?? nothing();
    const segment = segments[1] ?? nothing();
    const [, block = nothing()] = indexesOf(segment.blocks);
    for (const other of [block - 1, block + 1].filter((number) => number > 0)) {
      const blocks = leavesOf(log.blocks(segment), [0, other]);
      log.refuseChanged(
        ABSENT,
        changeSegment(() => ({ ...segment, blocks })),
        "MISSING_BLOCK",
      );
    }
  });
});

describe("a segment that its log signed and no writer writes", () => {
  /** Answers a question over an index log that names another segment in the place of base 18. */
  const refuseSigned = (change: (segment: Segment) => Segment, reason: IncompleteReason): void => {
    const honest = log.segment({ level: 0, number: 18 });
    const question: Question = { ...COUNT, filter: { kind: "present", field: "message" } };
    const prefix: Question = { ...COUNT, filter: { kind: "phrase", field: undefined, words: [""], prefix: true } };
    try {
      for (const asked of [question, prefix]) {
        const { answer, proof } = log.honest(asked);
        log.put({ ...change(honest), level: 0, number: 18 });
        const document = readProof(proof) ?? nothing();
        const segments = document.segments.map((segment) =>
          segment.level === 0 && segment.number === 18
            ? { ...segment, blocks: leavesOf(log.blocks(segment), indexesOf(segment.blocks)) }
            : segment,
        );
        const records = leavesOf(log.index(INDEXED), indexesOf(document.records));
        log.refuse(asked, { answer, proof: proofBytes({ ...document, segments, records }) }, reason);
        log.put(honest);
      }
    } finally {
      log.put(honest);
    }
  };
  test("is refused under a record that names another segment than is due", () => {
    const { answer, proof } = log.honest(COUNT);
    const document = readProof(proof) ?? nothing();
    const wrong = utf8(Buffer.from(log.record(18)).toString().replace("\n0 18 ", "\n0 17 "));
    const index = provable(Array.from({ length: INDEXED }, (_, base) => (base === 18 ? wrong : log.record(base))));
    const roots = { ...log.roots(INDEXED), index: { treeSize: INDEXED, rootHash: index.root } };
    const records = leavesOf(index, indexesOf(document.records));
    const verdict = verifyAnswer(roots, COUNT, { answer, proof: proofBytes({ ...document, records }) });
    expect(verdict).toEqual({ kind: "REFUSED", reason: "RECORD_MISMATCH" });
  });

  test("is refused with the header of another", () => {
    refuseSigned(() => log.segment({ level: 0, number: 17 }), "SEGMENT_MISMATCH");
  });

  test("is refused with the header of another level", () => {
    const honest = log.segment({ level: 1, number: 0 });
    const { answer, proof } = log.honest(COUNT);
    try {
      log.put({ ...log.segment({ level: 0, number: 0 }), level: 1 });
      const document = readProof(proof) ?? nothing();
      const blocks = leavesOf(log.blocks(honest), [0, 1]);
      const segments = document.segments.map((one) => (one.level === 1 ? { ...one, blocks } : one));
      const records = leavesOf(log.index(INDEXED), indexesOf(document.records));
      log.refuse(COUNT, { answer, proof: proofBytes({ ...document, segments, records }) }, "SEGMENT_MISMATCH");
    } finally {
      log.put(honest);
    }
  });

  test("is refused with a block more than its header says", () => {
    refuseSigned((segment) => ({ ...segment, blocks: [...segment.blocks, utf8("more")] }), "SEGMENT_MISMATCH");
  });
});

describe("a verifier of proofs", () => {
  test("accepts no false answer for any change of any byte, and never throws", () => {
    const claims = QUESTIONS.map((question) => ({ question, ...log.honest(question) }));
    fc.assert(
      fc.property(
        fc.constantFrom(...claims),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        ({ question, answer, proof }, changes) => {
          const changed = Uint8Array.from(proof);
          for (const [at, byte] of changes) changed[at % changed.length] = byte;
          const falsified: Answer =
            answer.kind === "page"
              ? { kind: "page", leaves: answer.leaves.length > 0 ? answer.leaves.slice(1) : [1] }
              : { ...answer, count: answer.count + 1 };
          expect(log.verify(question, { answer: falsified, proof: changed }, INDEXED).kind).toBe("REFUSED");
        },
      ),
      { numRuns: 300, seed: SEED },
    );
  });

  test("accepts a changed proof of a true answer only where more is proven than decides it", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...QUESTIONS.map((question) => ({ question, ...log.honest(question) }))),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        ({ question, answer, proof }, at, change) => {
          const changed = Uint8Array.from(proof);
          changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ change;
          if (log.verify(question, { answer, proof: changed }, INDEXED).kind === "REFUSED") return;
          const [was, is] = [readProof(proof) ?? nothing(), readProof(changed) ?? nothing()];
          expect({ ...is, proven: was.proven }).toEqual(was);
        },
      ),
      { numRuns: 300, seed: SEED },
    );
  });

  test("never throws on random bytes", () => {
    fc.assert(
      fc.property(fc.constantFrom(...QUESTIONS), fc.uint8Array({ maxLength: 200 }), (question, bytes) => {
        const proof = Uint8Array.of(1, ...bytes);
        const answer: Answer = { kind: "page", leaves: [] };
        expect(log.verify(question, { answer, proof }, INDEXED).kind).toBe("REFUSED");
      }),
      { numRuns: 500, seed: SEED },
    );
  });
});
