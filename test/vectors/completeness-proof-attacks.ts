import type { Question } from "../../src/core/segment/answer.js";
import { proofBytes, readProof, type ProofDocument, type ProvenLeaves } from "../../src/core/segment/proof-document.js";
import { leavesOf, nothing, receivedAt } from "../core/segment/provable-log.js";
import {
  COUNT,
  largeLog,
  phrase,
  RARE,
  SMALL,
  documentOf,
  refused,
  type CompletenessCase,
} from "./completeness-cases.js";

const RARE_COUNT: Question = { ...COUNT, filter: RARE };
const WINDOW: Question = {
  ...COUNT,
  filter: phrase(["bob"]),
  window: { from: receivedAt(200), until: receivedAt(400) },
};
const ABSENT: Question = { ...COUNT, filter: phrase(["nowhere"]) };

export function treeAttacks(): readonly CompletenessCase[] {
  const { log, indexSize } = SMALL;
  const index = log.index(indexSize);
  const entries = (leaves: readonly number[]) => (): Partial<ProofDocument> => ({ entries: leavesOf(log.log, leaves) });
  return [
    changed(["an entry behind the index left out", RARE_COUNT, entries([512]), "ENTRY_MISMATCH"]),
    changed(["no entry behind the index", RARE_COUNT, entries([]), "ENTRY_MISMATCH"]),
    changed(["an entry too many", RARE_COUNT, entries([5, 512, 513]), "ENTRY_MISMATCH"]),
    changed([
      "an entry that was changed",
      RARE_COUNT,
      ({ entries: all }) => ({ entries: withBytes(all) }),
      "ENTRY_MISMATCH",
    ]),
    changed([
      "a hash too many",
      RARE_COUNT,
      ({ entries: all }) => ({ entries: { ...all, hashes: [...all.hashes, new Uint8Array(32)] } }),
      "ENTRY_MISMATCH",
    ]),
    changed([
      "a window that begins an entry later",
      WINDOW,
      ({ window }) => ({
        window: { ...window, start: window.start + 1 },
        proven: { ...window, start: window.start + 1 },
        entries: leavesOf(log.log, [window.start, window.start + 1, window.end - 1, window.end]),
      }),
      "WINDOW_MISMATCH",
    ]),
    changed([
      "a window that ends an entry sooner",
      WINDOW,
      ({ window }) => ({
        window: { ...window, end: window.end - 1 },
        proven: { ...window, end: window.end - 1 },
        entries: leavesOf(log.log, [window.start - 1, window.start, window.end - 2, window.end - 1]),
      }),
      "WINDOW_MISMATCH",
    ]),
    changed(["a window without the entries at its edges", WINDOW, entries([]), "ENTRY_MISMATCH"]),
    changed([
      "a part of the window, given as what decides",
      RARE_COUNT,
      ({ proven }) => ({ proven: { ...proven, start: 256 }, segments: [], records: leavesOf(index, []) }),
      "NOT_TILED",
    ]),
    changed([
      "half of the window, proven",
      RARE_COUNT,
      ({ proven, segments }) => ({
        proven: { ...proven, start: 256 },
        segments: segments.slice(1),
        records: leavesOf(index, [1]),
      }),
      "RANGE_MISMATCH",
    ]),
    changed([
      "a proven part beyond the log",
      RARE_COUNT,
      ({ proven }) => ({ proven: { ...proven, end: proven.end + 1 } }),
      "RANGE_MISMATCH",
    ]),
    changed(["a record left out", RARE_COUNT, () => ({ records: leavesOf(index, [1]) }), "RECORD_MISMATCH"]),
    changed([
      "a record that was changed",
      RARE_COUNT,
      ({ records }) => ({ records: withBytes(records) }),
      "RECORD_MISMATCH",
    ]),
    changed([
      "a segment left out",
      RARE_COUNT,
      ({ segments }) => ({ segments: segments.slice(1), records: leavesOf(index, [1]) }),
      "NOT_TILED",
    ]),
    changed([
      "a segment twice",
      RARE_COUNT,
      ({ segments: [first = nothing(), ...rest] }) => ({ segments: [first, first, ...rest] }),
      "NOT_TILED",
    ]),
    changed([
      "segments in the other order",
      RARE_COUNT,
      ({ segments }) => ({ segments: [...segments].reverse() }),
      "NOT_TILED",
    ]),
  ];
}

export function segmentAttacks(): readonly CompletenessCase[] {
  const { log } = SMALL;
  const blocks = (name: string, change: (blocks: ProvenLeaves) => ProvenLeaves, reason: string): CompletenessCase =>
    changed([
      name,
      ABSENT,
      ({ segments: [first = nothing(), ...rest] }) => ({
        segments: [{ ...first, blocks: change(first.blocks) }, ...rest],
      }),
      reason,
    ]);
  const tree = log.blocks({ level: 0, number: 0 });
  return [
    blocks("a block that was changed", withBytes, "SEGMENT_MISMATCH"),
    blocks(
      "no header",
      ({ leaves }) =>
        leavesOf(
          tree,
          leaves.slice(1).map(({ index }) => index),
        ),
      "SEGMENT_MISMATCH",
    ),
    blocks("no block but the header, so that a term seems absent", () => leavesOf(tree, [0]), "MISSING_BLOCK"),
    blocks(
      "another block of the dictionary",
      ({ leaves }) => leavesOf(tree, [0, (leaves[1]?.index ?? 0) + 1]),
      "MISSING_BLOCK",
    ),
    overlap(),
  ];
}

/** A segment of level 0 beside that of level 1 that holds it. */
function overlap(): CompletenessCase {
  const at = largeLog();
  const question: Question = { ...COUNT, filter: RARE };
  const claim = at.log.prove(question, at.indexSize);
  const document = readProof(claim.proof) ?? nothing();
  const [merged = nothing(), ...rest] = document.segments;
  const base = { level: 0, number: 15, blocks: leavesOf(at.log.blocks({ level: 0, number: 15 }), [0]) };
  const records = leavesOf(at.log.index(at.indexSize), [15, ...document.records.leaves.map(({ index }) => index)]);
  const proof = proofBytes({ ...document, segments: [merged, base, ...rest], records });
  return refused(
    "a segment of level 0 beside one of level 1 that holds it",
    documentOf(at, question, { ...claim, proof }),
    "NOT_TILED",
  );
}

type Change = readonly [
  name: string,
  question: Question,
  change: (document: ProofDocument) => Partial<ProofDocument>,
  reason: string,
];

/** An honest proof with other parts. */
function changed([name, question, change, reason]: Change): CompletenessCase {
  const { answer, proof } = SMALL.log.prove(question, SMALL.indexSize);
  const document = readProof(proof) ?? nothing();
  return refused(
    name,
    documentOf(SMALL, question, { answer, proof: proofBytes({ ...document, ...change(document) }) }),
    reason,
  );
}

/** The last byte of the last leaf flipped. */
function withBytes({ leaves, hashes }: ProvenLeaves): ProvenLeaves {
  const last = leaves.length - 1;
  return {
    leaves: leaves.map((leaf, i) =>
      i === last
        ? { ...leaf, bytes: leaf.bytes.map((byte, at) => (at === leaf.bytes.length - 1 ? byte ^ 1 : byte)) }
        : leaf,
    ),
    hashes,
  };
}
