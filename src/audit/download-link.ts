/** What a file can be written as. */
export const DOWNLOAD_FORMATS = ["CSV", "JSON", "NDJSON"] as const;

export type DownloadFormat = (typeof DOWNLOAD_FORMATS)[number];

/** Where to get a file without a credential, for a while. */
export interface DownloadLink {
  readonly url: string;
  readonly format: DownloadFormat;
  /** RFC 3339 UTC. */
  readonly expiresAt: string;
}
