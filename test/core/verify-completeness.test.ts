import { describe, expect, test } from "@jest/globals";
import { base64, utf8 } from "../../src/core/bytes.js";
import { signCheckpoint, noteSigner } from "../../src/core/checkpoint.js";
import type { Question } from "../../src/core/segment/answer.js";
import { signIndexCheckpoint } from "../../src/core/segment/index-log.js";
import { proveAnswer } from "./segment/prove-answer.js";
import { questionText } from "../../src/core/segment/question.js";
import { nobleEd25519, publicKeyText } from "../../src/core/signature.js";
import { trustLog } from "../../src/core/verify.js";
import { MAX_PROOF_CHARACTERS, verifyCompleteness, type ShownAnswer } from "../../src/core/verify-completeness.js";
import { provable } from "./segment/provable-log.js";

const SEED = new Uint8Array(32).fill(9);
const ORIGIN = "log.example/c";
const signer = noteSigner(ORIGIN, SEED, nobleEd25519);
const stranger = noteSigner(ORIGIN, new Uint8Array(32).fill(8), nobleEd25519);
const trusted = trustLog({
  format: "rfc6962",
  origin: ORIGIN,
  publicKey: publicKeyText(nobleEd25519.publicKey(SEED)),
});

/** Six entries that no index has yet; those with an even number are Alice's. */
const log = provable(
  Array.from({ length: 6 }, (_, leaf) =>
    utf8(
      `{"event":{"actor":"${leaf % 2 === 0 ? "alice" : "bob"}","message":"m"},"received_at":"2026-01-01T00:00:0${leaf}.000000Z"}`,
    ),
  ),
);
const index = provable([]);
const root = { checkpoint: signCheckpoint({ origin: ORIGIN, treeSize: 6, rootHash: log.root }, signer) };
const indexTree = { treeSize: 0, rootHash: index.root };
const indexRoot = { checkpoint: signIndexCheckpoint(indexTree, signer) };

const PAGE: Question = {
  filter: { kind: "exact", field: "actor", value: "alice" },
  window: { from: undefined, until: undefined },
  after: undefined,
  descending: true,
  wanted: { kind: "page", limit: 10 },
};
const COUNT: Question = { ...PAGE, wanted: { kind: "count", cap: undefined } };
const capped = (cap: number): Question => ({ ...PAGE, wanted: { kind: "count", cap } });

function claimOf(question: Question): { readonly [Member in "question" | "root" | "index" | "proof"]: unknown } {
  const from = { log, index, segments: [], format: trusted.format, sha256: trusted.sha256 };
  const { proof } = proveAnswer(from, question, { start: 0, end: 6 });
  return { question: questionText(question), root, index: indexRoot, proof: base64(proof) };
}

const ALICES = { leafIndexes: [4, 2, 0] };
const VALID = { kind: "VALID" };
const NO_PROOF = { kind: "UNKNOWN", reason: "NO_PROOF" };
const invalid = (reason: string): object => ({ kind: "INVALID", reason });

