import { noteSigner } from "../../src/core/checkpoint.js";
import type { Answer, Question } from "../../src/core/segment/answer.js";
import { signIndexCheckpoint } from "../../src/core/segment/index-log.js";
import { questionText } from "../../src/core/segment/question.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { nothing } from "../core/segment/provable-log.js";
import {
  ALL,
  COUNT,
  honest,
  LEAST,
  phrase,
  RARE,
  SMALL,
  documentOf,
  refused,
  type CompletenessCase,
} from "./completeness-cases.js";
import { completenessDocument } from "./completeness-document.js";
import { ORIGIN, SEED } from "./document.js";

const PAGE: Question = { ...ALL, filter: RARE, wanted: { kind: "page", limit: 1_000 } };
const RARE_COUNT: Question = { ...COUNT, filter: RARE };
const ABSENT: Question = { ...COUNT, filter: phrase(["nowhere"]) };
const FIVE: Question = { ...ALL, wanted: { kind: "page", limit: 5 } };

export function answerAttacks(): readonly CompletenessCase[] {
  type Changed = readonly [name: string, question: Question, change: (answer: Answer) => Answer, reason?: string];
  const answered = ([name, question, change, reason = "ANSWER_MISMATCH"]: Changed): CompletenessCase => {
    const document = honest(LEAST, question);
    return refused(name, { ...document, answer: change(document.answer) }, reason);
  };
  const leaves =
    (change: (leaves: readonly number[]) => readonly number[]) =>
    (answer: Answer): Answer => ({
      kind: "page",
      leaves: change(answer.kind === "page" ? answer.leaves : nothing()),
    });
  const count =
    (change: Partial<Answer & { readonly kind: "count" }>) =>
    (answer: Answer): Answer =>
      answer.kind === "count" ? { ...answer, ...change } : nothing();
  return [
    answered(["a match left out", PAGE, leaves((all) => all.slice(1))]),
    answered(["a match twice", PAGE, leaves(([first = 0, ...rest]) => [first, first, ...rest])]),
    answered(["another leaf", PAGE, leaves(([, ...rest]) => [1, ...rest])]),
    answered(["the other order", PAGE, leaves((all) => [...all].reverse())]),
    answered(["another count", RARE_COUNT, count({ count: 3 })]),
    answered(["an exact count, called a lower bound", RARE_COUNT, count({ isExact: false })]),
    answered(["a count in place of a page", PAGE, () => ({ kind: "count", count: 5, isExact: true })]),
    answered([
      "a count at its cap, called exact",
      { ...COUNT, wanted: { kind: "count", cap: 5 } },
      count({ isExact: true }),
      "RANGE_MISMATCH",
    ]),
    otherQuestion(
      "another question's page: more wanted",
      { ...FIVE, wanted: { kind: "page", limit: 6 } },
      "RANGE_MISMATCH",
    ),
    otherQuestion(
      "another question's page: fewer wanted",
      { ...FIVE, wanted: { kind: "page", limit: 4 } },
      "ANSWER_MISMATCH",
    ),
    otherQuestion("another question's page: the other direction", { ...FIVE, descending: false }, "RANGE_MISMATCH"),
    otherQuestion("another question's page: behind another leaf", { ...FIVE, after: 200 }, "RANGE_MISMATCH"),
  ];
}

function otherQuestion(name: string, question: Question, reason: string): CompletenessCase {
  return refused(name, { ...honest(LEAST, FIVE), question: questionText(question) }, reason);
}

