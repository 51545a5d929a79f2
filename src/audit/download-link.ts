import type { DownloadRequest } from "./service.js";

/** What a file can be written as. */
export type DownloadFormat = "CSV" | "JSON" | "NDJSON" | "EVIDENCE";

/** Where to get a file without a credential, for a while. */
export interface DownloadLink {
  readonly url: string;
  readonly format: DownloadFormat;
  /** RFC 3339 UTC. */
  readonly expiresAt: string;
}

/** Makes a link for one caller. */
export type MakeLink = (
  request: Pick<DownloadRequest, "id" | "everyMatch"> & { readonly format: DownloadFormat },
) => Promise<DownloadLink>;
