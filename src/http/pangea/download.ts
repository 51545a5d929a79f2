import { openRequest } from "./accepted.js";
import type { Ask, Outcome } from "./endpoint.js";
import { downloadBody, type DownloadBody } from "./requests.js";
import { openSearch } from "./search-id.js";
import { InvalidRequest } from "./status.js";

const FORMATS = { csv: "CSV", json: "JSON" } as const;

/** POST /v1/download_results: a link to the file of a search, or of an export. */
export async function serveDownload(ask: Ask): Promise<Outcome> {
  const body = downloadBody(ask.body);
  const { format = "csv" } = body;
  const { url, expiresAt } = await ask.downloadLink({ ...resultOf(ask, body), format: FORMATS[format] });
  const result = { dest_url: new URL(url, ask.baseUrl).href, expires_at: expiresAt };
  return { kind: "success", summary: "The file is at dest_url", result };
}

/** An export has every entry of its window; a search as many as it may. */
function resultOf(ask: Ask, body: DownloadBody): { readonly id: string; readonly everyMatch: boolean } {
  const { result_id: resultId, request_id: requestId, assert_search_restriction: asserted } = body;
  if (requestId === undefined) {
    if (resultId === undefined) throw wrongId("MustProvideOne", "", "neither");
    return { id: openSearch(ask.shared.sealer, { id: resultId, path: "result_id", asserted }).id, everyMatch: false };
  }
  if (resultId !== undefined) throw wrongId("MutuallyExclusive", "", "both");
  const accepted = openRequest(ask, requestId);
  if (accepted.kind !== "export") throw wrongId("BadFormat", "/request_id", "the id of a request that logged");
  return { id: accepted.id, everyMatch: true };
}

function wrongId(code: string, source: string, got: string): InvalidRequest {
  const detail = `expected the result_id of a search or the request_id of an export, got ${got}`;
  return new InvalidRequest([{ code, detail, source }]);
}
