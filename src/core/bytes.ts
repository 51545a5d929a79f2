import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

declare const digestBrand: unique symbol;

/** A SHA-256 hash as 64 lowercase hex digits, as the API shows it. Inside the tree a hash is 32 raw bytes. */
export type Digest = string & { readonly [digestBrand]: true };

export const HASH_BYTES = 32;

const DIGEST_TEXT = /^[0-9a-f]{64}$/;

/** Returns a hash as text. Throws a RangeError unless it has 32 bytes. */
export function digestOf(hash: Uint8Array): Digest {
  if (hash.length !== HASH_BYTES) throw new RangeError(`a hash has ${HASH_BYTES} bytes, got ${hash.length}`);
  return bytesToHex(hash) as Digest;
}

/** Reads 64 lowercase hex digits; returns undefined for anything else, upper case included: a hash has one spelling. */
export function parseDigest(text: string): Digest | undefined {
  return DIGEST_TEXT.test(text) ? (text as Digest) : undefined;
}

/** The 32 raw bytes of a digest. */
export function digestBytes(digest: Digest): Uint8Array {
  return hexToBytes(digest);
}

/** The UTF-8 encoding of a text that has no lone surrogates. */
export function utf8(text: string): Uint8Array {
  return utf8ToBytes(text);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** What every JavaScript engine has, though no version of the language says so. */
declare const TextDecoder: new (
  label: "utf-8",
  options: { readonly fatal: true; readonly ignoreBOM: true },
) => { decode(bytes: Uint8Array): string };

const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of UTF-8; undefined for bytes that are none. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return STRICT_UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}
