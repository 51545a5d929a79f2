import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Access } from "../../src/access/authenticate.js";
import { createKey, revokeKey } from "../../src/access/key-file.js";
import { KeySet } from "../../src/access/key-set.js";
import { linkHolder } from "../../src/access/link-holder.js";
import { openAccess } from "../../src/access/open-access.js";
import { LOOPBACK, type Principal } from "../../src/audit/principal.js";
import { AUDIENCE, ISSUER, issuerKey, NOW_MS } from "./issuer.js";

const NOW = new Date(NOW_MS);
const JWT: Principal = { id: "jwt:alice", kind: "jwt", scopes: new Set(["audit:read"]), expiresAtMs: NOW_MS + 1 };
const WRONG = { kind: "refused", reason: "wrong" };

let folder: string;
let apiKeys: string;
let both: Extract<Access, { kind: "required" }>;
let key: Principal;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-links-"));
  [apiKeys, key] = [join(folder, "keys.json"), await madeKey()];
  const jwks = join(folder, "jwks.json");
  await writeFile(jwks, JSON.stringify({ keys: [(await issuerKey("EdDSA", "ed-1")).publicJwk] }));
  const access = await openAccess({ host: "0.0.0.0", apiKeys, jwt: { jwks, issuer: ISSUER, audience: AUDIENCE } });
  if (access.kind !== "required") throw new Error("open");
  both = access;
});
afterEach(() => rm(folder, { recursive: true }));

/** The principal of a new key, as a link names it: by its id, and with rights that it may have lost since. */
async function madeKey(): Promise<Principal> {
  const expiresAt = new Date(NOW_MS + 1).toISOString();
  const { stored } = await createKey(join(folder, "keys.json"), { name: "a", scopes: ["audit:read"], expiresAt }, NOW);
  return { id: `api-key:${stored.id}`, kind: "api-key", scopes: new Set(["audit:admin"]) };
}

const holder = (principal: Principal, access: Access, nowMs = NOW_MS) =>
  linkHolder(principal, access, { headers: { host: "localhost" }, nowMs });

describe("the holder of a link", () => {
  test("of an open gateway is this machine, under its own names", async () => {
    expect(await holder(LOOPBACK, { kind: "open" })).toEqual({ kind: "principal", principal: LOOPBACK });
    const elsewhere = { headers: { host: "evil.example" }, nowMs: NOW_MS };
    expect(await linkHolder(LOOPBACK, { kind: "open" }, elsewhere)).toMatchObject({ reason: "host" });
    for (const principal of [key, JWT]) expect(await holder(principal, { kind: "open" })).toEqual(WRONG);
  });

  test("of an API key has the rights that the key has now, until it expires or is revoked", async () => {
    expect(await holder(key, both)).toMatchObject({
      kind: "principal",
      principal: { id: key.id, scopes: new Set(["audit:read"]) },
    });
    expect(await holder(key, both, NOW_MS + 1)).toMatchObject({ reason: "expired" });
    expect(await holder({ ...key, id: "api-key:ffffffffffff" }, both)).toEqual(WRONG);
    await revokeKey(apiKeys, key.id.slice("api-key:".length), NOW);
    const later = await openAccess({ host: "0.0.0.0", apiKeys });
    expect(await holder(key, later)).toEqual(WRONG);
  });

  test("of a token is its principal until the token expires", async () => {
    expect(await holder(JWT, both)).toEqual({ kind: "principal", principal: JWT });
    expect(await holder(JWT, both, NOW_MS + 1)).toMatchObject({ reason: "expired" });
  });

  test("is nobody where its kind of credential is not accepted any more", async () => {
    const { keys, jwt } = both;
    if (keys === undefined || jwt === undefined) throw new Error("setup");
    expect(await holder(JWT, { kind: "required", keys })).toEqual(WRONG);
    expect(await holder(key, { kind: "required", jwt })).toEqual(WRONG);
    expect(await holder(LOOPBACK, both)).toEqual(WRONG);
  });
});

test("a key stands by its principal's whole id alone", async () => {
  const keys = (await both.keys?.current()) ?? new KeySet([]);
  const id = key.id.slice("api-key:".length);
  expect(keys.standing(key.id, NOW_MS).kind).toBe("principal");
  for (const other of [id, `jwt:1234${id}`, `${key.id}0`]) expect(keys.standing(other, NOW_MS)).toEqual(WRONG);
});
