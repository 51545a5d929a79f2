const SCHEME = /^pangea\+(?=https?:\/\/)/;
/** A domain such as `aws.us.pangea.cloud`, whose audit service is `audit.` before it. */
const DOMAIN = /^pangea:([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)$/i;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** How it is written in AUDITQL_STORE. */
export const PANGEA_SPELLING = "pangea+https://… or pangea:DOMAIN";

/**
 * The base URL in `pangea+https://host/path`, or of the audit service of `pangea:aws.us.pangea.cloud`. Undefined for any
 * other text, for a URL with a password, query or fragment, and for http beyond this machine: it would show the token.
 */
export function pangeaUrl(text: string): string | undefined {
  const domain = DOMAIN.exec(text)?.[1];
  const url = domain === undefined ? text.replace(SCHEME, "") : `https://audit.${domain}`;
  if ((domain === undefined && url === text) || !URL.canParse(url)) return undefined;
  const { protocol, hostname, username, password, search, hash, href } = new URL(url);
  const isPlain = username === "" && password === "" && search === "" && hash === "";
  return isPlain && (protocol === "https:" || LOOPBACK.test(hostname)) ? href : undefined;
}
