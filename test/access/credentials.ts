import { ScopedService } from "../../src/access/scoped-service.js";
import { SCOPES, type Principal, type Scope } from "../../src/audit/principal.js";
import type { AuditService, SignedEvent } from "../../src/audit/service.js";

/** When every call of the tests is made, in milliseconds since the epoch. */
export const NOW_MS = 1_000_000;

/** Two tenants and nobody's, each with an entry of alice and one of bob, at leaf indexes 0 to 5. */
export const EVENTS: readonly SignedEvent[] = ["acme", "globex", undefined].flatMap((tenant_id) =>
  ["alice", "bob"].map((actor) => ({ event: { message: `${actor} did it`, actor, tenant_id } })),
);
export const ALL = [0, 1, 2, 3, 4, 5];

/** A credential, and the leaves that it may see or the code of its refusal. */
interface Credential {
  readonly principal: Principal;
  readonly sees: readonly number[] | "FORBIDDEN" | "UNAUTHENTICATED";
}

function credential(sees: Credential["sees"], scopes: readonly Scope[], bounds: Partial<Principal> = {}): Credential {
  return { sees, principal: { id: "api-key:0", kind: "api-key", scopes: new Set(scopes), ...bounds } };
}

const BOTH = ["audit:log", "audit:read"] as const;

export const CREDENTIALS = {
  "no scope": credential("FORBIDDEN", []),
  "log only": credential("FORBIDDEN", ["audit:log"]),
  "log only, of acme": credential("FORBIDDEN", ["audit:log"], { tenant: "acme" }),
  "read only": credential(ALL, ["audit:read"]),
  admin: credential(ALL, ["audit:admin"]),
  acme: credential([0, 1], BOTH, { tenant: "acme" }),
  globex: credential([2, 3], BOTH, { tenant: "globex" }),
  "admin of acme": credential([0, 1], ["audit:admin"], { tenant: "acme" }),
  "a tenant without entries": credential([], BOTH, { tenant: "acm" }),
  "alice's entries": credential([0, 2, 4], BOTH, { restriction: { actor: ["alice"] } }),
  "alice's entries of acme": credential([0], BOTH, { tenant: "acme", restriction: { actor: ["alice"] } }),
  "a tenant restricted to another": credential([], BOTH, { tenant: "acme", restriction: { tenant_id: ["globex"] } }),
  expired: credential("UNAUTHENTICATED", SCOPES, { expiresAtMs: NOW_MS }),
  "good for a millisecond more": credential(ALL, SCOPES, { expiresAtMs: NOW_MS + 1 }),
} as const satisfies Record<string, Credential>;

export type Name = keyof typeof CREDENTIALS;
export const NAMES = Object.keys(CREDENTIALS) as Name[];

/** The service as the credential may use it, in a request of its own. */
export function scoped(name: Name, service: AuditService): ScopedService {
  return new ScopedService(service, { principal: CREDENTIALS[name].principal, now: () => NOW_MS });
}
