import type { ReasonCode, Verdict } from "../src/core/verdict.js";
import type { EntryVerdicts } from "../src/verify.js";
import type { History } from "./trust.js";

export type LockColor = "green" | "red" | "grey";

/** One check of an entry, in words. */
export interface Check {
  readonly name: string;
  readonly kind: Verdict["kind"];
  readonly says: string;
  readonly reason: ReasonCode | undefined;
}

const REASONS: Readonly<Partial<Record<ReasonCode, string>>> = {
  HASH_MISMATCH: "the text is not the one that was hashed",
  NOT_CANONICAL: "the text is not an entry in canonical form",
  NO_SIGNATURE: "the author did not sign it",
  INCOMPLETE_SIGNATURE: "it has a signature or a key, but not both",
  MALFORMED_SIGNATURE: "the signature cannot be read",
  MALFORMED_PUBLIC_KEY: "the author's key cannot be read",
  SIGNATURE_MISMATCH: "the signature is not over this event",
  INDEX_OUT_OF_RANGE: "the proof is of another place in the log",
  PROOF_LENGTH: "the proof has too many hashes, or too few",
  MALFORMED_PROOF: "the proof cannot be read",
  ROOT_MISMATCH: "the proof leads to another root",
  MALFORMED_CHECKPOINT: "the checkpoint cannot be read",
  UNKNOWN_KEY: "the trusted key did not sign the checkpoint",
  CHECKPOINT_MISMATCH: "the checkpoint is of another tree",
  NO_PROOF: "the gateway returned no proof",
};

/** The checks of an entry, each for itself. `treeSize` is that of the tree that its proof is in. */
export function checksOf(verdicts: EntryVerdicts, history: History, treeSize: number): readonly Check[] {
  const { hash, signature, membership, checkpoint } = verdicts;
  return [
    check("Hash", hash, "the text is exactly what was hashed"),
    check("Inclusion", membership, "the entry is in the log's tree, at this place"),
    check("Checkpoint", checkpoint, "the log signed that tree"),
    check("Signature", signature, "the author signed the event"),
    historyCheck(history, treeSize),
  ];
}

/** Of an entry that the gateway does not show, because its stored bytes were changed. */
export const DAMAGED: readonly Check[] = [
  {
    name: "Stored bytes",
    kind: "INVALID",
    says: "they no longer match the entry's leaf in the log's tree, so the gateway does not show them",
    reason: undefined,
  },
];

/** Red: something is wrong. Green: all that every entry has was checked; its author need not have signed it. */
export function colorOf(checks: readonly Check[]): LockColor {
  if (checks.some(({ kind }) => kind === "INVALID")) return "red";
  const open = checks.filter(({ kind, reason }) => kind === "UNKNOWN" && reason !== "NO_SIGNATURE");
  return open.length === 0 ? "green" : "grey";
}

const TITLES: Readonly<Record<LockColor, string>> = { green: "Verified", red: "Not verified", grey: "Not checked" };

export function titleOf(color: LockColor): string {
  return TITLES[color];
}

function check(name: string, verdict: Verdict, valid: string): Check {
  if (verdict.kind === "VALID") return { name, kind: "VALID", says: valid, reason: undefined };
  const { kind, reason } = verdict;
  return { name, kind, reason, says: REASONS[reason] ?? reason };
}

function historyCheck(history: History, treeSize: number): Check {
  const [name, reason] = ["History", undefined];
  if (history.kind === "broken") return { name, reason, kind: "INVALID", says: history.why };
  if (history.kind === "unchecked") return { name, reason, kind: "UNKNOWN", says: history.why };
  // What was compared speaks of the entries before it alone.
  if (history.kind === "checking" || history.to.treeSize < treeSize)
    return { name, reason, kind: "UNKNOWN", says: "being checked" };
  return { name, reason, kind: "VALID", says: sentenceOf(history) };
}

/** What the root that this browser remembers proves. */
export function sentenceOf(history: History): string {
  if (history.kind === "checking") return "being checked";
  if (history.kind === "broken" || history.kind === "unchecked") return history.why;
  if (history.kind === "first") return "first visit: from now on this browser remembers the log's root";
  return `the log still holds the ${count(history.from.treeSize)} that this browser saw before`;
}

function count(entries: number): string {
  return entries === 1 ? "one entry" : `${entries.toLocaleString("en")} entries`;
}
