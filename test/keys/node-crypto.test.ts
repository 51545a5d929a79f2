import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { nobleSha256 } from "../../src/core/bytes.js";
import { nobleEd25519 } from "../../src/core/signature.js";
import { nodeEd25519, nodeSha256 } from "../../src/keys/node-crypto.js";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

describe("the platform's SHA-256", () => {
  test("is that of FIPS 180-4", () => {
    const digest = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(nodeSha256(hex("616263"))).toEqual(digest);
  });

  test("gives the bytes that @noble gives", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
        expect(nodeSha256(message)).toEqual(nobleSha256(message));
      }),
    );
  });
});

describe("the platform's Ed25519", () => {
  const ed25519 = nodeEd25519();

  test("is that of RFC 8032, section 7.1, test 2", () => {
    const seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    const publicKey = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    const signature = hex(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
    expect(ed25519.publicKey(seed)).toEqual(publicKey);
    expect(ed25519.sign(hex("72"), seed)).toEqual(signature);
    expect(ed25519.verify(signature, hex("72"), publicKey)).toBe(true);
  });

  test("agrees with @noble on keys, signatures and what does not verify", () => {
    fc.assert(
      fc.property(bytes(32), fc.uint8Array({ maxLength: 100 }), bytes(64), (seed, message, forged) => {
        const publicKey = nobleEd25519.publicKey(seed);
        const signature = nobleEd25519.sign(message, seed);
        expect(ed25519.publicKey(seed)).toEqual(publicKey);
        expect(ed25519.sign(message, seed)).toEqual(signature);
        expect(ed25519.verify(signature, message, publicKey)).toBe(true);
        expect(ed25519.verify(forged, message, publicKey)).toBe(nobleEd25519.verify(forged, message, publicKey));
      }),
      { numRuns: 25 },
    );
  });

  test("agrees with @noble that bytes which are no point of the curve verify nothing", () => {
    fc.assert(
      fc.property(bytes(32), bytes(64), (publicKey, signature) => {
        expect(ed25519.verify(signature, hex("72"), publicKey)).toBe(false);
        expect(nobleEd25519.verify(signature, hex("72"), publicKey)).toBe(false);
      }),
      { numRuns: 25 },
    );
  });
});
