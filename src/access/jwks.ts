import { createLocalJWKSet, errors, type JWTVerifyGetKey, type JSONWebKeySet } from "jose";
import { AuditError } from "../audit/errors.js";
import { FetchedKeys } from "./fetched-keys.js";
import { isLoopback } from "../audit/principal.js";
import { WatchedFile } from "./watched-file.js";

/** Where an issuer's public keys are. */
export interface IssuerKeys {
  /** Rejects with AuditError UNAVAILABLE when the keys cannot be fetched, with a JOSEError when none of them fits. */
  readonly find: JWTVerifyGetKey;
  /** Rejects when the keys cannot be used; a URL is only fetched when a token comes. */
  check(): Promise<void>;
}

/**
 * Opens a JSON Web Key Set (RFC 7517 section 5) at a file path or a URL. `warn` is told when an issuer's keys could not be
 * fetched. Throws an Error on a URL that others could answer in the issuer's place: it must be https, or http to this machine.
 */
export function openIssuerKeys(place: string, warn: (message: string) => void): IssuerKeys {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(place) ? keysAtUrl(new URL(place), warn) : keysInFile(place);
}

function keysAtUrl(url: URL, warn: (message: string) => void): IssuerKeys {
  const safe = url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
  if (!safe) throw new Error(`the JWKS URL must be https, or http to this machine: got ${url.origin}`);
  const keys = new FetchedKeys(url, warn);
  return { find: orUnavailable((header, token) => keys.find(header, token)), check: () => Promise.resolve() };
}

function keysInFile(path: string): IssuerKeys {
  const file = new WatchedFile(path, (text) => createLocalJWKSet(JSON.parse(text) as JSONWebKeySet));
  return {
    find: orUnavailable(async (header, token) => (await file.current())(header, token)),
    async check() {
      await file.current();
    },
  };
}

/** Distinguishes a missing key, which is the token's fault, from an unreachable issuer. */
function orUnavailable(find: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await find(header, token);
    } catch (error) {
      const tokensFault =
        error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JWKSMultipleMatchingKeys ||
        error instanceof errors.JOSENotSupported;
      if (tokensFault || error instanceof AuditError) throw error;
      throw new AuditError("UNAVAILABLE", "Credentials cannot be checked now: try again.", { cause: error });
    }
  };
}
