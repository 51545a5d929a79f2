import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { CompactEncrypt, exportSPKI, SignJWT, UnsecuredJWT } from "jose";
import { createPublicKey } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JwtAlgorithm } from "../../src/access/jwt-algorithm.js";
import { JwtVerifier } from "../../src/access/jwt.js";
import { AUDIENCE, claims, ISSUER, issuerKey, NOW_MS, NOW_S, signed, type IssuerKey } from "./issuer.js";

const WRONG = { kind: "refused", reason: "wrong" };
const EXPIRED = { kind: "refused", reason: "expired", of: "jwt:alice" };

let folder: string;
let rsa: IssuerKey;
let ed: IssuerKey;
let ec: IssuerKey;
let attacker: IssuerKey;
let settings: { jwks: string; issuer: string; audience: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "auditql-jwt-"));
  rsa = await issuerKey("RS256", "rsa-1");
  ed = await issuerKey("EdDSA", "ed-1");
  ec = await issuerKey("ES256", "ec-1");
  attacker = await issuerKey("RS256", "rsa-1");
  const jwks = join(folder, "jwks.json");
  await writeFile(jwks, JSON.stringify({ keys: [rsa.publicJwk, ed.publicJwk, ec.publicJwk] }));
  settings = { jwks, issuer: ISSUER, audience: AUDIENCE };
});
afterAll(() => rm(folder, { recursive: true }));

const identify = (token: string, nowMs = NOW_MS) => new JwtVerifier(settings).identify(token, nowMs);

describe("a token of the issuer", () => {
  test.each(["rsa", "ed", "ec"] as const)("is accepted when it was signed with the %s key", async (name) => {
    expect(await identify(await signed({ rsa, ed, ec }[name]))).toEqual({
      kind: "principal",
      principal: {
        id: "jwt:alice",
        kind: "jwt",
        scopes: new Set(["audit:read"]),
        expiresAtMs: NOW_MS + 330_000,
      },
    });
  });

  test("is accepted when it is for several audiences, us among them", async () => {
    const outcome = await identify(await signed(ed, { aud: ["https://other.example", AUDIENCE] }));
    expect(outcome.kind).toBe("principal");
  });

  test("is refused from the very moment its principal expires", async () => {
    const token = await signed(ed);
    expect((await identify(token, NOW_MS + 329_000)).kind).toBe("principal");
    expect(await identify(token, NOW_MS + 330_000)).toEqual(EXPIRED);
  });

  test("is accepted up to thirty seconds before its nbf, and no sooner", async () => {
    expect((await identify(await signed(ed, { nbf: NOW_S + 30 }))).kind).toBe("principal");
    expect(await identify(await signed(ed, { nbf: NOW_S + 31 }))).toEqual(WRONG);
  });
});

type Forgery = readonly [name: string, token: () => string | Promise<string>];

const tampered = (token: string, change: (parts: string[]) => string[]) => change(token.split(".")).join(".");
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

