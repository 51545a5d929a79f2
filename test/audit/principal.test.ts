import { describe, expect, test } from "@jest/globals";
import { boundOf, holdsAny, LOOPBACK, type Principal, type Scope } from "../../src/audit/principal.js";

function principal(scopes: readonly Scope[], bounds: Partial<Principal> = {}): Principal {
  return { id: "api-key:0", kind: "api-key", scopes: new Set(scopes), ...bounds };
}

describe("what a principal's searches are bound to", () => {
  test("is nothing for whoever has neither tenant nor restriction", () => {
    expect(boundOf(LOOPBACK)).toBeUndefined();
  });

  test("is its tenant and its restriction together", () => {
    expect(boundOf(principal([], { tenant: "acme", restriction: { actor: ["alice"] } }))).toEqual({
      tenant_id: ["acme"],
      actor: ["alice"],
    });
  });

  test("is the tenant alone when the restriction allows several", () => {
    expect(boundOf(principal([], { tenant: "acme", restriction: { tenant_id: ["acme", "globex"] } }))).toEqual({
      tenant_id: ["acme"],
    });
  });

  test("is what matches nothing when the restriction is on another tenant", () => {
    expect(boundOf(principal([], { tenant: "acme", restriction: { tenant_id: ["globex"] } }))).toEqual({
      tenant_id: [],
    });
  });
});

describe("a scope", () => {
  test.each<[readonly Scope[], Scope, boolean]>([
    [[], "audit:read", false],
    [["audit:log"], "audit:read", false],
    [["audit:read"], "audit:log", false],
    [["audit:read"], "audit:admin", false],
    [["audit:log", "audit:read"], "audit:admin", false],
    [["audit:metrics"], "audit:read", false],
    [["audit:metrics"], "audit:log", false],
    [["audit:admin"], "audit:metrics", true],
    [["audit:read"], "audit:read", true],
    [["audit:admin"], "audit:log", true],
    [["audit:admin"], "audit:read", true],
  ])("of %j holds %s: %s", (scopes, scope, held) => {
    expect(holdsAny(principal(scopes), [scope])).toBe(held);
  });
});
