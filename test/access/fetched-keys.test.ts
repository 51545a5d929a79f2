import { afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { UnsecuredJWT } from "jose";
import { JwtVerifier } from "../../src/access/jwt.js";
import {
  AUDIENCE,
  claims,
  ISSUER,
  issuerKey,
  jwksServer,
  NOW_MS,
  signed,
  type IssuerKey,
  type JwksServer,
} from "./issuer.js";

const WRONG = { kind: "refused", reason: "wrong" };
const settings = { issuer: ISSUER, audience: AUDIENCE };

let ed: IssuerKey;
let attacker: IssuerKey;
beforeAll(async () => {
  ed = await issuerKey("EdDSA", "ed-1");
  attacker = await issuerKey("RS256", "rsa-1");
});

describe("keys at a URL", () => {
  let server: JwksServer;

  afterEach(async () => {
    jest.restoreAllMocks();
    await server.close();
  });

  const atServer = () => new JwtVerifier({ ...settings, jwks: server.url });

  test("are fetched once for many tokens", async () => {
    server = await jwksServer([ed.publicJwk]);
    const verifier = atServer();
    const token = await signed(ed);
    const outcomes = await Promise.all([1, 2, 3].map(() => verifier.identify(token, NOW_MS)));
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(["principal", "principal", "principal"]);
    expect(server.asked).toBe(1);
  });

  test("are fetched again for a key id that they do not have, so that an issuer can change keys", async () => {
    server = await jwksServer([ed.publicJwk]);
    const verifier = atServer();
    await verifier.identify(await signed(ed), NOW_MS);
    const next = await issuerKey("EdDSA", "ed-2");
    server.keys = [ed.publicJwk, next.publicJwk];
    jest.spyOn(Date, "now").mockReturnValue(Date.now() + 31_000);
    expect((await verifier.identify(await signed(next), NOW_MS)).kind).toBe("principal");
    expect(server.asked).toBe(2);
  });

  test("are not fetched for each of a flood of invented key ids", async () => {
    server = await jwksServer([ed.publicJwk]);
    const verifier = atServer();
    for (let at = 0; at < 20; at++) {
      expect(await verifier.identify(await signed(attacker, {}, { kid: `invented-${at}` }), NOW_MS)).toEqual(WRONG);
    }
    expect(server.asked).toBe(1);
  });

  test("are never fetched from where a token's own header says", async () => {
    server = await jwksServer([ed.publicJwk]);
    const elsewhere = await jwksServer([attacker.publicJwk]);
    const header = { jku: elsewhere.url, x5u: elsewhere.url, kid: "rsa-1" };
    expect(await atServer().identify(await signed(attacker, {}, header), NOW_MS)).toEqual(WRONG);
    expect(elsewhere.asked).toBe(0);
    await elsewhere.close();
  });

  test.each([500, 302])("that answers %d make the gateway unable to tell, not the token wrong", async (status) => {
    server = await jwksServer([ed.publicJwk]);
    server.status = status;
    await expect(atServer().identify(await signed(ed), NOW_MS)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("that cannot be fetched are not asked for again before a pause, however many tokens come", async () => {
    server = await jwksServer([ed.publicJwk]);
    server.status = 500;
    const warnings: string[] = [];
    const verifier = new JwtVerifier({ ...settings, jwks: server.url }, (message) => warnings.push(message));
    const token = await signed(ed);
    const startMs = Date.now();
    const at = (ms: number) => jest.spyOn(Date, "now").mockReturnValue(startMs + ms);
    const flood = async () => {
      for (let i = 0; i < 5; i++) {
        const outcomes = await Promise.allSettled([1, 2, 3].map(() => verifier.identify(token, NOW_MS)));
        expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
      }
      return server.asked;
    };
    at(0);
    expect(await flood()).toBe(1);
    at(4_999);
    expect(await flood()).toBe(1);
    at(5_000);
    expect(await flood()).toBe(2);
    at(14_999);
    expect(await flood()).toBe(2);
    at(15_000);
    expect(await flood()).toBe(3);
    for (const [ms, asked] of [
      [35_000, 4],
      [75_000, 5],
      [134_999, 5],
      [135_000, 6],
      [195_000, 7],
    ] as const) {
      at(ms);
      expect(await flood()).toBe(asked);
    }
    expect(warnings).toHaveLength(7);
    expect(warnings[0]).toMatch(/could not be fetched, there are no older ones: Error: expected status 200, got 500$/);
    server.status = 200;
    at(255_000);
    expect((await verifier.identify(token, NOW_MS)).kind).toBe("principal");
  });

  test("that were good count for a day while the issuer is away, and a forged id causes no fetch", async () => {
    server = await jwksServer([ed.publicJwk]);
    const left: string[] = [];
    const verifier = new JwtVerifier({ ...settings, jwks: server.url }, (message) => {
      left.push(/the older ones count for ([\d.]+) h:/.exec(message)?.[1] ?? message);
    });
    const token = await signed(ed);
    const startMs = Date.now();
    const at = (ms: number) => jest.spyOn(Date, "now").mockReturnValue(startMs + ms);
    at(0);
    await verifier.identify(token, NOW_MS);
    server.status = 500;
    at(3_600_000);
    expect((await verifier.identify(token, NOW_MS)).kind).toBe("principal");
    const { asked } = server;
    expect((await verifier.identify(token, NOW_MS)).kind).toBe("principal");
    const forged = await signed(attacker, {}, { kid: "invented" });
    await expect(verifier.identify(forged, NOW_MS)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(server.asked).toBe(asked);
    at(24 * 3_600_000);
    await expect(verifier.identify(token, NOW_MS)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    at(24.5 * 3_600_000);
    await expect(verifier.identify(token, NOW_MS)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(left).toEqual(["23.0", "0.0", "0.0"]);
    server.status = 200;
    server.keys = [];
    at(25 * 3_600_000);
    expect(await verifier.identify(token, NOW_MS)).toEqual(WRONG);
  });

  test("that are more than a megabyte are not read", async () => {
    server = await jwksServer(Array.from({ length: 20_000 }, () => ed.publicJwk));
    await expect(atServer().identify(await signed(ed), NOW_MS)).rejects.toMatchObject({
      ...{ code: "UNAVAILABLE", cause: new Error("expected at most 1048576 bytes, got more") },
    });
  });

  test("are not asked for a token whose algorithm is refused anyway", async () => {
    server = await jwksServer([ed.publicJwk]);
    server.status = 500;
    expect(await atServer().identify(new UnsecuredJWT(claims()).encode(), NOW_MS)).toEqual(WRONG);
    expect(server.asked).toBe(0);
  });
});
