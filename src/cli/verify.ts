import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { EntryClaim, RootClaim } from "../core/claim.js";
import type { Verdict } from "../core/verdict.js";
import { verifyEntry, verifyRoot } from "../core/verify.js";
import { DocumentError, readDocument, type VerifyDocument } from "./verify-document.js";

export const HOLDS = 0;
export const DOES_NOT_HOLD = 1;
export const UNREADABLE = 2;

/** Where the outcome goes: `line` for each check, which a script may read; `note` for people. */
export interface VerifyOutput {
  readonly line: (text: string) => void;
  readonly note: (text: string) => void;
}

/** One check of one thing. */
interface Check {
  readonly subject: string;
  readonly name: string;
  readonly verdict: Verdict;
  /** Whether the thing counts as verified without this: a signature or an older root need not be there. */
  readonly optional: boolean;
}

/**
 * Checks every entry and root of a document, one line for each check. Answers the exit code: HOLDS, if nothing is INVALID
 * and everything that had to be checked was; DOES_NOT_HOLD; or UNREADABLE. `-` reads standard input.
 */
export async function verifyFile(file: string, output: VerifyOutput): Promise<number> {
  try {
    const checks = verifyDocument(readDocument(await contentOf(file)));
    for (const check of checks) output.line(line(check));
    return summary(checks, output);
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    output.note(`cannot verify ${file}: ${error.message}`);
    return UNREADABLE;
  }
}

async function contentOf(file: string): Promise<string> {
  if (file === "-") return text(process.stdin);
  return readFile(file, "utf8").catch((error: unknown) => {
    throw new DocumentError(error instanceof Error ? error.message : String(error));
  });
}

function verifyDocument({ log, entries, roots }: VerifyDocument): readonly Check[] {
  const verifiedEntries = entries.map((entry) =>
    verifyEntry(log, { checkpoint: checkpointOf(entry, roots), ...entry }),
  );
  const verifiedRoots = roots.map((root) => verifyRoot(log, root));
  return [
    ...verifiedEntries.flatMap((verdicts, i) => checksOf(`entries[${i}]`, { ...verdicts }, "signature")),
    ...verifiedRoots.flatMap((verdicts, i) => checksOf(`roots[${i}]`, { ...verdicts }, "consistency")),
  ];
}

/** An entry's proof leads to the root of some size; that root's checkpoint is among the document's roots. */
function checkpointOf({ membershipProof }: EntryClaim, roots: readonly RootClaim[]): string | null {
  return roots.find(({ treeSize }) => treeSize === membershipProof?.treeSize)?.checkpoint ?? null;
}

function checksOf(subject: string, verdicts: Readonly<Record<string, Verdict>>, optional: string): readonly Check[] {
  return Object.entries(verdicts).map(([name, verdict]) => ({ subject, name, verdict, optional: name === optional }));
}

function line({ subject, name, verdict }: Check): string {
  const outcome = verdict.kind === "VALID" ? verdict.kind : `${verdict.kind} ${verdict.reason}`;
  return `${subject} ${name} ${outcome}`;
}

function summary(checks: readonly Check[], { note }: VerifyOutput): number {
  const count = (kind: Verdict["kind"]) => checks.filter(({ verdict }) => verdict.kind === kind).length;
  const holds = checks.every(
    ({ verdict, optional }) => verdict.kind === "VALID" || (verdict.kind === "UNKNOWN" && optional),
  );
  const counts = `${count("VALID")} valid, ${count("UNKNOWN")} unknown, ${count("INVALID")} invalid`;
  note(`${holds ? "holds" : "DOES NOT HOLD"}: ${counts}`);
  return holds ? HOLDS : DOES_NOT_HOLD;
}
