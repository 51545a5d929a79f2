import { beforeAll, describe, expect, test } from "@jest/globals";
import { utf8, nobleSha256 } from "../../../src/core/bytes.js";
import { logFormat } from "../../../src/core/format.js";
import type { Answer, Question } from "../../../src/core/segment/answer.js";
import { HashTree } from "../../../src/core/segment/hash-tree.js";
import { multiproofRanges } from "../../../src/core/segment/multiproof.js";
import {
  MAX_PROOF_BYTES,
  proofBytes,
  readProof,
  type ProofDocument,
  type ProvenLeaves,
} from "../../../src/core/segment/proof-document.js";
import { proveAnswer, type ProvableLog } from "./prove-answer.js";
import { verifyAnswer, type SignedRoots } from "../../../src/core/segment/verify-answer.js";
import type { LeafRange } from "../../../src/core/tree.js";
import { leavesOf, nothing, provable, receivedAt } from "./provable-log.js";
import {
  ABSENT,
  CAPPED,
  COUNT,
  damaged,
  dropAt,
  FIRST_FIVE,
  FIVE,
  INDEXED,
  indexesOf,
  RARE,
  replaced,
  SIZE,
  TamperedLog,
  WINDOW,
  type Claim,
} from "./tampered-log.js";

let log: TamperedLog;

beforeAll(() => {
  log = new TamperedLog();
});

describe("the document of a proof", () => {
  test("is refused with a byte too many or too few, as another version, and as random bytes", () => {
    const { answer, proof } = log.honest(RARE);
    for (const other of [
      Uint8Array.of(...proof, 0),
      proof.subarray(0, -1),
      replacedByte(proof, 0, 2),
      new Uint8Array(),
    ])
      log.refuse(RARE, { answer, proof: other }, "MALFORMED_PROOF");
  });

  test("is not read when it is over 16 MB", () => {
    const half = { index: 0, bytes: new Uint8Array(MAX_PROOF_BYTES / 2) };
    const none = { leaves: [], hashes: [] };
    const document = (leaves: ProvenLeaves["leaves"]): Uint8Array =>
      proofBytes({
        ...{ window: { start: 0, end: 0 }, proven: { start: 0, end: 0 }, segments: [], records: none },
        entries: { leaves, hashes: [] },
      });
    expect(readProof(document([half]))).toBeDefined();
    expect(readProof(document([half, { ...half, index: 1 }]))).toBeUndefined();
  });

  test("has no block over 1,952 bytes", () => {
    const { proof } = log.honest(RARE);
    const document = readProof(proof) ?? nothing();
    const [segment = nothing(), ...rest] = document.segments;
    const [header = nothing(), ...others] = segment.blocks.leaves;
    const long = { ...header, bytes: new Uint8Array(1_953) };
    const segments = [{ ...segment, blocks: { ...segment.blocks, leaves: [long, ...others] } }, ...rest];
    expect(readProof(proofBytes({ ...document, segments }))).toBeUndefined();
  });

  test("reads back as it was written", () => {
    for (const question of [RARE, ABSENT, FIVE, WINDOW]) {
      const { proof } = log.honest(question);
      expect(proofBytes(readProof(proof) ?? nothing())).toEqual(proof);
    }
  });
});

describe("what an answer leaves out or makes up is found", () => {
  test.each<[string, (leaves: readonly number[]) => number[]]>([
    ["a match left out", (leaves) => dropAt(leaves, 3)],
    ["a match twice", (leaves) => [...leaves, leaves[0] ?? 0]],
    ["another leaf", (leaves) => replaced(leaves, 2, 1)],
    ["the other order", (leaves) => [...leaves].reverse()],
  ])("%s", (_, change) => {
    const { answer, proof } = log.honest(RARE);
    const leaves = change(answer.kind === "page" ? answer.leaves : nothing());
    log.refuse(RARE, { answer: { kind: "page", leaves }, proof }, "ANSWER_MISMATCH");
  });

  test("another count, or a count where a page was asked for", () => {
    const { answer, proof } = log.honest(COUNT);
    if (answer.kind !== "count") return nothing();
    log.refuse(COUNT, { answer: { ...answer, count: answer.count - 1 }, proof }, "ANSWER_MISMATCH");
    log.refuse(COUNT, { answer: { ...answer, isExact: false }, proof }, "ANSWER_MISMATCH");
    log.refuse(RARE, { answer, proof }, "ANSWER_MISMATCH");
  });

  test("an answer to a question in the other direction, with another limit, or behind another leaf", () => {
    log.refuse(FIRST_FIVE, log.honest(FIVE), "RANGE_MISMATCH");
    log.refuse(FIVE, log.honest(FIRST_FIVE), "RANGE_MISMATCH");
    log.refuse({ ...FIVE, wanted: { kind: "page", limit: 6 } }, log.honest(FIVE), "RANGE_MISMATCH");
    log.refuse({ ...FIVE, wanted: { kind: "page", limit: 4 } }, log.honest(FIVE), "ANSWER_MISMATCH");
    for (const [question, after] of [
      [FIVE, SIZE - 100],
      [FIRST_FIVE, 100],
      [COUNT, 3_000],
      [RARE, 3_000],
    ] as const)
      log.refuse(question, log.honest({ ...question, after }), "RANGE_MISMATCH");
  });

  test("a count that stopped at its cap, given as exact", () => {
    const { answer, proof } = log.honest(CAPPED);
    if (answer.kind !== "count") return nothing();
    expect(answer).toEqual({ kind: "count", count: 40, isExact: false });
    log.refuse(CAPPED, { answer: { ...answer, isExact: true }, proof }, "RANGE_MISMATCH");
  });

  test("a part of the window, given as the part that decides", () => {
    log.refuseChanged(COUNT, ({ proven }) => ({ proven: { ...proven, end: SIZE + 1 } }), "RANGE_MISMATCH");
    log.refuseChanged(WINDOW, ({ proven }) => ({ proven: { ...proven, start: proven.start - 1 } }), "RANGE_MISMATCH");
    log.refuseChanged(COUNT, ({ proven }) => ({ proven: { start: proven.end, end: proven.start } }), "RANGE_MISMATCH");
    log.refuseChanged(COUNT, ({ window }) => ({ window: { ...window, end: SIZE + 1 } }), "RANGE_MISMATCH");
    log.refuseChanged(COUNT, () => ({ window: { start: 9, end: 8 }, proven: { start: 9, end: 8 } }), "RANGE_MISMATCH");
  });
});

