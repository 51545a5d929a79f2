import { holdsAny, type Principal } from "../audit/principal.js";

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
