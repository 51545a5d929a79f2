import type { JWTPayload } from "jose";
import type { Scope } from "../audit/principal.js";
import { nameOf } from "../core/json.js";
import { refused, type CredentialOutcome } from "./credential.js";
import { isName, isScope, MAX_NAME_CHARACTERS, readRestriction } from "./grant.js";

/** The claims with a token holder's limits. A claim named here must be in every token. */
export interface BoundClaims {
  /** Its value is a tenant id. */
  readonly tenantClaim?: string | undefined;
  /** Its value is an object of lists: `{"actor": ["alice"]}`. */
  readonly restrictionClaim?: string | undefined;
}

const NAME = `text of 1 to ${MAX_NAME_CHARACTERS} characters, without U+0000 and lone surrogates`;

/**
 * The principal of a token whose signature, issuer, audience and times were verified. Refused when the subject, its
 * scopes, or a claim with a limit is missing or of another type: a token without its limit would open every tenant's
 * entries, and a subject made from an object would be everybody's.
 */
export function principalOfClaims(
  claims: JWTPayload,
  { tenantClaim, restrictionClaim }: BoundClaims,
): CredentialOutcome {
  const wrong = (claim: string, expected: string) =>
    refused("wrong", `the claim ${claim}: expected ${expected}, got ${gotOf(claims[claim])}`, holderOf(claims));
  const sub: unknown = claims.sub;
  const tenant = tenantClaim === undefined ? undefined : claims[tenantClaim];
  const restriction = restrictionClaim === undefined ? undefined : readRestriction(claims[restrictionClaim]);
  if (!isName(sub)) return wrong("sub", NAME);
  if (tenantClaim !== undefined && !isName(tenant)) return wrong(tenantClaim, NAME);
  if (restrictionClaim !== undefined && restriction === undefined)
    return wrong(restrictionClaim, "an object with a list of values for each field");
  const unreadable = SCOPE_CLAIMS.find((claim) => wordsIn(claims[claim]) === undefined);
  if (unreadable !== undefined) return wrong(unreadable, "text, or a list of texts");
  const scopes = SCOPE_CLAIMS.flatMap((claim) => wordsIn(claims[claim]) ?? []).filter(isScope);
  return {
    kind: "principal",
    principal: {
      ...{ id: idOf(sub), kind: "jwt", scopes: new Set<Scope>(scopes) },
      ...(isName(tenant) && { tenant }),
      ...(restriction !== undefined && { restriction }),
    },
  };
}

/** The principal's id of verified claims; undefined without a subject that could be one. */
export function holderOf({ sub }: JWTPayload): string | undefined {
  return isName(sub) ? idOf(sub) : undefined;
}

function idOf(sub: string): string {
  return `jwt:${sub}`;
}

/** `scope` is a text with blanks (RFC 8693 section 4.2); some issuers write `scp`, or a list. Unknown scopes are dropped. */
const SCOPE_CLAIMS = ["scope", "scp"] as const;

/** None without the claim; undefined when it is of another type. */
function wordsIn(value: unknown): readonly string[] | undefined {
  if (value === undefined) return [];
  if (typeof value === "string") return value.split(" ");
  return Array.isArray(value) && value.every((word) => typeof word === "string") ? value : undefined;
}

/**
 * Describes a value without its content, because the operator's log must not hold what is in a token: a text by its
 * length, another value by its type.
 */
function gotOf(value: unknown): string {
  return typeof value === "string" ? `text of ${value.length} UTF-16 units` : nameOf(value);
}
