import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authenticate, challenge, presentedKey, unauthenticated, type Access } from "../../src/access/authenticate.js";
import type { Refusal } from "../../src/access/credential.js";
import { createKey, revokeKey } from "../../src/access/key-file.js";
import { openAccess } from "../../src/access/open-access.js";
import { LOOPBACK } from "../../src/audit/principal.js";
import { AUDIENCE, ISSUER, issuerKey, NOW_MS, signed, type IssuerKey } from "./issuer.js";

const NOW = new Date(NOW_MS);
const refusedFor = (reason: Refusal) => ({ kind: "refused", reason });

describe("a gateway without credentials", () => {
  test.each(["localhost:4000", "LOCALHOST", "127.0.0.1:4000", "127.1.2.3", "[::1]:4000"])(
    "lets in who asks it as %s",
    async (host) => {
      const outcome = await authenticate({ host }, { kind: "open" }, NOW_MS);
      expect(outcome).toEqual({ kind: "principal", principal: LOOPBACK });
    },
  );

  test.each(["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:4000", "10.0.0.1", "0.0.0.0", ""])(
    "refuses a page that made its own name %j mean this machine",
    async (host) => {
      expect(await authenticate({ host }, { kind: "open" }, NOW_MS)).toEqual(refusedFor("host"));
    },
  );
});

describe("a gateway with credentials", () => {
  let folder: string;
  let access: Access;
  let issuer: IssuerKey;
  let key: string;
  let revoked: string;
  let expired: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "auditql-access-"));
    const apiKeys = join(folder, "keys.json");
    const jwks = join(folder, "jwks.json");
    issuer = await issuerKey("EdDSA", "ed-1");
    await writeFile(jwks, JSON.stringify({ keys: [issuer.publicJwk] }));
    key = (await createKey(apiKeys, { name: "a", scopes: ["audit:log"] }, NOW)).text;
    expired = (await createKey(apiKeys, { name: "b", scopes: [], expiresAt: NOW.toISOString() }, NOW)).text;
    const third = await createKey(apiKeys, { name: "c", scopes: ["audit:admin"] }, NOW);
    await revokeKey(apiKeys, third.stored.id, NOW);
    revoked = third.text;
    access = await openAccess({ host: "0.0.0.0", apiKeys, jwt: { jwks, issuer: ISSUER, audience: AUDIENCE } });
  });
  afterAll(() => rm(folder, { recursive: true }));

  const ask = (authorization?: string) => authenticate({ authorization, host: "localhost" }, access, NOW_MS);

  test("reads a credential of up to 8,192 characters", async () => {
    expect(await ask(`Bearer ${"a".repeat(8_192)}`)).toEqual(refusedFor("wrong"));
  });

  test("lets in an API key with what it was made for", async () => {
    expect(await ask(`Bearer ${key}`)).toMatchObject({
      principal: { kind: "api-key", scopes: new Set(["audit:log"]) },
    });
  });

  test("names the key that a request presents, whether or not it is good", async () => {
    const outcome = await ask(`Bearer ${key}`);
    const id = outcome.kind === "principal" ? outcome.principal.id : "nobody";
    expect(presentedKey({ authorization: `bearer ${key}` })).toBe(id);
    for (const authorization of [undefined, "", key, "Bearer made.up.token"])
      expect(presentedKey({ authorization })).toBeUndefined();
  });

  test("lets in a token of the issuer", async () => {
    expect(await ask(`bearer ${await signed(issuer)}`)).toMatchObject({ principal: { id: "jwt:alice" } });
  });

  test("asks for a credential on loopback too", async () => {
    expect(await ask()).toEqual(refusedFor("missing"));
  });

  test.each(["Basic YTpi", "Bearer", "Bearer a b", "Bearer a,Bearer b", `Bearer ${"a".repeat(8_193)}`])(
    "refuses the header %.30s as malformed",
    async (header) => {
      expect(await ask(header)).toEqual(refusedFor("malformed"));
    },
  );

  test("says that a key was pasted without its end", async () => {
    expect(await ask(`Bearer ${key.slice(0, -1)}`)).toEqual(refusedFor("damaged"));
  });

  test("says to its holder that a key has expired", async () => {
    expect(await ask(`Bearer ${expired}`)).toMatchObject(refusedFor("expired"));
  });

  test("answers a revoked key, a made-up token and a foreign key in the same words", async () => {
    const foreign = (await createKey(join(folder, "other.json"), { name: "x", scopes: [] }, NOW)).text;
    const answers = await Promise.all([revoked, "made.up.token", foreign].map((text) => ask(`Bearer ${text}`)));
    expect(answers).toEqual([refusedFor("wrong"), refusedFor("wrong"), refusedFor("wrong")]);
  });

  test("refuses a good key where only tokens are accepted, and a good token where only keys are", async () => {
    if (access.kind !== "required" || access.keys === undefined || access.jwt === undefined) throw new Error("setup");
    const { keys, jwt } = access;
    const token = await signed(issuer);
    expect(await authenticate({ authorization: `Bearer ${key}` }, { kind: "required", jwt }, NOW_MS)).toEqual(
      refusedFor("wrong"),
    );
    expect(await authenticate({ authorization: `Bearer ${token}` }, { kind: "required", keys }, NOW_MS)).toEqual(
      refusedFor("wrong"),
    );
  });
});

describe("a refusal", () => {
  test("is an UNAUTHENTICATED error that says what to send", () => {
    expect(unauthenticated("missing")).toMatchObject({ code: "UNAUTHENTICATED", message: /Authorization: Bearer/ });
  });

  test("offers the scheme alone to who sent nothing", () => {
    expect(challenge("missing")).toBe('Bearer realm="auditql"');
  });

  test("tells a request that is no credential from a credential that is not good", () => {
    expect(challenge("malformed")).toContain('error="invalid_request"');
    expect(challenge("wrong")).toContain('error="invalid_token"');
  });

  test.each<Refusal>(["malformed", "damaged", "expired", "wrong", "host"])(
    "for %s has a challenge that is one header line",
    (reason) => {
      expect(challenge(reason)).toMatch(
        /^Bearer realm="auditql"(, error="invalid_(token|request)", error_description="[ !#-[\]-~]+")?$/,
      );
    },
  );
});
