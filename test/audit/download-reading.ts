import type { AuditService, DownloadRequest, EntryOutcome, SearchRequest } from "../../src/audit/service.js";

export const UNSTOPPED = new AbortController().signal;

/** Everything that the pages of a download hold, one after the other. */
export async function downloaded(service: AuditService, request: DownloadRequest): Promise<readonly EntryOutcome[]> {
  const download = await service.download(request);
  const outcomes: EntryOutcome[] = [];
  for await (const page of download.pages(UNSTOPPED)) outcomes.push(...page);
  return outcomes;
}

/** A search, and everything that a download of its result holds. */
export async function downloadedSearch(
  service: AuditService,
  search: SearchRequest,
  everyMatch = false,
): Promise<readonly EntryOutcome[]> {
  const { result } = await service.search(search, { first: 0 });
  return downloaded(service, { id: result.id, everyMatch });
}
