import { parseBase64 } from "./bytes.js";
import { openCheckpoint, type OpenedCheckpoint } from "./checkpoint.js";
import type { Unread } from "./claim.js";
import { isPlainObject } from "./json.js";
import type { Answer, Question } from "./segment/answer.js";
import { openIndexCheckpoint } from "./segment/index-log.js";
import { MAX_PROOF_BYTES } from "./segment/proof-document.js";
import { readQuestion } from "./segment/question.js";
import { verifyAnswer } from "./segment/verify-answer.js";
import { isTreeSize } from "./tree.js";
import { invalid, unknown, VALID, type Verdict } from "./verdict.js";
import type { TrustedLog } from "./verify.js";

/** A proof of completeness as the API returns it. */
export interface CompletenessClaim {
  readonly question: string;
  readonly root: { readonly checkpoint: string };
  readonly index: { readonly checkpoint: string };
  /** Base64. */
  readonly proof: string;
}

/** What a page showed, in its order, or the count of a result. */
export type ShownAnswer = { readonly leafIndexes: readonly number[] } | { readonly totalCount: number };

export interface CompletenessVerdicts {
  /** The log signed the root that the proof is about. */
  readonly checkpoint: Verdict;
  /** The log signed the root of the index that the proof leads to. */
  readonly indexCheckpoint: Verdict;
  /** Under these two roots, what was shown is all that the question finds. UNKNOWN where one of them is not signed. */
  readonly completeness: Verdict;
  /** What was asked, for the caller to compare with what it asked; undefined where the claim has none. */
  readonly question: Question | undefined;
  /** The tree that was searched; undefined where the log did not sign it. */
  readonly treeSize: number | undefined;
}

/** The maximum characters of a proof as base64. */
export const MAX_PROOF_CHARACTERS = 4 * Math.ceil(MAX_PROOF_BYTES / 3);

/**
 * Checks that a page of a search, or a count, leaves nothing out. That the entries of the page are those leaves is what
 * `verifyEntry` checks: each must be a member of the same root. Never throws, whatever the claim holds.
 */
export function verifyCompleteness(
  log: TrustedLog,
  claim: Unread<CompletenessClaim>,
  shown: ShownAnswer,
): CompletenessVerdicts {
  const root = opened(claim.root, (text) => openCheckpoint(text, log.key));
  const index = opened(claim.index, (text) => openIndexCheckpoint(text, log.key, log.ed25519));
  const question = typeof claim.question === "string" ? readQuestion(claim.question, log.format.name) : undefined;
  const treeSize = root.kind === "opened" ? root.treeSize : undefined;
  const verdicts = { checkpoint: verdictOn(root), indexCheckpoint: verdictOn(index), question, treeSize };
  const proof = isShortText(claim.proof) ? parseBase64(claim.proof) : undefined;
  if (claim.proof === undefined || claim.proof === null) return { ...verdicts, completeness: unknown("NO_PROOF") };
  if (question === undefined) return { ...verdicts, completeness: invalid("MALFORMED_QUESTION") };
  if (proof === undefined) return { ...verdicts, completeness: invalid("MALFORMED_PROOF") };
  if (root.kind !== "opened" || index.kind !== "opened") return { ...verdicts, completeness: unknown("NO_PROOF") };
  const answer = answerOf(question, shown);
  if (answer === undefined) return { ...verdicts, completeness: invalid("ANSWER_MISMATCH") };
  const found = verifyAnswer({ log: root, index, format: log.format, sha256: log.sha256 }, question, { answer, proof });
  return { ...verdicts, completeness: found.kind === "COMPLETE" ? VALID : invalid(found.reason) };
}

export type Opened = OpenedCheckpoint | { readonly kind: "missing" };

/** Opens the checkpoint in a member of a claim. */
export function opened(root: unknown, open: (text: string) => OpenedCheckpoint): Opened {
  const checkpoint = isPlainObject(root) ? root["checkpoint"] : undefined;
  if (checkpoint === undefined || checkpoint === null) return { kind: "missing" };
  return typeof checkpoint === "string" ? open(checkpoint) : { kind: "rejected", reason: "MALFORMED_CHECKPOINT" };
}

export function verdictOn(root: Opened): Verdict {
  if (root.kind === "missing") return unknown("NO_PROOF");
  return root.kind === "opened" ? VALID : invalid(root.reason);
}

function isShortText(proof: unknown): proof is string {
  return typeof proof === "string" && proof.length <= MAX_PROOF_CHARACTERS;
}

/** A page from the end of a result is proven in the other direction than it is shown in; either way its leaves rise or fall. */
function answerOf({ wanted, descending }: Question, shown: ShownAnswer): Answer | undefined {
  if ("totalCount" in shown) {
    const { totalCount: count } = shown;
    if (wanted.kind !== "count" || !isTreeSize(count)) return undefined;
    return { kind: "count", count, isExact: wanted.cap === undefined || count < wanted.cap };
  }
  if (wanted.kind !== "page") return undefined;
  const [first = 0, second = first] = shown.leafIndexes;
  const isAsAsked = first === second || first > second === descending;
  return { kind: "page", leaves: isAsAsked ? shown.leafIndexes : [...shown.leafIndexes].reverse() };
}
