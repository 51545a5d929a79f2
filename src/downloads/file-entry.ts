import type { AuditService, Download, TreeEntry } from "../audit/service.js";
import type { MembershipProof } from "../core/proof.js";

/** An entry on its way into a file; with its proof, if the file has proofs and the entry can be shown. */
export interface FileEntry {
  readonly outcome: TreeEntry;
  readonly proof?: MembershipProof;
}

type Pages<T> = AsyncIterable<readonly T[]>;

export async function* withoutProofs(pages: Pages<TreeEntry>): AsyncGenerator<readonly FileEntry[]> {
  for await (const page of pages) yield page.map((outcome) => ({ outcome }));
}

/** Each entry's proof in the download's tree, read page by page. Rejects LOG_CORRUPT where there is none that holds. */
export async function* withProofs(
  service: AuditService,
  { log, treeSize }: Download,
  pages: Pages<TreeEntry>,
): AsyncGenerator<readonly FileEntry[]> {
  for await (const page of pages) {
    const leafIndexes = page.flatMap((outcome) => (outcome.kind === "entry" ? [outcome.entry.leafIndex] : []));
    const proofs = (await service.membershipProofs({ log, treeSize, leafIndexes })).values();
    yield page.map((outcome) => (outcome.kind === "entry" ? fileEntry(outcome, proofs.next().value) : { outcome }));
  }
}

function fileEntry(outcome: TreeEntry, proof: MembershipProof | undefined): FileEntry {
  return { outcome, ...(proof !== undefined && { proof }) };
}
