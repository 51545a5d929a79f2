import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** `id` is public and names the key in lists and logs; `secret`, 32 bytes, proves possession of the key. */
export interface ApiKey {
  /** 12 digits and lower-case letters. */
  readonly id: string;
  readonly secret: Uint8Array;
}

/** The result of reading a pasted text; `damaged`: it begins like a key, but part of it is missing or changed. */
export type ReadApiKey =
  { readonly kind: "key"; readonly key: ApiKey } | { readonly kind: "damaged" } | { readonly kind: "other" };

const PREFIX = "aql_";
const ID_BYTES = 6;
const SECRET_BYTES = 32;
/** Enough to tell a bad paste from a wrong key. It protects nothing: anyone can compute it. */
const CHECKSUM_BYTES = 3;
const KEY_BEGINNING = /^aql_([0-9a-f]{12})_/;
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

/** Reads a key's text in its only spelling. */
export function readApiKey(text: string): ReadApiKey {
  if (!text.startsWith(PREFIX)) return { kind: "other" };
  const [, body = "", id = "", secretText = "", sum = ""] = KEY_TEXT.exec(text) ?? [];
  const secret = Buffer.from(secretText, "base64url");
  const sound = body !== "" && checksum(body) === sum && secret.toString("base64url") === secretText;
  return sound ? { kind: "key", key: { id, secret } } : { kind: "damaged" };
}

/** The id of a text that begins as a key does, which names the key that somebody presents and proves nothing. */
export function apiKeyIdIn(text: string): string | undefined {
  return KEY_BEGINNING.exec(text)?.[1];
}

/**
 * The stored form of a secret: 32 bytes. A plain SHA-256, because the secret has 256 random bits: slow hashes make
 * guessing passwords expensive, and a secret cannot be guessed.
 */
export function secretHash(secret: Uint8Array): Buffer {
  return createHash("sha256").update(secret).digest();
}

/** Compares in constant time; `storedHash` is 32 bytes. */
export function secretMatches(secret: Uint8Array, storedHash: Uint8Array): boolean {
  return timingSafeEqual(secretHash(secret), storedHash);
}

function checksum(body: string): string {
  return createHash("sha256").update(body).digest().subarray(0, CHECKSUM_BYTES).toString("base64url");
}
