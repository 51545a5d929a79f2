import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** `id` is public and names the key in lists and logs; whoever has `secret`, 32 bytes, is the key's holder. */
export interface ApiKey {
  /** 12 digits and lower-case letters. */
  readonly id: string;
  readonly secret: Uint8Array;
}

/** What a pasted text turned out to be; `damaged`: it begins like a key, and a part of it is missing or changed. */
export type ReadApiKey =
  { readonly kind: "key"; readonly key: ApiKey } | { readonly kind: "damaged" } | { readonly kind: "other" };

const PREFIX = "aql_";
const ID_BYTES = 6;
const SECRET_BYTES = 32;
/** Enough to tell a bad paste from a wrong key; it protects nothing, anyone can compute it. */
const CHECKSUM_BYTES = 3;
const KEY_TEXT = /^(aql_([0-9a-f]{12})_([A-Za-z0-9_-]{43}))([A-Za-z0-9_-]{4})$/;

/** Makes a key from the system's random source. */
export function newApiKey(): ApiKey {
  return { id: randomBytes(ID_BYTES).toString("hex"), secret: randomBytes(SECRET_BYTES) };
}

/** `aql_<id>_<secret, base64url><checksum, base64url>`: always 64 characters. */
export function apiKeyText({ id, secret }: ApiKey): string {
  const body = `${PREFIX}${id}_${Buffer.from(secret).toString("base64url")}`;
  return body + checksum(body);
}

/** Reads the text of a key in its one spelling. */
export function readApiKey(text: string): ReadApiKey {
  if (!text.startsWith(PREFIX)) return { kind: "other" };
  const [, body = "", id = "", secretText = "", sum = ""] = KEY_TEXT.exec(text) ?? [];
  const secret = Buffer.from(secretText, "base64url");
  const sound = body !== "" && checksum(body) === sum && secret.toString("base64url") === secretText;
  return sound ? { kind: "key", key: { id, secret } } : { kind: "damaged" };
}

/**
 * What is stored of a secret: 32 bytes. A plain SHA-256, since the secret has 256 random bits: slow hashes exist to make
 * guessing of passwords dear, and nobody guesses these.
 */
export function secretHash(secret: Uint8Array): Buffer {
  return createHash("sha256").update(secret).digest();
}

/** Compares in a time that does not depend on where the difference is; `storedHash` is 32 bytes. */
export function secretMatches(secret: Uint8Array, storedHash: Uint8Array): boolean {
  return timingSafeEqual(secretHash(secret), storedHash);
}

function checksum(body: string): string {
  return createHash("sha256").update(body).digest().subarray(0, CHECKSUM_BYTES).toString("base64url");
}
