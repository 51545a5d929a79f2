import type { DownloadRequest } from "./service.js";

/** The formats of a downloaded file. */
export const DOWNLOAD_FORMATS = ["CSV", "JSON", "NDJSON", "EVIDENCE"] as const;

export type DownloadFormat = (typeof DOWNLOAD_FORMATS)[number];

/** A link to a file that works without a credential until it expires. */
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
