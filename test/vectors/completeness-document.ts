import { noteSigner, noteVerifier, openCheckpoint, signCheckpoint } from "../../src/core/checkpoint.js";
import { logFormat, type FormatName } from "../../src/core/format.js";
import type { Answer, Question } from "../../src/core/segment/answer.js";
import { openIndexCheckpoint, signIndexCheckpoint } from "../../src/core/segment/index-log.js";
import { questionText, readQuestion } from "../../src/core/segment/question.js";
import { verifyAnswer, type SignedRoots } from "../../src/core/segment/verify-answer.js";
import { publicKeyPem } from "../../src/core/signature.js";
import { nodeEd25519, nodeSha256 } from "../../src/keys/node-crypto.js";
import { ORIGIN, PUBLIC_KEY, SEED } from "./document.js";

/** What a verifier of completeness is given: the log as known from elsewhere, and what a server answered. */
export interface CompletenessDocument {
  readonly format: FormatName;
  readonly origin: string;
  readonly publicKey: string;
  /** Of the log. */
  readonly checkpoint: string;
  readonly indexCheckpoint: string;
  readonly question: string;
  readonly answer: Answer;
  /** Base64. */
  readonly proof: string;
}

export interface Claim {
  readonly answer: Answer;
  readonly proof: Uint8Array;
}

const ED25519 = nodeEd25519();
const SIGNER = noteSigner(ORIGIN, SEED, ED25519);
const VERIFIER = noteVerifier(ORIGIN, PUBLIC_KEY, ED25519);

/** Signs the roots, and writes all down. */
export function completenessDocument(roots: SignedRoots, question: Question, claim: Claim): CompletenessDocument {
  return {
    ...{ format: roots.format.name, origin: ORIGIN, publicKey: publicKeyPem(PUBLIC_KEY) },
    checkpoint: signCheckpoint({ ...roots.log, origin: ORIGIN }, SIGNER),
    indexCheckpoint: signIndexCheckpoint(roots.index, SIGNER),
    question: questionText(question),
    answer: claim.answer,
    proof: Buffer.from(claim.proof).toString("base64"),
  };
}

/** What core says of it: VALID, or INVALID and the reason. */
export function completenessVerdict(document: CompletenessDocument): string {
  const log = openCheckpoint(document.checkpoint, VERIFIER);
  if (log.kind === "rejected") return `INVALID ${log.reason}`;
  const index = openIndexCheckpoint(document.indexCheckpoint, VERIFIER, ED25519);
  if (index.kind === "rejected") return `INVALID ${index.reason}`;
  const question = readQuestion(document.question, document.format);
  if (question === undefined) return "INVALID MALFORMED_QUESTION";
  const proof = Uint8Array.from(Buffer.from(document.proof, "base64"));
  const roots = { log, index, format: logFormat(document.format, nodeSha256), sha256: nodeSha256 };
  const verdict = verifyAnswer(roots, question, { answer: document.answer, proof });
  return verdict.kind === "COMPLETE" ? "VALID" : `INVALID ${verdict.reason}`;
}