describe("a window of time", () => {
  const shifted = (by: LeafRange): Claim => {
    const { start, end } = log.window(WINDOW);
    const window = { start: start + by.start, end: end + by.end };
    return proveAnswer(log.provable(INDEXED, window), WINDOW, window);
  };

  test("is refused with an entry more or less at either edge", () => {
    expect(log.verify(WINDOW, shifted({ start: 0, end: 0 }), INDEXED).kind).toBe("COMPLETE");
    for (const by of [-1, 1]) {
      log.refuse(WINDOW, shifted({ start: by, end: 0 }), "WINDOW_MISMATCH");
      log.refuse(WINDOW, shifted({ start: 0, end: by }), "WINDOW_MISMATCH");
    }
  });

  test("without a bound is the whole log", () => {
    for (const window of [
      { start: 1, end: SIZE },
      { start: 0, end: SIZE - 1 },
    ]) {
      const claim = proveAnswer(log.provable(INDEXED, window), COUNT, window);
      log.refuse(COUNT, claim, "WINDOW_MISMATCH");
    }
  });

  test("is not left by a page that it does not fill", () => {
    const narrow: Question = { ...FIVE, window: { from: receivedAt(SIZE - 9), until: undefined } };
    const { answer, proof } = log.honest(FIVE);
    const document = readProof(proof) ?? nothing();
    expect(document.proven.start).toBeLessThan(SIZE - 9);
    log.refuse(narrow, { answer, proof: proofBytes({ ...document, window: log.window(narrow) }) }, "RANGE_MISMATCH");
  });

  test("needs the entries at its edges and beside them", () => {
    log.refuseChanged(
      WINDOW,
      ({ entries }) => ({ entries: leavesOf(log.log, indexesOf(entries).slice(1)) }),
      "ENTRY_MISMATCH",
    );
    log.refuseChanged(WINDOW, () => ({ entries: leavesOf(log.log, []) }), "ENTRY_MISMATCH");
  });
});

describe("the entries behind the index", () => {
  test("must all be there, as the log has them, and no others", () => {
    for (const change of [
      ({ entries }: ProofDocument) => dropAt(indexesOf(entries), 7),
      ({ entries }: ProofDocument) => [5, ...indexesOf(entries)],
      () => [],
    ])
      log.refuseChanged(RARE, (document) => ({ entries: leavesOf(log.log, change(document)) }), "ENTRY_MISMATCH");
    const { entries } = readProof(log.honest(RARE).proof) ?? nothing();
    for (const other of damaged(entries)) log.refuseChanged(RARE, () => ({ entries: other }), "ENTRY_MISMATCH");
  });

  test("must come from an older index too", () => {
    expect(log.verify(RARE, log.honest(RARE), INDEXED - 1)).toEqual({ kind: "REFUSED", reason: "ENTRY_MISMATCH" });
  });

  test("are not looked for in a log that says it has more than the proof could hold", () => {
    const roots: SignedRoots = { ...log.roots(INDEXED), log: { treeSize: 2 ** 52, rootHash: log.log.root } };
    const document = readProof(log.honest(COUNT).proof) ?? nothing();
    const range = { start: 0, end: 2 ** 52 };
    const proof = proofBytes({ ...document, window: range, proven: range });
    const verdict = verifyAnswer(roots, COUNT, { answer: { kind: "count", count: 0, isExact: true }, proof });
    expect(verdict).toEqual({ kind: "REFUSED", reason: "ENTRY_MISMATCH" });
  });
});

