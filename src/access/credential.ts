import type { Principal } from "../audit/principal.js";

/** Why somebody is not let in. Told to the client, so no reason helps to guess a credential. */
export type Refusal =
  | "missing" // no credential came
  | "malformed" // an Authorization header that is not `Bearer <credential>`
  | "damaged" // an API key of which a part is missing or changed; its checksum is no secret
  | "expired" // a credential that was good; only its holder can have made the gateway say so
  | "wrong" // any other: unknown, revoked, forged, for somebody else
  | "host"; // a gateway without credentials, asked by another name than this machine's own

/** What a credential turned out to be. */
export type CredentialOutcome =
  | { readonly kind: "principal"; readonly principal: Principal }
  | { readonly kind: "refused"; readonly reason: Refusal };

export function refused(reason: Refusal): CredentialOutcome {
  return { kind: "refused", reason };
}

/** A principal, if its credential is still good at a time in milliseconds since the epoch. */
export function unexpired(principal: Principal, nowMs: number): CredentialOutcome {
  const expired = principal.expiresAtMs !== undefined && nowMs >= principal.expiresAtMs;
  return expired ? refused("expired") : { kind: "principal", principal };
}
