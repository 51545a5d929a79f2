import { AuditError } from "../audit/errors.js";
import { LOOPBACK, hostOf, isLoopback } from "../audit/principal.js";
import { apiKeyIdIn, readApiKey } from "./api-key.js";
import { refused, type CredentialOutcome, type Refusal } from "./credential.js";
import type { JwtVerifier } from "./jwt.js";
import { PRINCIPAL_PREFIX, type KeySet } from "./key-set.js";
import type { WatchedFile } from "./watched-file.js";

/**
 * How a gateway authenticates. `open` is for one that listens on loopback only; `required` applies to every request.
 */
export type Access =
  | { readonly kind: "open" }
  | { readonly kind: "required"; readonly keys?: WatchedFile<KeySet>; readonly jwt?: JwtVerifier };

/** The headers that authentication reads, as Node gives them. */
export interface CredentialHeaders {
  readonly authorization?: string | undefined;
  readonly host?: string | undefined;
}

/** RFC 6750 section 2.1; the scheme in any case (RFC 9110 section 11.1). */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;
const MAX_CREDENTIAL_CHARACTERS = 8_192;

/**
 * Identifies the sender of a request, at a time in milliseconds since the epoch. Rejects with AuditError UNAVAILABLE
 * only.
 */
export async function authenticate(
  headers: CredentialHeaders,
  access: Access,
  nowMs: number,
): Promise<CredentialOutcome> {
  if (access.kind === "open") return loopback(headers);
  const { authorization = "" } = headers;
  if (authorization === "") return refused("missing");
  const [, credential] = BEARER.exec(authorization) ?? [];
  if (credential === undefined || credential.length > MAX_CREDENTIAL_CHARACTERS) return refused("malformed");
  const read = readApiKey(credential);
  if (read.kind === "damaged") return refused("damaged");
  if (read.kind === "other") return (await access.jwt?.identify(credential, nowMs)) ?? refused("wrong");
  return (await access.keys?.current())?.identify(read.key, nowMs) ?? refused("wrong");
}

/** The API key that a request presents, as its principal's id: what it claims, which is not proven. */
export function presentedKey({ authorization = "" }: CredentialHeaders): string | undefined {
  const [, credential = ""] = BEARER.exec(authorization) ?? [];
  const id = apiKeyIdIn(credential);
  return id === undefined ? undefined : PRINCIPAL_PREFIX + id;
}

/**
 * A web page can make a browser on this machine send requests to this gateway under the page's own name, by pointing
 * that name at 127.0.0.1 (DNS rebinding), and read the responses. It cannot forge the Host header, so only this
 * machine's own names are served.
 */
function loopback({ host = "" }: CredentialHeaders): CredentialOutcome {
  return isLoopback(hostOf(host)) ? { kind: "principal", principal: LOOPBACK } : refused("host");
}

const SENTENCES: Readonly<Record<Refusal, string>> = {
  missing: "this gateway asks for a credential: send the header Authorization: Bearer <API key or JSON Web Token>",
  malformed: "the Authorization header is not of the form Bearer <API key or JSON Web Token>",
  damaged: "the API key is damaged: a part of it is missing or changed, so copy it again",
  expired: "the credential has expired: get a new one",
  wrong: "the credential is not accepted",
  host: "a gateway without authentication answers to localhost, 127.0.0.1 and [::1] only",
};

/** The error that a door responds with. */
export function unauthenticated(reason: Refusal): AuditError {
  return new AuditError("UNAUTHENTICATED", SENTENCES[reason]);
}

/** The value of the header WWW-Authenticate for a refusal (RFC 6750 section 3). */
export function challenge(reason: Refusal): string {
  if (reason === "missing" || reason === "host") return 'Bearer realm="auditql"';
  const error = reason === "malformed" ? "invalid_request" : "invalid_token";
  return `Bearer realm="auditql", error="${error}", error_description="${SENTENCES[reason]}"`;
}
