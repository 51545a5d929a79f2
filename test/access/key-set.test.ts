import { describe, expect, test } from "@jest/globals";
import { secretHash } from "../../src/access/api-key.js";
import { keySetText, KeySet, parseKeySet, type StoredKey } from "../../src/access/key-set.js";

const secret = new Uint8Array(32).fill(1);
const stored: StoredKey = {
  id: "0123456789ab",
  name: "ci",
  secretHash: secretHash(secret).toString("hex"),
  scopes: ["audit:read"],
  createdAt: "2026-01-01T00:00:00.000Z",
};
const EXPIRY = "2026-02-01T00:00:00.000Z";
const EXPIRY_MS = Date.parse(EXPIRY);

function identify(key: StoredKey, presented = { id: stored.id, secret }, nowMs = EXPIRY_MS) {
  return new KeySet([key]).identify(presented, nowMs);
}

describe("a key set", () => {
  test("gives a key's holder what the key was made for", () => {
    const restriction = { action: ["login"] };
    const key: StoredKey = { ...stored, tenant: "acme", restriction, expiresAt: EXPIRY };
    expect(identify(key, undefined, EXPIRY_MS - 1)).toEqual({
      kind: "principal",
      principal: {
        id: "api-key:0123456789ab",
        kind: "api-key",
        scopes: new Set(["audit:read"]),
        tenant: "acme",
        restriction,
        expiresAtMs: EXPIRY_MS,
      },
    });
  });

  test("refuses another secret", () => {
    const presented = { id: stored.id, secret: new Uint8Array(32).fill(2) };
    expect(identify(stored, presented)).toEqual({ kind: "refused", reason: "wrong" });
  });

  test("answers an id that does not exist as it answers a wrong secret", () => {
    expect(identify(stored, { id: "ffffffffffff", secret })).toEqual({ kind: "refused", reason: "wrong" });
  });

  test("answers a revoked key as it answers a wrong secret", () => {
    expect(identify({ ...stored, revokedAt: "2026-01-05T00:00:00Z" })).toEqual({ kind: "refused", reason: "wrong" });
  });

  test("says that a key has expired, from the very moment on", () => {
    expect(identify({ ...stored, expiresAt: EXPIRY })).toEqual({
      ...{ kind: "refused", reason: "expired" },
      of: `api-key:${stored.id}`,
    });
  });

  test("tells nobody but the holder that a key has expired", () => {
    const presented = { id: stored.id, secret: new Uint8Array(32) };
    expect(identify({ ...stored, expiresAt: EXPIRY }, presented)).toEqual({ kind: "refused", reason: "wrong" });
  });
});

describe("the text of a key set", () => {
  const withKey = (key: object): string => JSON.stringify({ version: 1, keys: [key] });

  test("is JSON that people can read", () => {
    expect(keySetText([])).toBe('{\n  "version": 1,\n  "keys": []\n}\n');
  });

  test("is read back", () => {
    expect(parseKeySet(withKey(stored)).keys).toEqual([stored]);
  });

  test.each<[string, object, string]>([
    ["an id of other letters", { id: "../../../etc" }, "keys[0].id: expected 12 hex digits"],
    ["a hash that is too short", { secretHash: "00" }, "keys[0].secretHash: expected 64 hex digits"],
    ["a scope that does not exist", { scopes: ["audit:all"] }, "keys[0].scopes: expected a list of scopes"],
    ["an empty tenant", { tenant: "" }, "keys[0].tenant: expected text of 1 to 128 characters"],
    ["a tenant of null", { tenant: null }, "keys[0].tenant: expected text of 1 to 128 characters"],
    ["a restriction on no field", { restriction: {} }, "keys[0].restriction: expected a list of values per field"],
    ["a restriction on an unknown field", { restriction: { message: ["x"] } }, "keys[0].restriction"],
    ["a restriction to no value", { restriction: { actor: [] } }, "keys[0].restriction"],
    ["an expiry that is no time", { expiresAt: "soon" }, "keys[0].expiresAt: expected an RFC 3339 time"],
    ["a limit this version does not know", { networks: ["10.0.0.0/8"] }, "keys[0].networks: not a member of a key"],
  ])("is refused with %s", (_, change, message) => {
    expect(() => parseKeySet(withKey({ ...stored, ...change }))).toThrow(message);
  });

  test.each([null, "text", ["id"], 7])("is refused with %j in a key's place", (key) => {
    const text = JSON.stringify({ version: 1, keys: [stored, key] });
    expect(() => parseKeySet(text)).toThrow(/^keys\[1\]: expected an object$/);
  });

  test("is refused when two keys have one id", () => {
    expect(() => parseKeySet(JSON.stringify({ version: 1, keys: [stored, stored] }))).toThrow("the same id");
  });

  test.each(["[]", "{}", '{"version":2,"keys":[]}', '{"version":1,"keys":{}}'])("is refused when it is %s", (text) => {
    expect(() => parseKeySet(text)).toThrow("not a key file");
  });
});
