import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export const ISSUER = "https://issuer.example";
export const AUDIENCE = "https://audit.example";
/** The moment at which the tests' tokens are presented. */
export const NOW_MS = Date.parse("2026-01-02T03:04:05.000Z");
export const NOW_S = NOW_MS / 1_000;

/** A key pair of an issuer, real as those of a real one. */
export interface IssuerKey {
  readonly algorithm: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

export async function issuerKey(algorithm: string, kid: string): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { algorithm, kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid } };
}

/** Claims of a good token; a member of undefined takes the claim away. */
export function claims(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const changed: Record<string, unknown> = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: "alice",
    exp: NOW_S + 300,
    scope: "audit:read",
    ...changes,
  };
  return Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined));
}

/** Header members of a token beside `alg`; undefined takes the key id away. */
export interface TokenHeader {
  readonly kid?: string | undefined;
  readonly jwk?: JWK;
  readonly jku?: string;
  readonly x5u?: string;
}

/** A token that this key signed. */
export function signed(
  key: IssuerKey,
  changes: Readonly<Record<string, unknown>> = {},
  header: TokenHeader = {},
): Promise<string> {
  return new SignJWT(claims(changes))
    .setProtectedHeader(JSON.parse(JSON.stringify({ alg: key.algorithm, kid: key.kid, ...header })) as { alg: string })
    .sign(key.privateKey);
}

/** An issuer's key server on loopback. */
export interface JwksServer {
  readonly url: string;
  /** How often it was asked. */
  asked: number;
  keys: readonly JWK[];
  status: number;
  close(): Promise<void>;
}

export async function jwksServer(keys: readonly JWK[]): Promise<JwksServer> {
  const http = createServer((_, response) => {
    server.asked += 1;
    response.writeHead(server.status, { "content-type": "application/json", location: "http://127.0.0.1:1/" });
    response.end(JSON.stringify({ keys: server.keys }));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const server: JwksServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/jwks.json`,
    asked: 0,
    keys,
    status: 200,
    async close() {
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
  return server;
}
