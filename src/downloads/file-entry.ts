import type { EntryProof } from "../audit/proofs.js";
import type { AuditService, Download, TreeEntry } from "../audit/service.js";

/** An entry to be written to a file, with its proof if the file has proofs and the entry can be shown. */
export interface FileEntry {
  readonly outcome: TreeEntry;
  readonly proof?: EntryProof;
}

type Pages<T> = AsyncIterable<readonly T[]>;

export async function* withoutProofs(pages: Pages<TreeEntry>): AsyncGenerator<readonly FileEntry[]> {
  for await (const page of pages) yield page.map((outcome) => ({ outcome }));
}

/**
 * Adds each entry's proof in the download's tree, page by page. Rejects with LOG_CORRUPT when there is no valid one.
 */
export async function* withProofs(
  service: AuditService,
  { log, treeSize }: Download,
  pages: Pages<TreeEntry>,
): AsyncGenerator<readonly FileEntry[]> {
  for await (const page of pages) {
    const entries = page.flatMap((outcome) => (outcome.kind === "entry" ? [outcome.entry] : []));
    const [leafIndexes, hashes] = [entries.map(({ leafIndex }) => leafIndex), entries.map(({ hash }) => hash)];
    const proofs = (await service.membershipProofs({ log, treeSize, leafIndexes, hashes })).values();
    yield page.map((outcome) => (outcome.kind === "entry" ? fileEntry(outcome, proofs.next().value) : { outcome }));
  }
}

function fileEntry(outcome: TreeEntry, proof: EntryProof | undefined): FileEntry {
  return { outcome, ...(proof !== undefined && { proof }) };
}
