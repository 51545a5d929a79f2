import type { JWTPayload } from "jose";
import type { Principal, Scope } from "../audit/principal.js";
import { isScope, isTenant, readRestriction } from "./grant.js";

/** The claims with a token holder's limits. A claim named here must be in every token. */
export interface BoundClaims {
  /** Its value is a tenant id. */
  readonly tenantClaim?: string | undefined;
  /** Its value is an object of lists: `{"actor": ["alice"]}`. */
  readonly restrictionClaim?: string | undefined;
}

/**
 * The principal of a token whose signature, issuer, audience and times were verified. Undefined when a claim with a
 * limit is missing or unreadable: a token without its limit would open every tenant's entries.
 */
export function principalOfClaims(
  claims: JWTPayload,
  { tenantClaim, restrictionClaim }: BoundClaims,
): Principal | undefined {
  const tenant = tenantClaim === undefined ? undefined : claims[tenantClaim];
  const restriction = restrictionClaim === undefined ? undefined : readRestriction(claims[restrictionClaim]);
  const { sub } = claims;
  if (sub === undefined || sub === "") return undefined;
  if (tenantClaim !== undefined && !isTenant(tenant)) return undefined;
  if (restrictionClaim !== undefined && restriction === undefined) return undefined;
  return {
    id: `jwt:${sub}`,
    kind: "jwt",
    scopes: new Set(scopesOf(claims)),
    ...(isTenant(tenant) && { tenant }),
    ...(restriction !== undefined && { restriction }),
  };
}

/**
 * `scope` is a text with blanks (RFC 8693 section 4.2); some issuers write `scp`, or a list. Unknown scopes are
 * dropped.
 */
function scopesOf(claims: JWTPayload): readonly Scope[] {
  return [claims["scope"], claims["scp"]].flatMap(words).filter(isScope);
}

function words(value: unknown): readonly string[] {
  if (typeof value === "string") return value.split(" ");
  return Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
}
