import { sha256 } from "@noble/hashes/sha2.js";
import { hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

declare const digestBrand: unique symbol;

/** A SHA-256 hash as 64 lowercase hex digits, as the API shows it. Inside the tree a hash is 32 raw bytes. */
export type Digest = string & { readonly [digestBrand]: true };

export const HASH_BYTES = 32;

const DIGEST_TEXT = /^[0-9a-f]{64}$/;

const HEX_DIGITS = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
/** Of the text that is being made: joined from its pieces, each text would leave a kilobyte of garbage behind. */
const codes = new Array<number>(2 * HASH_BYTES).fill(0);

/** Returns a hash as text. Throws a RangeError unless it has 32 bytes. */
export function digestOf(hash: Uint8Array): Digest {
  if (hash.length !== HASH_BYTES) throw new RangeError(`a hash has ${HASH_BYTES} bytes, got ${hash.length}`);
  for (let i = 0; i < HASH_BYTES; i++) {
    const byte = hash[i] ?? 0;
    codes[2 * i] = HEX_DIGITS[byte >> 4] ?? 0;
    codes[2 * i + 1] = HEX_DIGITS[byte & 15] ?? 0;
  }
  return String.fromCharCode(...codes) as Digest;
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

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Present in every JavaScript engine, although ECMAScript does not define it. */
declare const TextDecoder: new (
  label: "utf-8",
  options: { readonly fatal: true; readonly ignoreBOM: true },
) => { decode(bytes: Uint8Array): string };

const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes UTF-8; returns undefined for bytes that are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return STRICT_UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * SHA-256 as the caller provides it: @noble's, or the platform's own where that is faster. Must not retain `message`.
 */
export type Sha256 = (message: Uint8Array) => Uint8Array;

/** SHA-256 in plain JavaScript, for every JavaScript engine. */
export const nobleSha256: Sha256 = (message) => sha256(message);

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** Searches for a wrong character: matching a whole text of megabytes would overflow the stack. */
const NO_DIGIT = /[^A-Za-z0-9+/]/;

/**
 * Encodes standard base64 with padding (RFC 4648 section 4). Written here because core uses neither Node nor the DOM.
 */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) text += encodeGroup(bytes.subarray(i, i + 3));
  return text;
}

/** Decodes the one spelling that `base64` writes; returns undefined for blanks, missing padding or stray last bits. */
export function parseBase64(text: string): Uint8Array | undefined {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.slice(0, text.length - padding);
  if (text.length % 4 !== 0 || NO_DIGIT.test(digits)) return undefined;
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = byteAt(digits, i);
  const last = bytes.subarray(bytes.length - (padding === 0 ? 0 : 3 - padding));
  return padding === 0 || text.endsWith(base64(last)) ? bytes : undefined;
}

function encodeGroup(group: Uint8Array): string {
  const [a = 0, b = 0, c = 0] = group;
  const digits = [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63];
  return digits.map((digit, i) => (i <= group.length ? ALPHABET.charAt(digit) : "=")).join("");
}

/** Byte i spans two neighbouring digits of six bits each. */
function byteAt(digits: string, i: number): number {
  const first = Math.floor((i * 4) / 3);
  const pair = (ALPHABET.indexOf(digits.charAt(first)) << 6) | ALPHABET.indexOf(digits.charAt(first + 1));
  return (pair >> (4 - 2 * (i % 3))) & 0xff;
}
