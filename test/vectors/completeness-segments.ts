import { utf8 } from "../../src/core/bytes.js";
import type { Question } from "../../src/core/segment/answer.js";
import type { Segment } from "../../src/core/segment/format.js";
import { proofBytes, readProof } from "../../src/core/segment/proof-document.js";
import { leavesOf, nothing, provable } from "../core/segment/provable-log.js";
import { COUNT, phrase, RARE, SMALL, documentOf, refused, type CompletenessCase } from "./completeness-cases.js";
import { completenessDocument } from "./completeness-document.js";

const RARE_COUNT: Question = { ...COUNT, filter: RARE };
const ABSENT: Question = { ...COUNT, filter: phrase(["nowhere"]) };

/** The log signed an index over a segment that no writer writes; every hash is right. */
export function segmentCases(): readonly CompletenessCase[] {
  const any: Question = { ...COUNT, filter: { kind: "present", field: "message" } };
  const times: Question = { ...COUNT, filter: { kind: "time", start: { epochMs: 0, micros: 0 }, end: undefined } };
  const word: Question = { ...ABSENT, filter: phrase(["bob"], "message") };
  return [
    signedLie([
      "a header of another segment",
      any,
      () => SMALL.log.segment({ level: 0, number: 1 }),
      "SEGMENT_MISMATCH",
    ]),
    signedLie([
      "a block more than the header says",
      any,
      (honestly) => ({ ...honestly, blocks: [...honestly.blocks, utf8("more")] }),
      "SEGMENT_MISMATCH",
    ]),
    signedLie([
      "another version in the header",
      any,
      block(0, (bytes) => Uint8Array.of(2, ...bytes.subarray(1))),
      "MALFORMED_SEGMENT",
    ]),
    signedLie(["a byte behind the header", any, block(0, (bytes) => Uint8Array.of(...bytes, 0)), "MALFORMED_SEGMENT"]),
    signedLie([
      "a dictionary block without entries",
      word,
      everyDictionaryBlock(() => Uint8Array.of(0, 0)),
      "MALFORMED_SEGMENT",
    ]),
    signedLie([
      "a dictionary block with a byte more",
      word,
      everyDictionaryBlock((bytes) => Uint8Array.of(...bytes, 0)),
      "MALFORMED_SEGMENT",
    ]),
    signedLie([
      "terms that do not rise",
      word,
      everyDictionaryBlock(() => dictionary(["b", "a"])),
      "MALFORMED_SEGMENT",
    ]),
    signedLie([
      "a term that is not written with all it shares",
      word,
      everyDictionaryBlock(() => dictionary(["aa", "ab"])),
      "MALFORMED_SEGMENT",
    ]),
    signedLie([
      "times in another unit",
      times,
      lastBlock((bytes) => bytes.map((byte, i) => (i === 5 ? 2 : byte))),
      "MALFORMED_SEGMENT",
    ]),
    signedLie([
      "a column that is longer than its table says",
      times,
      lastBlock((bytes) => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte))),
      "MALFORMED_SEGMENT",
    ]),
    wrongRecord(),
  ];
}

const block =
  (number: number, change: (bytes: Uint8Array) => Uint8Array) =>
  (segment: Segment): Segment => ({
    ...segment,
    blocks: segment.blocks.map((bytes, i) => (i === number ? change(bytes) : bytes)),
  });
const lastBlock =
  (change: (bytes: Uint8Array) => Uint8Array) =>
  (segment: Segment): Segment =>
    block(segment.blocks.length - 1, change)(segment);
const everyDictionaryBlock =
  (change: (bytes: Uint8Array) => Uint8Array) =>
  (segment: Segment): Segment => ({
    ...segment,
    blocks: segment.blocks.map((bytes, i) => (i > 0 && i <= segment.directory.length ? change(bytes) : bytes)),
  });

/** A dictionary block of terms without positions, each in document 0, in the order given. */
function dictionary(terms: readonly string[]): Uint8Array {
  return Uint8Array.of(terms.length, 0, ...terms.flatMap((term) => [0, term.length, ...utf8(term), 0x10, 0]));
}

type SignedLie = readonly [name: string, question: Question, change: (segment: Segment) => Segment, reason: string];

function signedLie([name, question, change, reason]: SignedLie): CompletenessCase {
  const { log, indexSize } = SMALL;
  const { answer, proof } = log.prove(question, indexSize);
  const document = readProof(proof) ?? nothing();
  const first = log.segment({ level: 0, number: 0 });
  log.put({ ...change(first), level: 0, number: 0 });
  try {
    const segments = document.segments.map((segment) => ({
      ...segment,
      blocks: leavesOf(
        log.blocks(segment),
        segment.blocks.leaves.map(({ index }) => index),
      ),
    }));
    const records = leavesOf(
      log.index(indexSize),
      document.records.leaves.map(({ index }) => index),
    );
    const claim = { answer, proof: proofBytes({ ...document, segments, records }) };
    return refused(name, documentOf(SMALL, question, claim), reason);
  } finally {
    log.put(first);
  }
}

/** A record that names another segment than is due. */
function wrongRecord(): CompletenessCase {
  const { log, indexSize } = SMALL;
  const { answer, proof } = log.prove(RARE_COUNT, indexSize);
  const wrong = utf8(Buffer.from(log.record(1)).toString().replace("\n0 1 ", "\n0 2 "));
  const index = provable([log.record(0), wrong]);
  const records = leavesOf(index, [0, 1]);
  const roots = { ...log.roots(indexSize), index: { treeSize: indexSize, rootHash: index.root } };
  const claim = { answer, proof: proofBytes({ ...(readProof(proof) ?? nothing()), records }) };
  return refused(
    "a record that names another segment than is due",
    completenessDocument(roots, RARE_COUNT, claim),
    "RECORD_MISMATCH",
  );
}