const FORGERIES: readonly Forgery[] = [
  ["no signature and alg none", () => new UnsecuredJWT(claims()).encode()],
  ["alg NoNe, in letters a careless comparison misses", () => `${encoded({ alg: "NoNe" })}.${encoded(claims())}.`],
  [
    "its signature cut off",
    async () => tampered(await signed(rsa), ([header = "", payload = ""]) => [header, payload, ""]),
  ],
  [
    "its claims changed after signing",
    async () =>
      tampered(await signed(rsa), ([header = "", , signature = ""]) => [
        header,
        encoded(claims({ scope: "audit:admin" })),
        signature,
      ]),
  ],
  ["an HS256 signature keyed with the issuer's public key as PEM", () => confused("spki")],
  ["an HS256 signature keyed with the issuer's public key as DER", () => confused("der")],
  [
    "an RS512 header over an RS256 signature",
    async () => relabelled(await signed(rsa), { alg: "RS512", kid: "rsa-1" }),
  ],
  [
    "an ES256 signature of zeros",
    () => `${encoded({ alg: "ES256", kid: "ec-1" })}.${encoded(claims())}.${"A".repeat(86)}`,
  ],
  ["a signature of another key under the issuer's key id", () => signed(attacker)],
  ["a key of its own in the header", () => signed(attacker, {}, { jwk: attacker.publicJwk })],
  ["a key id that the issuer does not have", () => signed(attacker, {}, { kid: "rsa-2" })],
  ["a key id that is a path", () => signed(attacker, {}, { kid: "../../../../dev/null" })],
  ["no key id, where the issuer's key does not fit", () => signed(attacker, {}, { kid: undefined })],
  ["a critical header that we do not know", () => critical()],
  ["an encrypted token", () => encrypted()],
  ["another issuer", () => signed(ed, { iss: "https://evil.example" })],
  ["an issuer that only begins like ours", () => signed(ed, { iss: `${ISSUER}.evil.example` })],
  ["no issuer", () => signed(ed, { iss: undefined })],
  ["another audience", () => signed(ed, { aud: "https://other.example" })],
  ["no audience", () => signed(ed, { aud: undefined })],
  ["no expiry", () => signed(ed, { exp: undefined })],
  ["an expiry that is text", () => signed(ed, { exp: "9999999999" })],
  ["no subject", () => signed(ed, { sub: undefined })],
  ["an empty subject", () => signed(ed, { sub: "" })],
  ["no claims at all", () => `${encoded({ alg: "EdDSA", kid: "ed-1" })}.${encoded({})}.`],
  ["text that is no token", () => "abc"],
];

async function confused(form: "spki" | "der"): Promise<string> {
  const key = createPublicKey({ key: { ...rsa.publicJwk }, format: "jwk" });
  const secret = form === "spki" ? Buffer.from(await exportSPKI(key)) : key.export({ type: "spki", format: "der" });
  return new SignJWT(claims()).setProtectedHeader({ alg: "HS256", kid: "rsa-1" }).sign(secret);
}

function relabelled(token: string, header: object): string {
  return tampered(token, ([, payload = "", signature = ""]) => [encoded(header), payload, signature]);
}

function critical(): Promise<string> {
  return new SignJWT(claims())
    .setProtectedHeader({ alg: "EdDSA", kid: "ed-1", crit: ["exp"], exp: 1 })
    .sign(ed.privateKey, { crit: { exp: false } });
}

function encrypted(): Promise<string> {
  return new CompactEncrypt(Buffer.from(JSON.stringify(claims())))
    .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
    .encrypt(new Uint8Array(32));
}

describe("a token is refused with", () => {
  test.each(FORGERIES)("%s", async (_, token) => {
    expect(await identify(await token())).toMatchObject(WRONG);
  });

  test("an algorithm that is not on the list, though the signature is good", async () => {
    const algorithms: readonly JwtAlgorithm[] = ["EdDSA"];
    const verifier = new JwtVerifier({ ...settings, algorithms });
    expect(await verifier.identify(await signed(rsa), NOW_MS)).toEqual(WRONG);
    expect((await verifier.identify(await signed(ed), NOW_MS)).kind).toBe("principal");
  });

  test("no key id, where several of the issuer's keys could fit", async () => {
    const jwks = join(folder, "two.json");
    const second = await issuerKey("EdDSA", "ed-2");
    await writeFile(jwks, JSON.stringify({ keys: [ed.publicJwk, second.publicJwk] }));
    const verifier = new JwtVerifier({ ...settings, jwks });
    expect(await verifier.identify(await signed(ed, {}, { kid: undefined }), NOW_MS)).toEqual(WRONG);
  });
});

describe("the place of the keys", () => {
  test.each([
    "http://issuer.example/jwks",
    "http://127.0.0.1.evil.example/",
    "ftp://127.0.0.1/jwks",
    "file:///etc/jwks",
  ])("may not be %s, where others could answer", (jwks) => {
    expect(() => new JwtVerifier({ ...settings, jwks })).toThrow(/must be https/);
  });

  test.each(["https://issuer.example/jwks", "http://localhost:1/jwks", "http://[::1]:1/jwks"])("may be %s", (jwks) => {
    expect(() => new JwtVerifier({ ...settings, jwks })).not.toThrow();
  });
});
