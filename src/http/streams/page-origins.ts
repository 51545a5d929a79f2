import type { IncomingHttpHeaders } from "node:http";
import { EVERY_ORIGIN } from "../cors.js";

/** Whether the page that sent these headers, if it was a page, may open a WebSocket here. */
export type AdmitPage = (headers: IncomingHttpHeaders) => boolean;

/**
 * A browser opens a WebSocket to any server for any page, without asking (RFC 6455 section 10.2): what CORS does for
 * requests is for the server to do. The gateway's own pages are let in, by the host they asked for or by the public URL
 * where a proxy has changed that, and those of the listed origins. Programs send no Origin.
 */
export function pageOrigins(origins: readonly string[], publicUrl: string | undefined): AdmitPage {
  const listed = new Set(publicUrl === undefined ? origins : [...origins, new URL(publicUrl).origin]);
  return ({ origin, host }) =>
    origin === undefined || listed.has(EVERY_ORIGIN) || listed.has(origin) || hostOf(origin) === host;
}

/** With its port, if that is not the scheme's own; the empty text for a page without an origin, such as a file. */
function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : "";
}
