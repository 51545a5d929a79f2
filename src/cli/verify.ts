import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { EntryClaim, RootClaim } from "../core/claim.js";
import type { Verdict } from "../core/verdict.js";
import { verifyEntry, verifyRoot } from "../core/verify.js";
import { DocumentError, readDocument, type VerifyDocument } from "./verify-document.js";

export const HOLDS = 0;
export const DOES_NOT_HOLD = 1;
export const UNREADABLE = 2;

/** One check of one thing. */
interface Check {
  readonly subject: string;
  readonly name: string;
  readonly verdict: Verdict;
  /** Whether the thing counts as verified without this: a signature or an older root need not be there. */
  readonly optional: boolean;
}

/**
 * Checks every entry and root of a document and writes one line for each check. Answers the exit code: HOLDS, if nothing
 * is INVALID and everything that had to be checked was; DOES_NOT_HOLD; or UNREADABLE. `-` reads standard input.
 */
export async function verifyFile(file: string, write: (line: string) => void): Promise<number> {
  try {
    const checks = verifyDocument(readDocument(await contentOf(file)));
    for (const check of checks) write(line(check));
    return summary(checks, write);
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    write(`cannot verify ${file}: ${error.message}`);
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
  const checkpoints = new Map(roots.map((root) => [root.treeSize, root.checkpoint ?? null]));
  return [
    ...entries.flatMap((entry) =>
      entryChecks(entry, verifyEntry(log, { checkpoint: checkpointOf(entry, checkpoints), ...entry })),
    ),
    ...roots.flatMap((root) => rootChecks(root, verifyRoot(log, root))),
  ];
}

/** An entry's proof leads to the root of some size; that root's checkpoint is among the document's roots. */
function checkpointOf({ membershipProof }: EntryClaim, checkpoints: ReadonlyMap<number, string | null>): string | null {
  return membershipProof ? (checkpoints.get(membershipProof.treeSize) ?? null) : null;
}

function entryChecks({ leafIndex }: EntryClaim, verdicts: ReturnType<typeof verifyEntry>): readonly Check[] {
  return checksOf(`entry ${leafIndex}`, { ...verdicts }, "signature");
}

function rootChecks({ treeSize }: RootClaim, verdicts: ReturnType<typeof verifyRoot>): readonly Check[] {
  return checksOf(`root ${treeSize}`, { ...verdicts }, "consistency");
}

function checksOf(subject: string, verdicts: Readonly<Record<string, Verdict>>, optional: string): readonly Check[] {
  return Object.entries(verdicts).map(([name, verdict]) => ({ subject, name, verdict, optional: name === optional }));
}

function line({ subject, name, verdict }: Check): string {
  const reason = verdict.kind === "VALID" ? "" : ` ${verdict.reason}`;
  return `${verdict.kind.padEnd(7)} ${subject} ${name}${reason}`;
}

function summary(checks: readonly Check[], write: (line: string) => void): number {
  const count = (kind: Verdict["kind"]) => checks.filter(({ verdict }) => verdict.kind === kind).length;
  const failed = checks.some(
    ({ verdict, optional }) => verdict.kind === "INVALID" || (verdict.kind === "UNKNOWN" && !optional),
  );
  const holds = !failed && checks.length > 0;
  write(
    `${holds ? "holds" : "DOES NOT HOLD"}: ${count("VALID")} valid, ${count("UNKNOWN")} unknown, ${count("INVALID")} invalid`,
  );
  return holds ? HOLDS : DOES_NOT_HOLD;
}