export function documentAttacks(): readonly CompletenessCase[] {
  const bytes = (name: string, change: (proof: Uint8Array) => Uint8Array): CompletenessCase => {
    const claim = LEAST.log.prove(RARE_COUNT, LEAST.indexSize);
    return refused(name, documentOf(LEAST, RARE_COUNT, { ...claim, proof: change(claim.proof) }), "MALFORMED_PROOF");
  };
  const asked = (name: string, question: (text: string) => string): CompletenessCase => {
    const document = honest(LEAST, ABSENT);
    // Short: a verifier looks at the question first.
    return refused(name, { ...document, question: question(document.question), proof: "" }, "MALFORMED_QUESTION");
  };
  return [
    bytes("a byte too many", (proof) => Uint8Array.of(...proof, 0)),
    bytes("a byte too few", (proof) => proof.subarray(0, -1)),
    bytes("another version", (proof) => Uint8Array.of(2, ...proof.subarray(1))),
    bytes("no document", () => new Uint8Array()),
    bytes("a number that is not written shortest", (proof) => Uint8Array.of(1, 0x80, 0, ...proof.subarray(2))),
    bytes("a number of nine bytes", (proof) =>
      Uint8Array.of(1, ...new Uint8Array(8).fill(0x80), 1, ...proof.subarray(2)),
    ),
    bytes("more leaves than bytes", () => Uint8Array.of(1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f)),
    asked("a question with a blank", (text) => text.replace(",", ", ")),
    asked("a question of another edition", (text) => text.replace('"edition":2', '"edition":1')),
    asked("a question with a member that is unknown", (text) => text.replace('"edition":2', '"edition":2,"extra":1')),
    asked("a question without a filter", (text) => text.replace(/"filter":\{[^}]*\},/, "")),
    asked("a question about a field that there is not", (text) =>
      text.replace('"kind":"phrase"', '"field":"ip","kind":"phrase"'),
    ),
    asked("a phrase without words", (text) => text.replace('["nowhere"]', "[]")),
    asked("a window of another spelling", (text) =>
      text.replace('"window":{}', '"window":{"from":"2026-01-01T00:00:00Z"}'),
    ),
    asked("a time that does not exist", (text) =>
      text.replace(/"filter":\{[^}]*\}/, '"filter":{"kind":"time","start":"2026-02-30T00:00:00.000000Z"}'),
    ),
    asked("a question with more than 256 levels", (text) =>
      text.replace(
        /"filter":(\{[^}]*\})/,
        (_, filter: string) => `"filter":${'{"filter":'.repeat(255)}${filter}${',"kind":"not"}'.repeat(255)}`,
      ),
    ),
  ];
}

export function rootAttacks(): readonly CompletenessCase[] {
  const { log, indexSize } = SMALL;
  const document = honest(SMALL, RARE_COUNT);
  const older = honest({ log, indexSize: 1 }, RARE_COUNT);
  const { index } = log.roots(indexSize);
  const other = noteSigner(
    ORIGIN,
    SEED.map((byte) => byte ^ 1),
    nobleEd25519,
  );
  const ahead = completenessDocument(log.roots(indexSize, 2 * 256 - 1), RARE_COUNT, log.prove(RARE_COUNT, indexSize));
  return [
    refused(
      "an older index, whose entries behind it are left out",
      { ...document, indexCheckpoint: older.indexCheckpoint },
      "ENTRY_MISMATCH",
    ),
    refused("an index that is ahead of the log", ahead, "INDEX_AHEAD_OF_LOG"),
    refused(
      "another index of the same size",
      {
        ...document,
        indexCheckpoint: signIndexCheckpoint(
          { ...index, rootHash: new Uint8Array(32) },
          noteSigner(ORIGIN, SEED, nobleEd25519),
        ),
      },
      "RECORD_MISMATCH",
    ),
    refused(
      "an index signed with another key",
      { ...document, indexCheckpoint: signIndexCheckpoint(index, other) },
      "UNKNOWN_KEY",
    ),
    refused(
      "the log's checkpoint in place of its index's",
      { ...document, indexCheckpoint: document.checkpoint },
      "UNKNOWN_KEY",
    ),
    refused(
      "the index's checkpoint in place of the log's",
      { ...document, checkpoint: document.indexCheckpoint },
      "UNKNOWN_KEY",
    ),
    refused("no checkpoint of the index", { ...document, indexCheckpoint: "" }, "MALFORMED_CHECKPOINT"),
  ];
}
