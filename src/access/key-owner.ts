import type { Principal } from "../audit/principal.js";
import { digestOf, utf8 } from "../core/bytes.js";
import { canonicalJson } from "../core/json.js";
import { nodeSha256 } from "../keys/node-crypto.js";
import type { Restriction } from "../query/restriction.js";

/**
 * Whose a principal's idempotency keys and bulk requests are. An API key has its bounds for good, so its id says it all.
 * An issuer gives one subject a token for this tenant and then one for that: each is an owner of its own.
 */
export function keyOwnerOf({ id, kind, tenant, restriction }: Principal): string {
  const isBound = tenant !== undefined || restriction !== undefined;
  if (kind !== "jwt" || !isBound) return id;
  const bounds = canonicalJson([id, tenant ?? null, restriction === undefined ? null : inOrder(restriction)]);
  return `bound:${digestOf(nodeSha256(utf8(bounds)))}`;
}

/** Issuers do not promise in which order they list what they allow. */
function inOrder(restriction: Restriction): Record<string, readonly string[]> {
  const fields = Object.entries(restriction).map(([field, values]) => [field, [...values].sort()] as const);
  return Object.fromEntries(fields);
}
