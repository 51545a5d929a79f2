import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { utf8 } from "../../src/core/bytes.js";

/** Signatures for any verifier of Ed25519: one row each, hexadecimal but for the verdict. */
export interface SignatureVectors {
  readonly about: string;
  readonly source: string;
  readonly columns: readonly ["publicKey", "signature", "message", "verdict"];
  readonly vectors: readonly (readonly [string, string, string, string])[];
}

/**
 * The edge cases of C2SP/CCTV `ed25519/` computed from the rules that are published there: every pair of a key and an R
 * which are points of small order, in every encoding that decodes to them, or have such a point added to them, each with
 * a message under which the parts of small order cancel out and one under which they do not. The bytes are those of the
 * published `ed25519vectors.json`; the verdict follows from what is odd about a pair, not from any verifier.
 */
export function edgeCases(): SignatureVectors {
  const pairs = SMALL_ORDER.flatMap((low) => SMALL_ORDER.flatMap((lowR) => pairsOf(low, lowR)));
  return {
    about: "Keys and signatures with points of small order, canonically encoded or not.",
    source:
      "C2SP/CCTV ed25519/ at commit 0fb2c3b5dc50437ce3272abcbec7567dde497047, recomputed; verdicts by docs/format.md section 4",
    columns: ["publicKey", "signature", "message", "verdict"],
    vectors: pairs.flatMap(vectorsOf),
  };
}

/** One row a line, so that a change of one shows as one. */
export function signatureVectorsText({ vectors, ...head }: SignatureVectors): string {
  const members = Object.entries(head).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`);
  return `{\n${members.join("")}  "vectors": [\n${vectors.map((row) => `    ${JSON.stringify(row)}`).join(",\n")}\n  ]\n}\n`;
}

type Point = InstanceType<typeof ed25519.Point>;
const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;

interface SmallOrderPoint {
  readonly point: Point;
  /** Further encodings that a careless decoder takes for the same point: y not reduced, or a sign for x = 0. */
  readonly otherEncodings: readonly string[];
}

const ff = (first: string, last: string): string => first + "ff".repeat(30) + last;

const SMALL_ORDER: readonly SmallOrderPoint[] = [
  [`${"00".repeat(31)}00`, ff("ed", "7f")],
  [`${"00".repeat(31)}80`, ff("ed", "ff")],
  [`01${"00".repeat(31)}`, `01${"00".repeat(30)}80`, ff("ee", "7f"), ff("ee", "ff")],
  ["26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"],
  ["26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"],
  ["c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"],
  ["c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"],
  [ff("ec", "7f"), ff("ec", "ff")],
].map(([canonical = "", ...otherEncodings]) => ({ point: Point.fromHex(canonical), otherEncodings }));

/** Arbitrary and fixed: the key's scalar (clamped as RFC 8032 does) and the nonce's. */
const KEY_SCALAR = bytesToNumberLE(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0x40 : 0x42))) % ORDER;
const NONCE_SCALAR = bytesToNumberLE(Uint8Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? 0x13 : 0x37))) % ORDER;

/** A point as it stands in a key or a signature: `scalar`·B and a point of small order. */
interface Encoded {
  readonly bytes: Uint8Array;
  readonly scalar: bigint;
  readonly low: Point;
  readonly isCanonical: boolean;
}

interface Pair {
  readonly key: Encoded;
  readonly nonce: Encoded;
  /** Whether k is computed of the canonical encodings: what a verifier that encodes anew would do. */
  readonly encodedAnew: boolean;
}

/** In the order of the published file. */
function pairsOf(a: SmallOrderPoint, r: SmallOrderPoint): readonly Pair[] {
  const [lowA, lowR] = [encoded(a.point, 0n), encoded(r.point, 0n)];
  const [mixedA, mixedR] = [encoded(a.point, KEY_SCALAR), encoded(r.point, NONCE_SCALAR)];
  const otherA = a.otherEncodings.map((hex) => encodedAs(a.point, hex));
  const otherR = r.otherEncodings.map((hex) => encodedAs(r.point, hex));
  return [
    ...[pair(lowA, lowR), pair(lowA, mixedR), pair(mixedA, lowR), pair(mixedA, mixedR)],
    ...otherA.flatMap((other) => [pair(other, lowR), pair(other, mixedR), pair(other, mixedR, true)]),
    ...otherR.flatMap((other) => [pair(lowA, other), pair(mixedA, other), pair(mixedA, other, true)]),
    ...otherA.flatMap((other) => otherR.map((otherNonce) => pair(other, otherNonce))),
  ];
}

function pair(key: Encoded, nonce: Encoded, encodedAnew = false): Pair {
  return { key, nonce, encodedAnew };
}

function encoded(low: Point, scalar: bigint): Encoded {
  const bytes = Point.BASE.multiplyUnsafe(scalar).add(low).toBytes();
  return { bytes, scalar, low, isCanonical: true };
}

function encodedAs(low: Point, hex: string): Encoded {
  return { bytes: Uint8Array.from(Buffer.from(hex, "hex")), scalar: 0n, low, isCanonical: false };
}

/** One vector for the first k mod 8 under which the parts of small order cancel out, and one for the first that does not. */
function vectorsOf(pair: Pair): SignatureVectors["vectors"] {
  const found = new Map<boolean, SignatureVectors["vectors"][number]>();
  for (let residue = 0n; residue < 8n; residue += 1n) {
    const { message, k } = messageWith(pair, residue);
    const cancels = cancelsOut(pair, k);
    if (!found.has(cancels)) found.set(cancels, vector(pair, message, k));
  }
  return [...found.values()];
}

function messageWith(pair: Pair, residue: bigint): { readonly message: string; readonly k: bigint } {
  for (let i = 0; ; i += 1) {
    const message = i === 0 ? "ed25519vectors" : `ed25519vectors ${i}`;
    const k = challenge(pair, message, pair.encodedAnew);
    if (k % 8n === residue) return { message, k };
  }
}

function vector(pair: Pair, message: string, k: bigint): SignatureVectors["vectors"][number] {
  const S = numberToBytesLE((k * pair.key.scalar + pair.nonce.scalar) % ORDER, 32);
  return [hex(pair.key.bytes), hex(pair.nonce.bytes) + hex(S), hex(utf8(message)), verdict(pair, message)];
}

/** docs/format.md section 4: no key of small order or in another encoding; then R byte for byte, without the cofactor. */
function verdict(pair: Pair, message: string): string {
  if (pair.key.scalar === 0n) return "INVALID MALFORMED_PUBLIC_KEY";
  const holds = pair.nonce.isCanonical && cancelsOut(pair, challenge(pair, message, false));
  return holds ? "VALID" : "INVALID SIGNATURE_MISMATCH";
}

function cancelsOut({ key, nonce }: Pair, k: bigint): boolean {
  return key.low
    .multiplyUnsafe(k % 8n)
    .add(nonce.low)
    .is0();
}

function challenge({ key, nonce }: Pair, message: string, encodedAnew: boolean): bigint {
  const bytesOf = (point: Encoded): Uint8Array =>
    encodedAnew ? Point.fromBytes(point.bytes, true).toBytes() : point.bytes;
  const digest = sha512.create().update(bytesOf(nonce)).update(bytesOf(key)).update(utf8(message)).digest();
  return bytesToNumberLE(digest) % ORDER;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
