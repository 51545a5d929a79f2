import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { base64, parseBase64, equalBytes, utf8 } from "./bytes.js";
import { characterCount, type Envelope } from "./event.js";
import type { LogFormat } from "./format.js";
import { canonicalJson, isPlainObject, type Json } from "./json.js";
import { invalid, unknown, VALID, type Verdict } from "./verdict.js";

/** Ed25519 (RFC 8032) as the caller provides it. Seeds and public keys are 32 bytes, signatures 64. */
export interface Ed25519 {
  sign(message: Uint8Array, seed: Uint8Array): Uint8Array;
  /**
   * RFC 8032 section 5.1.7 without the cofactor: whether S is below the group's order and S·B - k·A encodes to R, byte
   * for byte. False for bytes that are not a point of the curve; never throws on 64 and 32 bytes. Undefined for weak
   * keys: check `isWeakKey` first.
   */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  publicKey(seed: Uint8Array): Uint8Array;
}

export const SEED_BYTES = 32;
export const SIGNATURE_BYTES = 64;
/**
 * The maximum characters (Unicode code points) of a signature's and a public key's text (Pangea protocol section 5).
 */
export const MAX_SIGNATURE_CHARACTERS = 256;

export const nobleEd25519: Ed25519 = {
  sign: (message, seed) => ed25519.sign(message, seed),
  verify: verifyWithoutCofactor,
  publicKey: (seed) => ed25519.getPublicKey(seed),
};

/**
 * noble's own `verify` multiplies by the cofactor. It accepts pairs with a component of small order, which the owner of
 * a key can make at will and which OpenSSL, and so the gateway and most other verifiers, refuse.
 */
function verifyWithoutCofactor(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const { Point } = ed25519;
  const R = signature.subarray(0, 32);
  const S = bytesToNumberLE(signature.subarray(32));
  const A = decodedPoint(publicKey);
  if (A === undefined || S >= Point.Fn.ORDER) return false;
  const k = bytesToNumberLE(sha512.create().update(R).update(publicKey).update(message).digest()) % Point.Fn.ORDER;
  return equalBytes(Point.BASE.multiplyUnsafe(S).subtract(A.multiplyUnsafe(k)).toBytes(), R);
}

function decodedPoint(publicKey: Uint8Array): InstanceType<typeof ed25519.Point> | undefined {
  try {
    return ed25519.Point.fromBytes(publicKey, false);
  } catch {
    return undefined;
  }
}

/** The bytes before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410 section 4). */
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);
const PEM = /^-----BEGIN PUBLIC KEY-----\r?\n([A-Za-z0-9+/=]+)\r?\n-----END PUBLIC KEY-----[ \t\r\n]*$/;

/** A key as JSON text, as an envelope holds it: `{"algorithm":"ED25519","key":"<SPKI PEM>"}`. */
export function publicKeyText(publicKey: Uint8Array): string {
  return canonicalJson({ algorithm: "ED25519", key: publicKeyPem(publicKey) });
}

/** SPKI in PEM, with a trailing newline. */
export function publicKeyPem(publicKey: Uint8Array): string {
  const spki = new Uint8Array([...SPKI_PREFIX, ...publicKey]);
  return `-----BEGIN PUBLIC KEY-----\n${base64(spki)}\n-----END PUBLIC KEY-----\n`;
}

/**
 * The 32 bytes of an Ed25519 key in any spelling of the Pangea protocol, section 5: a JSON object whose member `key`
 * holds the key, or the key itself; PEM, or base64 of the raw bytes or the SPKI. Returns undefined for anything else,
 * for a text of more than MAX_SIGNATURE_CHARACTERS and for a weak key. Never throws.
 */
export function parsePublicKey(text: string): Uint8Array | undefined {
  if (!isShort(text)) return undefined;
  const keyText = keyMember(text);
  const bytes = keyText === undefined ? undefined : parseBase64(PEM.exec(keyText)?.[1] ?? keyText);
  const key = bytes && rawKey(bytes);
  return key && !isWeakKey(key) ? key : undefined;
}

const UNSIGNED = unknown("NO_SIGNATURE");

/**
 * Whether the envelope's signature verifies over the canonical bytes of its event. UNKNOWN when signature and key are
 * absent.
 */
export function signatureVerdict(envelope: Envelope, format: LogFormat, ed25519 = nobleEd25519): Verdict {
  const { signature: signatureText, public_key: keyText } = envelope;
  if (signatureText === undefined && keyText === undefined) return UNSIGNED;
  if (signatureText === undefined || keyText === undefined) return invalid("INCOMPLETE_SIGNATURE");
  const signature = parseBase64(signatureText);
  if (signature?.length !== SIGNATURE_BYTES) return invalid("MALFORMED_SIGNATURE");
  const publicKey = parsePublicKey(keyText);
  if (publicKey === undefined) return invalid("MALFORMED_PUBLIC_KEY");
  const message = utf8(format.signedText(envelope.event));
  return ed25519.verify(signature, message, publicKey) ? VALID : invalid("SIGNATURE_MISMATCH");
}

/** A code point is one or two units of a text, so a long text is refused without being read. */
function isShort(text: string): boolean {
  return text.length <= 2 * MAX_SIGNATURE_CHARACTERS && characterCount(text) <= MAX_SIGNATURE_CHARACTERS;
}

/** The key text inside a JSON object; a text that is not a JSON object is itself the key text. */
function keyMember(text: string): string | undefined {
  if (!text.startsWith("{")) return text;
  const { key, algorithm = "ED25519" } = parseJsonObject(text);
  return typeof key === "string" && algorithm === "ED25519" ? key : undefined;
}

function parseJsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(text) as Json;
    return isPlainObject(value) ? value : {};
  } catch {
    return {};
  }
}

function rawKey(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length === 32) return bytes;
  const isSpki = bytes.length === SPKI_PREFIX.length + 32 && SPKI_PREFIX.every((byte, i) => bytes[i] === byte);
  return isSpki ? bytes.subarray(SPKI_PREFIX.length) : undefined;
}

const FIELD_PRIME = 2n ** 255n - 19n;

/** The y coordinates of the eight points of small order (RFC 8032 curve, found by doubling to the neutral point). */
const SMALL_ORDER_Y: readonly bigint[] = [
  0n,
  1n,
  FIELD_PRIME - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
];

/**
 * Whether a key is of small order or has a y that is not reduced. With a key of small order anyone can sign any
 * message, and libraries disagree on whether such keys verify. They are refused, so that all verifiers reach the same
 * verdict.
 */
export function isWeakKey(key: Uint8Array): boolean {
  const y = bytesToNumberLE(key) % 2n ** 255n;
  return y >= FIELD_PRIME || SMALL_ORDER_Y.includes(y);
}
