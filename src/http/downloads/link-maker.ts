import { timeText } from "../../audit/clock.js";
import type { DownloadLink, MakeLink } from "../../audit/download-link.js";
import { sealLink } from "../../downloads/link.js";
import type { TokenSealer } from "../../keys/sealed-token.js";
import type { Caller } from "../admission.js";

/** Where links lead. */
export const DOWNLOADS_PATH = "/downloads/";
/** Long enough to click on it or to pass it to a program; short enough to leave in a history. */
const LINK_TTL_MS = 15 * 60 * 1_000;

export interface LinkMakerOptions {
  readonly sealer: TokenSealer;
  /** Where clients find this gateway, without a trailing slash; empty: links are relative to where they asked. */
  readonly baseUrl: () => string;
}

/** Makes links for callers. Each rejects as AuditService.download does, for what it would not open. */
export function linkMaker({ sealer, baseUrl }: LinkMakerOptions): (caller: Caller) => MakeLink {
  return ({ principal, service }) =>
    async ({ id, everyMatch, format }): Promise<DownloadLink> => {
      const download = await service.download({ id, everyMatch });
      const expiresAtMs = Math.min(Date.now() + LINK_TTL_MS, download.expiresAtMs, principal.expiresAtMs ?? Infinity);
      const token = sealLink(sealer, { principal, id, everyMatch, format, expiresAtMs });
      return { url: `${baseUrl()}${DOWNLOADS_PATH}${token}`, format, expiresAt: timeText(expiresAtMs * 1_000) };
    };
}
