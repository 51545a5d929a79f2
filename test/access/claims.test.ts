import { describe, expect, test } from "@jest/globals";
import { principalOfClaims, type BoundClaims } from "../../src/access/claims.js";

/** Verified: so the operator is told whose it is. */
const WRONG = { kind: "refused", reason: "wrong", of: "jwt:alice" };

const principalOf = (claims: Readonly<Record<string, unknown>>, bounds: BoundClaims = {}) => {
  const outcome = principalOfClaims(claims, bounds);
  return outcome.kind === "principal" ? outcome.principal : undefined;
};

test("a token is bound by no claim but those that are named", () => {
  const claims = { undefined: "acme", tenant: "acme", restriction: { actor: ["alice"] } };
  expect(principalOf({ sub: "alice", ...claims })).toEqual({ id: "jwt:alice", kind: "jwt", scopes: new Set() });
  const restricted = { sub: "alice", undefined: { actor: ["alice"] } };
  expect(principalOf(restricted)).toEqual({ id: "jwt:alice", kind: "jwt", scopes: new Set() });
});

describe("the subject of a token", () => {
  test.each<[string, string]>([
    ["one character", "a"],
    ["128 characters", "p".repeat(128)],
    ["128 characters beyond 16 bits", "😀".repeat(128)],
  ])("of %s is the principal, whole", (_, sub) => {
    expect(principalOf({ sub })?.id).toBe(`jwt:${sub}`);
  });

  test.each<[string, unknown, string]>([
    ["an object", { user: "alice" }, "an object"],
    ["a list", ["alice"], "a list"],
    ["a number", 5, "a number"],
    ["true", true, "a boolean"],
    ["null", null, "null"],
    ["missing", undefined, "nothing"],
    ["empty", "", "text of 0 UTF-16 units"],
    ["longer than 128 characters", "p".repeat(129), "text of 129 UTF-16 units"],
    ["longer than 128 characters beyond 16 bits", "😀".repeat(129), "text of 258 UTF-16 units"],
    ["with U+0000", "a\0", "text of 2 UTF-16 units"],
    ["cut inside an emoji", "a\ud83d", "text of 2 UTF-16 units"],
  ])("makes a token worthless when it is %s, and the operator learns why", (_, sub, got) => {
    const expected = "text of 1 to 128 characters, without U+0000 and lone surrogates";
    expect(principalOfClaims(JSON.parse(JSON.stringify({ sub })) as Record<string, unknown>, {})).toEqual({
      ...{ kind: "refused", reason: "wrong", because: `the claim sub: expected ${expected}, got ${got}` },
    });
  });
});

describe("the scopes of a token", () => {
  test.each<[string, object, readonly string[]]>([
    ["a text with blanks", { scope: "openid audit:log audit:read" }, ["audit:log", "audit:read"]],
    ["a list", { scope: ["audit:log", "email"] }, ["audit:log"]],
    ["scp, a text", { scp: "audit:read" }, ["audit:read"]],
    ["scp, a list", { scp: ["audit:admin"] }, ["audit:admin"]],
    ["both claims together", { scope: "audit:log", scp: ["audit:read"] }, ["audit:log", "audit:read"]],
    ["none without a claim", {}, []],
    ["none that only look alike", { scope: "AUDIT:ADMIN audit:admins audit:admin,audit:read" }, []],
  ])("are read from %s", (_, claims, scopes) => {
    expect(principalOf({ sub: "alice", ...claims })?.scopes).toEqual(new Set(scopes));
  });

  test.each<[string, object, string]>([
    [
      "an object",
      { scope: { "audit:admin": true } },
      "the claim scope: expected text, or a list of texts, got an object",
    ],
    ["null", { scope: "audit:log", scp: null }, "the claim scp: expected text, or a list of texts, got null"],
    [
      "a list with other values",
      { scp: ["audit:log", 1] },
      "the claim scp: expected text, or a list of texts, got a list",
    ],
  ])("make it worthless when they are %s", (_, claims, because) => {
    expect(principalOfClaims({ sub: "alice", ...claims }, {})).toEqual({ ...WRONG, because });
  });
});

describe("a claim that binds", () => {
  const bound = { tenantClaim: "https://example.com/tenant", restrictionClaim: "audit" };
  const good = { sub: "alice", "https://example.com/tenant": "acme", audit: { actor: ["alice"] } };

  test("gives the principal its tenant and its restriction", () => {
    expect(principalOf(good, bound)).toMatchObject({ tenant: "acme", restriction: { actor: ["alice"] } });
  });

  test("is not looked at when the settings do not name it", () => {
    expect(principalOf({ ...good, tenant: "acme" })).toEqual({
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
    ["the tenant is longer than 128 characters", { "https://example.com/tenant": "x".repeat(129) }],
    ["the tenant has U+0000", { "https://example.com/tenant": "ac\0me" }],
    ["the restriction is missing", { audit: undefined }],
    ["the restriction is empty", { audit: {} }],
    ["the restriction is a text", { audit: "actor=alice" }],
    ["the restriction is on a field that does not exist", { audit: { actor: ["alice"], user: ["alice"] } }],
    ["the restriction allows no value", { audit: { actor: [] } }],
    ["the restriction's values are not texts", { audit: { actor: [1] } }],
  ])("makes a token worthless when %s", (_, change) => {
    const [claim = ""] = Object.keys(change);
    expect(principalOfClaims({ ...good, ...change }, bound)).toEqual({
      ...WRONG,
      because: expect.stringMatching(new RegExp(`^the claim ${claim}: expected `)),
    });
  });
});
