import { isIPv4 } from "node:net";
import { isDeepStrictEqual } from "node:util";
import type { Restriction } from "../query/filter.js";

/** What a credential may do: log events; search and read entries; read the metrics; everything, also what only operators see. */
export const SCOPES = ["audit:log", "audit:read", "audit:metrics", "audit:admin"] as const;

export type Scope = (typeof SCOPES)[number];

/** The caller as the door authenticated it. What it may do and see is decided in scoped-service.ts alone. */
export interface Principal {
  /** Unique among principals; names a credential, never contains it. */
  readonly id: string;
  readonly kind: "loopback" | "api-key" | "jwt";
  readonly scopes: ReadonlySet<Scope>;
  /** Logs for this tenant and sees only its entries. */
  readonly tenant?: string;
  /** Sees only entries within it. Does not restrict what may be logged. */
  readonly restriction?: Restriction;
  /** Milliseconds since the epoch; from then on the credential is refused, and open streams end. */
  readonly expiresAtMs?: number;
}

/** A principal as JSON has it, inside what is sealed: a set of scopes is not JSON. */
export type WrittenPrincipal = Omit<Principal, "scopes"> & { readonly scopes: readonly Scope[] };

export function writtenPrincipal(principal: Principal): WrittenPrincipal {
  return { ...principal, scopes: [...principal.scopes] };
}

export function principalOf(written: WrittenPrincipal): Principal {
  return { ...written, scopes: new Set(written.scopes) };
}

/** The principal of a gateway without credentials: someone on this machine, who could read its files as well. */
export const LOOPBACK: Principal = Object.freeze({ id: "loopback", kind: "loopback", scopes: new Set(SCOPES) });

/** Whether the principal has at least one of the scopes; audit:admin includes the others. */
export function holdsAny(principal: Principal, scopes: readonly Scope[]): boolean {
  return principal.scopes.has("audit:admin") || scopes.some((scope) => principal.scopes.has(scope));
}

/** Whether two credentials allow the same; their expiry may differ. */
export function sameRights(one: Principal, other: Principal): boolean {
  return isDeepStrictEqual({ ...one, expiresAtMs: 0 }, { ...other, expiresAtMs: 0 });
}

/**
 * What a principal's searches are limited to: its restriction and its tenant together. Undefined when it sees
 * everything.
 */
export function boundOf({ tenant, restriction }: Principal): Restriction | undefined {
  if (tenant === undefined) return restriction;
  const own = restriction?.tenant_id?.filter((allowed) => allowed === tenant) ?? [tenant];
  return { ...restriction, tenant_id: own };
}

/** Who may ask for the schema, from most to fewest. */
export const INTROSPECTION_POLICIES = ["everyone", "authenticated", "admin", "nobody"] as const;

export type IntrospectionPolicy = (typeof INTROSPECTION_POLICIES)[number];

/** On a gateway without authentication no one is authenticated. */
export function mayIntrospect(principal: Principal, policy: IntrospectionPolicy): boolean {
  switch (policy) {
    case "everyone":
      return true;
    case "authenticated":
      return principal.kind !== "loopback";
    case "admin":
      return principal.kind !== "loopback" && holdsAny(principal, ["audit:admin"]);
    case "nobody":
      return false;
  }
}

/**
 * Whether a host can only be this machine: `localhost`, 127.0.0.0/8 (RFC 1122 section 3.2.1.3), `::1` with or without
 * brackets.
 */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith("127.");
  return ["localhost", "::1", "[::1]"].includes(host.toLowerCase());
}

/** The host of a Host header, without its port. */
export function hostOf(header: string): string {
  return header.replace(/:\d*$/, "");
}
