import { AuditError } from "../audit/errors.js";
import { AccessError } from "./access-error.js";
import type { Access } from "./authenticate.js";
import { JwtVerifier, type JwtSettings } from "./jwt.js";
import { parseKeySet } from "./key-set.js";
import { isLoopback } from "../audit/principal.js";
import { WatchedFile } from "./watched-file.js";

export interface AccessSettings {
  /** The address that the gateway listens on. */
  readonly host: string;
  /** Path of the API key file. */
  readonly apiKeys?: string | undefined;
  readonly jwt?: JwtSettings | undefined;
  /** Called when the issuer's keys could not be fetched. */
  readonly warn?: (message: string) => void;
}

/**
 * Decides at start how requests are authenticated. Rejects with an AccessError that says what to do, when the gateway
 * would be open to other machines, or when keys or issuer cannot be read.
 */
export async function openAccess({ host, apiKeys, jwt, warn }: AccessSettings): Promise<Access> {
  if (apiKeys === undefined && jwt === undefined) return withoutCredentials(host);
  const keys = apiKeys === undefined ? undefined : new WatchedFile(apiKeys, parseKeySet);
  if (keys !== undefined) await readable(`AUDITQL_API_KEYS: ${keys.path}`, () => keys.current());
  const verifier = jwt && (await readable(`AUDITQL_JWT_JWKS: ${jwt.jwks}`, () => openVerifier(jwt, warn)));
  return { kind: "required", ...(keys && { keys }), ...(verifier && { jwt: verifier }) };
}

/**
 * The access of a gateway on this host without credentials. Throws an AccessError unless only this machine reaches it.
 */
export function withoutCredentials(host: string): Access {
  if (isLoopback(host)) return { kind: "open" };
  throw new AccessError(
    `refusing to listen on ${host} without authentication: set AUDITQL_API_KEYS to a key file ` +
      "(auditql key create makes one), or AUDITQL_JWT_JWKS, AUDITQL_JWT_ISSUER and AUDITQL_JWT_AUDIENCE; " +
      "or set AUDITQL_HOST=127.0.0.1 to serve this machine only",
  );
}

async function openVerifier(settings: JwtSettings, warn: AccessSettings["warn"]): Promise<JwtVerifier> {
  const verifier = new JwtVerifier(settings, warn);
  await verifier.check();
  return verifier;
}

/** Clients do not see the reason, but the operator must. */
async function readable<T>(place: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const reason = error instanceof AuditError ? error.cause : error;
    throw new AccessError(`${place} cannot decide who is let in: ${String(reason)}`, { cause: error });
  }
}

/** A sentence for the banner: whom the gateway admits. */
export function accessSentence(access: Access): string {
  if (access.kind === "open") return "no authentication: anyone on this machine may log and read everything";
  const ways = [access.keys && "API keys", access.jwt && "JSON Web Tokens"].filter((way) => way !== undefined);
  return `authentication by ${ways.join(" and ")}`;
}
