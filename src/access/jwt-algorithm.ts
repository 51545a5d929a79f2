/**
 * The accepted signature algorithms: only those that need a private key. With `none` anyone could sign, and with HS*
 * anyone who knows the public key (RFC 8725 section 2.1).
 */
export const JWT_ALGORITHMS = [
  "EdDSA",
  "Ed25519",
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
] as const;

export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];
