import type { Principal } from "../audit/principal.js";
import { authenticate, type Access, type CredentialHeaders } from "./authenticate.js";
import { refused, unexpired, type CredentialOutcome } from "./credential.js";

/** A request with a link in place of a credential. */
export interface LinkUse {
  readonly headers: CredentialHeaders;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/**
 * The holder of a link that was made for a principal, as the principal's credential stands now. A revoked API key opens
 * nothing, and one whose rights were changed has its current rights; a JSON Web Token cannot be checked again, it only
 * expires. Rejects with AuditError UNAVAILABLE only.
 */
export async function linkHolder(principal: Principal, access: Access, use: LinkUse): Promise<CredentialOutcome> {
  if (access.kind === "open") {
    return principal.kind === "loopback" ? authenticate(use.headers, access, use.nowMs) : refused("wrong");
  }
  switch (principal.kind) {
    case "loopback":
      return refused("wrong");
    case "api-key":
      return (await access.keys?.current())?.standing(principal.id, use.nowMs) ?? refused("wrong");
    case "jwt":
      return access.jwt === undefined ? refused("wrong") : unexpired(principal, use.nowMs);
  }
}
