import { createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { base64, utf8 } from "../../src/core/bytes.js";
import type { Envelope } from "../../src/core/event.js";
import { FORMAT_NAMES, logFormat } from "../../src/core/format.js";
import {
  nobleEd25519,
  parsePublicKey,
  publicKeyPem,
  publicKeyText,
  signatureVerdict,
} from "../../src/core/signature.js";

const SEED = new Uint8Array(32).fill(7);
const KEY = nobleEd25519.publicKey(SEED);
const EVENT = { message: { b: 1, a: "x" }, actor: "bob" };

describe.each(FORMAT_NAMES)("the signature of an event in a %s log", (name) => {
  const format = logFormat(name);
  const signature = base64(nobleEd25519.sign(utf8(format.signedText(EVENT)), SEED));
  const public_key = publicKeyText(KEY);
  const bare: Envelope = { event: EVENT, received_at: "2026-01-01T00:00:00.000000Z" };
  const envelope: Envelope = { ...bare, signature, public_key };

  test("is VALID whatever the time of receipt says", () => {
    expect(signatureVerdict(envelope, format).kind).toBe("VALID");
    expect(signatureVerdict({ ...envelope, received_at: "2027-01-01T00:00:00.000000Z" }, format).kind).toBe("VALID");
  });

  test.each<readonly [string, Envelope, string, string]>([
    ["absent", bare, "UNKNOWN", "NO_SIGNATURE"],
    ["without its key", { ...bare, signature }, "INVALID", "INCOMPLETE_SIGNATURE"],
    ["missing beside its key", { ...bare, public_key }, "INVALID", "INCOMPLETE_SIGNATURE"],
    ["not base64", { ...envelope, signature: "?" }, "INVALID", "MALFORMED_SIGNATURE"],
    ["of 63 bytes", { ...envelope, signature: base64(new Uint8Array(63)) }, "INVALID", "MALFORMED_SIGNATURE"],
    ["with a key that is none", { ...envelope, public_key: "key" }, "INVALID", "MALFORMED_PUBLIC_KEY"],
    ["of another event", { ...envelope, event: { message: "other" } }, "INVALID", "SIGNATURE_MISMATCH"],
    ["all zeros", { ...envelope, signature: base64(new Uint8Array(64)) }, "INVALID", "SIGNATURE_MISMATCH"],
  ])("that is %s has a verdict of its own", (...[, input, kind, reason]) => {
    expect(signatureVerdict(input, format)).toEqual({ kind, reason });
  });

  test("by another key does not verify", () => {
    const other = publicKeyText(nobleEd25519.publicKey(new Uint8Array(32).fill(8)));
    expect(signatureVerdict({ ...envelope, public_key: other }, format)).toEqual({
      kind: "INVALID",
      reason: "SIGNATURE_MISMATCH",
    });
  });
});

describe("parsePublicKey", () => {
  const pem = publicKeyPem(KEY);
  const spki = pem.split("\n")[1] ?? "";

  test.each([
    ["our own JSON text", publicKeyText(KEY)],
    ["JSON with members before the key", JSON.stringify({ vault: 1, key: pem, algorithm: "ED25519" })],
    ["JSON without an algorithm", JSON.stringify({ key: base64(KEY) })],
    ["PEM", pem],
    ["PEM without the last newline", pem.trimEnd()],
    ["base64 of the raw key", base64(KEY)],
    ["base64 of the SPKI", spki],
  ])("reads %s", (_, text) => {
    expect(parsePublicKey(text)).toEqual(KEY);
  });

  test.each([
    ["nothing", ""],
    ["another algorithm", JSON.stringify({ algorithm: "RSA", key: pem })],
    ["JSON without a key", "{}"],
    ["a key that is no text", '{"key":5}'],
    ["broken JSON", '{"key":'],
    ["31 bytes", base64(KEY.subarray(1))],
    ["33 bytes", base64(Uint8Array.of(0, ...KEY))],
    ["the SPKI of another algorithm", base64(Uint8Array.from(Buffer.from(spki, "base64").fill(0x66, 6, 7)))],
    ["a private key", pem.replaceAll("PUBLIC", "PRIVATE")],
    ["text before the PEM", `x${pem}`],
    ["hex", Buffer.from(KEY).toString("hex")],
  ])("refuses %s", (_, text) => {
    expect(parsePublicKey(text)).toBeUndefined();
  });

  // Taken for valid by OpenSSL, and so by Node: a forged signature over any text at all.
  test("refuses a key of small order, with which anyone can sign", () => {
    const neutral = Uint8Array.of(1, ...new Uint8Array(31));
    const forged = Uint8Array.of(1, ...new Uint8Array(63));
    expect(verify(null, Buffer.from("any text"), createPublicKey(publicKeyPem(neutral)), forged)).toBe(true);
    expect(parsePublicKey(base64(neutral))).toBeUndefined();
  });

  test.each([
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  ])("refuses the weak or unreduced key %s", (hex) => {
    expect(parsePublicKey(Buffer.from(hex, "hex").toString("base64"))).toBeUndefined();
  });
});

test("a key's PEM is what other software reads", () => {
  const { x } = createPublicKey(publicKeyPem(KEY)).export({ format: "jwk" });
  expect(x).toBe(Buffer.from(KEY).toString("base64url"));
});
