import { parseBase64 } from "../core/bytes.js";
import { openCheckpoint } from "../core/checkpoint.js";
import { verifyFraudProof, type FraudVerdict } from "../core/segment/fraud-proof.js";
import { openIndexCheckpoint } from "../core/segment/index-log.js";
import { invalid, unknown, VALID, type Verdict } from "../core/verdict.js";
import { MAX_PROOF_CHARACTERS, opened, verdictOn } from "../core/verify-completeness.js";
import type { TrustedLog } from "../core/verify.js";
import type { CheckedProof } from "./completeness-check.js";

/** Members of a proof of fraud (docs/format.md, section 8.6), as read: believed in nothing. */
type Head = ReadonlyMap<string, unknown>;

/** Whether a file is an accusation of its log and not evidence of entries and roots. */
export function isAccusation(head: Head): boolean {
  return head.has("proof");
}

/** Checks that the log signed a wrong index. Never throws, whatever the file holds. */
export function checkFraud(log: TrustedLog, head: Head): CheckedProof {
  const root = opened({ checkpoint: head.get("checkpoint") }, (text) => openCheckpoint(text, log.key));
  const index = opened({ checkpoint: head.get("indexCheckpoint") }, (text) =>
    openIndexCheckpoint(text, log.key, log.ed25519),
  );
  const checkpoints = { checkpoint: verdictOn(root), indexCheckpoint: verdictOn(index) };
  const because = (fraud: Verdict): CheckedProof => ({ verdicts: { ...checkpoints, fraud }, words: undefined });
  const text = head.get("proof");
  const isShort = typeof text === "string" && text.length <= MAX_PROOF_CHARACTERS;
  const proof = isShort ? parseBase64(text) : undefined;
  if (proof === undefined) return because(invalid("MALFORMED_PROOF"));
  if (root.kind !== "opened" || index.kind !== "opened") return because(unknown("NO_PROOF"));
  const found = verifyFraudProof({ log: root, index, format: log.format, sha256: log.sha256 }, proof);
  if (found.kind === "NOT_PROVEN") return because(invalid(found.reason));
  return { verdicts: { ...checkpoints, fraud: VALID }, words: wordsOf(found) };
}

function wordsOf({ wrong, segment: { level, number } }: FraudVerdict & { readonly kind: "FRAUD" }): string {
  const what = wrong === "SEGMENT" ? "its entries do not make the segment" : "its record is none of the segment";
  return `this log signed a wrong index: ${what} ${level}/${number}`;
}
