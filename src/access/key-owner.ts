import type { Principal } from "../audit/principal.js";
import { digestOf, utf8 } from "../core/bytes.js";
import { canonicalJson } from "../core/json.js";
import { nodeSha256 } from "../keys/node-crypto.js";
import type { Restriction } from "../query/filter.js";

/**
 * The owner of a principal's idempotency keys and bulk requests. An API key's limits never change, so its id suffices.
 * An issuer may give one subject tokens for different tenants: each is a separate owner.
 */
export function keyOwnerOf({ id, kind, tenant, restriction }: Principal): string {
  const isBound = tenant !== undefined || restriction !== undefined;
  if (kind !== "jwt" || !isBound) return id;
  const bounds = canonicalJson([id, tenant ?? null, restriction === undefined ? null : inOrder(restriction)]);
  return `bound:${digestOf(nodeSha256(utf8(bounds)))}`;
}

/** Issuers do not promise an order for the values that they list. */
function inOrder(restriction: Restriction): Record<string, readonly string[]> {
  const fields = Object.entries(restriction).map(([field, values]) => [field, [...values].sort()] as const);
  return Object.fromEntries(fields);
}
