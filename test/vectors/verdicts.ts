import type { EntryClaim, RootClaim } from "../../src/core/claim.js";
import { verifyEntry, verifyRoot, type TrustedLog } from "../../src/core/verify.js";
import type { Verdict } from "../../src/core/verdict.js";

/** What core says of every check, in the order of the document: `entries[0] membership INVALID PROOF_LENGTH`. */
export function verdictsOf(
  log: TrustedLog,
  { entries, roots }: { readonly entries: readonly EntryClaim[]; readonly roots: readonly RootClaim[] },
): readonly string[] {
  return [
    ...entries.flatMap((entry, i) => lines(`entries[${i}]`, entryVerdicts(log, roots, entry))),
    ...roots.flatMap((root, i) => lines(`roots[${i}]`, verifyRoot(log, root))),
  ];
}

/** An entry's checkpoint is that of the document's root of the size its proof is for. */
function entryVerdicts(log: TrustedLog, roots: readonly RootClaim[], entry: EntryClaim): object {
  const root = roots.find(({ treeSize }) => treeSize === entry.membershipProof?.treeSize);
  return verifyEntry(log, { ...entry, checkpoint: root?.checkpoint ?? null });
}

function lines(subject: string, verdicts: object): readonly string[] {
  return Object.entries(verdicts as Record<string, Verdict>).map(([check, verdict]) => {
    const reason = verdict.kind === "VALID" ? "" : ` ${verdict.reason}`;
    return `${subject} ${check} ${verdict.kind}${reason}`;
  });
}
