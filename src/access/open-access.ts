import { AuditError } from "../audit/errors.js";
import type { Access } from "./authenticate.js";
import { JwtVerifier, type JwtSettings } from "./jwt.js";
import { parseKeySet } from "./key-set.js";
import { isLoopback } from "./loopback.js";
import { WatchedFile } from "./watched-file.js";

export interface AccessSettings {
  /** The address that the gateway listens on. */
  readonly host: string;
  /** Path of the API key file. */
  readonly apiKeys?: string;
  readonly jwt?: JwtSettings;
}

/**
 * Decides at start how people are let in. Rejects with an Error that says what to set, when the gateway would be open to
 * other machines, and when what decides who is let in cannot be read.
 */
export async function openAccess({ host, apiKeys, jwt }: AccessSettings): Promise<Access> {
  if (apiKeys === undefined && jwt === undefined) return withoutCredentials(host);
  const keys = apiKeys === undefined ? undefined : new WatchedFile(apiKeys, parseKeySet);
  const verifier = jwt === undefined ? undefined : new JwtVerifier(jwt);
  await readable(apiKeys, keys?.current());
  await readable(jwt?.jwks, verifier?.check());
  return { kind: "required", ...(keys && { keys }), ...(verifier && { jwt: verifier }) };
}

function withoutCredentials(host: string): Access {
  if (isLoopback(host)) return { kind: "open" };
  throw new Error(
    `refusing to listen on ${host} without authentication: set AUDITQL_API_KEYS to a key file ` +
      "(auditql key create makes one), or AUDITQL_JWT_JWKS, AUDITQL_JWT_ISSUER and AUDITQL_JWT_AUDIENCE; " +
      "or set AUDITQL_HOST=127.0.0.1 to serve this machine only",
  );
}

/** What clients are not told, the operator must be. */
async function readable(place: string | undefined, read: Promise<unknown> | undefined): Promise<void> {
  try {
    await read;
  } catch (error) {
    const reason = error instanceof AuditError ? error.cause : error;
    throw new Error(`${place ?? ""} cannot decide who is let in: ${String(reason)}`, { cause: error });
  }
}

/** One sentence for the banner: who is let in. */
export function accessSentence(access: Access): string {
  if (access.kind === "open") return "no authentication: whoever is on this machine may log and read everything";
  const ways = [access.keys && "API keys", access.jwt && "JSON Web Tokens"].filter((way) => way !== undefined);
  return `authentication by ${ways.join(" and ")}`;
}
