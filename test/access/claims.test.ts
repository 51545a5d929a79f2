import { describe, expect, test } from "@jest/globals";
import { principalOfClaims } from "../../src/access/claims.js";

describe("the scopes of a token", () => {
  test.each<[string, object, readonly string[]]>([
    ["a text with blanks", { scope: "openid audit:log audit:read" }, ["audit:log", "audit:read"]],
    ["a list", { scope: ["audit:log", "email"] }, ["audit:log"]],
    ["scp, a text", { scp: "audit:read" }, ["audit:read"]],
    ["scp, a list", { scp: ["audit:admin"] }, ["audit:admin"]],
    ["both claims together", { scope: "audit:log", scp: ["audit:read"] }, ["audit:log", "audit:read"]],
    ["none without a claim", {}, []],
    ["none of another type", { scope: { "audit:admin": true }, scp: [1, null, ["audit:admin"]] }, []],
    ["none that only look alike", { scope: "AUDIT:ADMIN audit:admins audit:admin,audit:read" }, []],
  ])("are read from %s", (_, claims, scopes) => {
    expect(principalOfClaims({ sub: "alice", ...claims }, {})?.scopes).toEqual(new Set(scopes));
  });
});

describe("a claim that binds", () => {
  const bound = { tenantClaim: "https://example.com/tenant", restrictionClaim: "audit" };
  const good = { sub: "alice", "https://example.com/tenant": "acme", audit: { actor: ["alice"] } };

  test("gives the principal its tenant and its restriction", () => {
    expect(principalOfClaims(good, bound)).toMatchObject({ tenant: "acme", restriction: { actor: ["alice"] } });
  });

  test("is not looked at when the settings do not name it", () => {
    expect(principalOfClaims({ ...good, tenant: "acme" }, {})).toEqual({
      id: "jwt:alice",
      kind: "jwt",
      scopes: new Set(),
    });
  });

  test.each<[string, object]>([
    ["the tenant is missing", { "https://example.com/tenant": undefined }],
    ["the tenant is empty", { "https://example.com/tenant": "" }],
    ["the tenant is null", { "https://example.com/tenant": null }],
    ["the tenant is a list", { "https://example.com/tenant": ["acme"] }],
    ["the tenant is longer than an event's can be", { "https://example.com/tenant": "x".repeat(1_025) }],
    ["the restriction is missing", { audit: undefined }],
    ["the restriction is empty", { audit: {} }],
    ["the restriction is a text", { audit: "actor=alice" }],
    ["the restriction is on a field that does not exist", { audit: { actor: ["alice"], user: ["alice"] } }],
    ["the restriction allows no value", { audit: { actor: [] } }],
    ["the restriction's values are not texts", { audit: { actor: [1] } }],
  ])("makes a token worthless when %s", (_, change) => {
    expect(principalOfClaims({ ...good, ...change }, bound)).toBeUndefined();
  });
});