test("an entry that no log of the format can hold is not passed over", () => {
  const format = logFormat("pangea");
  const texts = log.entries.slice(0, 5);
  const hashes = new HashTree(
    format,
    texts.map((text) => format.leafHash(text)),
  );
  const pangea: ProvableLog = {
    log: { size: 5, hashes, leaf: (leaf) => texts[leaf] ?? nothing() },
    index: { size: 0, hashes, leaf: nothing },
    ...{ segments: [], format, sha256: nobleSha256 },
  };
  const roots: SignedRoots = {
    log: { treeSize: 5, rootHash: hashes.root() },
    index: { treeSize: 0, rootHash: format.emptyRoot },
    ...{ format, sha256: nobleSha256 },
  };
  const question: Question = { ...COUNT, filter: { kind: "present", field: "message" } };
  const { answer, proof } = proveAnswer(pangea, question, { start: 0, end: 5 });
  expect(verifyAnswer(roots, question, { answer, proof })).toEqual({ kind: "COMPLETE" });
  const { entries, ...document } = readProof(proof) ?? nothing();
  const leaves = entries.leaves.map((leaf) => (leaf.index === 2 ? { ...leaf, bytes: new Uint8Array(64) } : leaf));
  const others = multiproofRanges([0, 1, 3, 4], 5).map((range) => hashes.hash(range));
  const fewer: Answer = { kind: "count", count: 4, isExact: true };
  expect(answer).toEqual({ ...fewer, count: 5 });
  const hidden = { answer: fewer, proof: proofBytes({ ...document, entries: { leaves, hashes: others } }) };
  expect(verifyAnswer(roots, question, hidden)).toEqual({ kind: "REFUSED", reason: "ENTRY_MISMATCH" });
});

test.each([
  ["a lone surrogate", '{"event":{"message":{"a":"\\ud800"}},"received_at":"2026-01-01T00:00:00.000000Z"}'],
  ["a number beyond a double", '{"event":{"message":[1e400]},"received_at":"2026-01-01T00:00:00.000000Z"}'],
  [
    "more levels than a stack holds",
    `{"event":{"message":${"[".repeat(50_000)}${"]".repeat(50_000)}},"received_at":"2026-01-01T00:00:00.000000Z"}`,
  ],
])("an entry with %s, which its operator made up, does not break a verifier off", (_, text) => {
  const tree = provable([utf8(text)]);
  const index = provable([]);
  const roots: SignedRoots = {
    log: { treeSize: 1, rootHash: tree.root },
    index: { treeSize: 0, rootHash: index.root },
    ...{ format: logFormat("rfc6962"), sha256: nobleSha256 },
  };
  const from: ProvableLog = { log: tree, index, segments: [], format: roots.format, sha256: nobleSha256 };
  const range = { start: 0, end: 1 };
  const { answer, proof } = proveAnswer(from, COUNT, range);
  expect(verifyAnswer(roots, COUNT, { answer, proof })).toEqual({ kind: "COMPLETE" });
  const since: Question = { ...COUNT, window: { from: "2026-01-01T00:00:00.000000Z", until: undefined } };
  expect(verifyAnswer(roots, since, proveAnswer(from, since, range))).toEqual({
    kind: "REFUSED",
    reason: "WINDOW_MISMATCH",
  });
});

test("an index that is ahead of the log's root is refused", () => {
  const roots = log.roots(INDEXED, 256 * INDEXED - 1);
  const verdict = verifyAnswer(roots, FIRST_FIVE, log.honest(FIRST_FIVE));
  expect(verdict).toEqual({ kind: "REFUSED", reason: "INDEX_AHEAD_OF_LOG" });
});

describe("the records of a proof", () => {
  test("are those that name its segments, as the index log has them", () => {
    const index = log.index(INDEXED);
    for (const change of [(bases: number[]) => dropAt(bases, 1), (bases: number[]) => [3, ...bases], () => []])
      log.refuseChanged(
        RARE,
        ({ records }) => ({ records: leavesOf(index, change(indexesOf(records))) }),
        "RECORD_MISMATCH",
      );
    const { records } = readProof(log.honest(RARE).proof) ?? nothing();
    for (const other of damaged(records)) log.refuseChanged(RARE, () => ({ records: other }), "RECORD_MISMATCH");
  });

  test("have no hashes where no segment is read, and so have entries where none is shown", () => {
    const newest: Question = { ...FIVE, filter: { kind: "all" } };
    const oldest: Question = { ...newest, descending: false };
    const none = { leaves: [], hashes: [new Uint8Array(32)] };
    log.refuseChanged(newest, () => ({ records: none }), "RECORD_MISMATCH");
    log.refuseChanged(oldest, () => ({ entries: none }), "ENTRY_MISMATCH");
  });

  test("of another index log with the same size are refused", () => {
    const other = { ...log.roots(INDEXED).index, rootHash: new Uint8Array(32) };
    const verdict = verifyAnswer({ ...log.roots(INDEXED), index: other }, RARE, log.honest(RARE));
    expect(verdict).toEqual({ kind: "REFUSED", reason: "RECORD_MISMATCH" });
  });
});

function replacedByte(bytes: Uint8Array, place: number, by: number): Uint8Array {
  return bytes.map((byte, i) => (i === place ? by : byte));
}
