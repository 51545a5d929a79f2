import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

declare const digestBrand: unique symbol;

/** A SHA-256 output as 64 lowercase hex digits: what the API shows of a hash. Inside the tree a hash is 32 raw bytes. */
export type Digest = string & { readonly [digestBrand]: true };

export const HASH_BYTES = 32;

const DIGEST_TEXT = /^[0-9a-f]{64}$/;

/** The text of a hash. `hash` is 32 bytes; throws a RangeError on any other length. */
export function digestOf(hash: Uint8Array): Digest {
  if (hash.length !== HASH_BYTES) throw new RangeError(`a hash has ${HASH_BYTES} bytes, got ${hash.length}`);
  return bytesToHex(hash) as Digest;
}

/** Reads 64 lowercase hex digits; anything else, upper case included, is undefined: one hash has one spelling. */
export function parseDigest(text: string): Digest | undefined {
  return DIGEST_TEXT.test(text) ? (text as Digest) : undefined;
}

/** The 32 raw bytes of a digest. */
export function digestBytes(digest: Digest): Uint8Array {
  return hexToBytes(digest);
}

/** The UTF-8 encoding of a text without lone surrogates. */
export function utf8(text: string): Uint8Array {
  return utf8ToBytes(text);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