describe("the proof that an answer leaves nothing out", () => {
  test.each<[string, Question, ShownAnswer]>([
    ["a page", PAGE, ALICES],
    ["a page from the end of a result", PAGE, { leafIndexes: [0, 2, 4] }],
    ["a page in rising order", { ...PAGE, descending: false }, { leafIndexes: [0, 2, 4] }],
    ["a page of one", { ...PAGE, wanted: { kind: "page", limit: 1 } }, { leafIndexes: [4] }],
    ["a page of none", { ...PAGE, filter: { kind: "exact", field: "actor", value: "eve" } }, { leafIndexes: [] }],
    ["a count", COUNT, { totalCount: 3 }],
    ["a count below its cap", capped(4), { totalCount: 3 }],
    ["a count at its cap", capped(3), { totalCount: 3 }],
    ["a count that stopped", capped(2), { totalCount: 2 }],
  ])("is valid for %s", (_, question, shown) => {
    expect(verifyCompleteness(trusted, claimOf(question), shown)).toEqual({
      ...{ checkpoint: VALID, indexCheckpoint: VALID, completeness: VALID },
      ...{ question, treeSize: 6 },
    });
  });

  test.each<[string, Question, ShownAnswer]>([
    ["a page without its first", PAGE, { leafIndexes: [2, 0] }],
    ["a page without its last", PAGE, { leafIndexes: [4, 2] }],
    ["an empty page", PAGE, { leafIndexes: [] }],
    ["a page in no order", PAGE, { leafIndexes: [2, 4, 0] }],
    ["an entry twice", PAGE, { leafIndexes: [4, 4, 2, 0] }],
    ["a count for a page", PAGE, { totalCount: 3 }],
    ["a page for a count", COUNT, ALICES],
    ["a page for a count that stopped", capped(2), ALICES],
    ["another count", COUNT, { totalCount: 2 }],
    ["a count below its cap, one less", capped(4), { totalCount: 2 }],
    ["a count above its cap", capped(2), { totalCount: 3 }],
    ["a negative count", COUNT, { totalCount: -1 }],
    ["half a count", COUNT, { totalCount: 2.5 }],
  ])("is not valid for %s", (_, question, shown) => {
    const { completeness } = verifyCompleteness(trusted, claimOf(question), shown);
    expect(completeness).toEqual(invalid("ANSWER_MISMATCH"));
  });

  test.each<[string, object, object]>([
    ["no proof", { proof: undefined }, NO_PROOF],
    ["null as its proof", { proof: null }, NO_PROOF],
    ["a proof that is no base64", { proof: "?" }, invalid("MALFORMED_PROOF")],
    ["a proof that is no text", { proof: 7 }, invalid("MALFORMED_PROOF")],
    ["an empty proof", { proof: "" }, invalid("MALFORMED_PROOF")],
    ["a proof that is too long", { proof: "A".repeat(MAX_PROOF_CHARACTERS + 4) }, invalid("MALFORMED_PROOF")],
    ["no question", { question: undefined }, invalid("MALFORMED_QUESTION")],
    ["a question that is no text", { question: 7 }, invalid("MALFORMED_QUESTION")],
    ["a question in another spelling", { question: " {}" }, invalid("MALFORMED_QUESTION")],
    ["another question", { question: questionText(capped(3)) }, invalid("ANSWER_MISMATCH")],
  ])("is not valid with %s", (_, change, completeness) => {
    expect(verifyCompleteness(trusted, { ...claimOf(PAGE), ...change }, ALICES)).toMatchObject({
      ...{ checkpoint: VALID, indexCheckpoint: VALID, completeness },
    });
  });

  const foreign = { checkpoint: signCheckpoint({ origin: ORIGIN, treeSize: 6, rootHash: log.root }, stranger) };
  test.each<[string, unknown, object]>([
    ["missing", undefined, NO_PROOF],
    ["null", null, NO_PROOF],
    ["a text", root.checkpoint, NO_PROOF],
    ["without its checkpoint", {}, NO_PROOF],
    ["with null as its checkpoint", { checkpoint: null }, NO_PROOF],
    ["with a number as its checkpoint", { checkpoint: 7 }, invalid("MALFORMED_CHECKPOINT")],
    ["signed by another key", foreign, invalid("UNKNOWN_KEY")],
  ])("proves nothing where a root is %s", (_, other, verdict) => {
    const ofLog = verifyCompleteness(trusted, { ...claimOf(PAGE), root: other }, ALICES);
    expect(ofLog).toMatchObject({ checkpoint: verdict, indexCheckpoint: VALID, completeness: NO_PROOF });
    expect(ofLog.treeSize).toBeUndefined();
    const ofIndex = verifyCompleteness(trusted, { ...claimOf(PAGE), index: other }, ALICES);
    expect(ofIndex).toMatchObject({ checkpoint: VALID, indexCheckpoint: verdict, completeness: NO_PROOF, treeSize: 6 });
  });

  test("takes no root of the log for one of its index, nor the other way round", () => {
    const swapped = verifyCompleteness(trusted, { ...claimOf(PAGE), root: indexRoot, index: root }, ALICES);
    expect(swapped).toMatchObject({
      ...{ checkpoint: invalid("UNKNOWN_KEY"), indexCheckpoint: invalid("UNKNOWN_KEY"), completeness: NO_PROOF },
    });
  });

  test("is refused under a smaller tree of the same log", () => {
    const smaller = provable(Array.from({ length: 5 }, (_, leaf) => log.leaf(leaf)));
    const older = { checkpoint: signCheckpoint({ origin: ORIGIN, treeSize: 5, rootHash: smaller.root }, signer) };
    const { completeness } = verifyCompleteness(trusted, { ...claimOf(PAGE), root: older }, ALICES);
    expect(completeness).toEqual(invalid("RANGE_MISMATCH"));
  });
});
