import { createHmac } from "node:crypto";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { hmacSha256 } from "../../src/keys/sealed-token.js";

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

test("it is the platform's HMAC-SHA256 for every secret, those longer than a block included, and every message", () => {
  fc.assert(
    fc.property(bytes(200), fc.array(bytes(200), { maxLength: 3 }), (secret, parts) => {
      const expected = createHmac("sha256", secret).update(Buffer.concat(parts)).digest();
      expect(Buffer.from(hmacSha256(secret)(...parts))).toEqual(expected);
    }),
  );
});

test.each([0, 63, 64, 65])("a secret of %d bytes is the key that RFC 2104 makes of it", (length) => {
  const secret = new Uint8Array(length).fill(0xaa);
  const expected = createHmac("sha256", secret).update("Hi There").digest("hex");
  expect(Buffer.from(hmacSha256(secret)(Buffer.from("Hi There"))).toString("hex")).toBe(expected);
});
