import type { Principal } from "../audit/principal.js";

/** Why a request is refused. Shown to the client, so no reason helps to guess a credential. */
export type Refusal =
  | "missing" // no credential came
  | "malformed" // an Authorization header that is not `Bearer <credential>`
  | "damaged" // an API key with a part missing or changed; its checksum is not secret
  | "expired" // a credential that was valid; only its holder can cause this answer
  | "wrong" // anything else: unknown, revoked, forged, for another audience
  | "host"; // a gateway without credentials was addressed by a name that is not this machine's own

/** The result of checking a credential. */
export type CredentialOutcome =
  | { readonly kind: "principal"; readonly principal: Principal }
  | {
      readonly kind: "refused";
      readonly reason: Refusal;
      /** For the operator's log: what the issuer has to change. Only where the credential itself was verified. */
      readonly because?: string | undefined;
      /** The principal's id, for the operator's log. Only where the credential itself was verified. */
      readonly of?: string | undefined;
    };

export function refused(reason: Refusal, because?: string, of?: string): CredentialOutcome {
  return { kind: "refused", reason, because, of };
}

/** The principal, or a refusal if its credential has expired at a time in milliseconds since the epoch. */
export function unexpired(principal: Principal, nowMs: number): CredentialOutcome {
  const expired = principal.expiresAtMs !== undefined && nowMs >= principal.expiresAtMs;
  return expired ? refused("expired", undefined, principal.id) : { kind: "principal", principal };
}
