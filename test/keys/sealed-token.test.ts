import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { TokenSealer } from "../../src/keys/sealed-token.js";

const sealer = new TokenSealer(new Uint8Array(32).fill(1));
const payload = Buffer.from("the whole pin");

describe("a token", () => {
  test("gives back the payload it was made of", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const opened = sealer.open("result", sealer.seal("result", bytes));
        expect(opened).toEqual({ kind: "opened", payload: Buffer.from(bytes) });
      }),
    );
  });

  test("can stand in a URL as it is", () => {
    expect(sealer.seal("result", payload)).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  test("is rejected when any one bit of it is flipped", () => {
    const bytes = Buffer.from(sealer.seal("result", payload), "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const altered = Buffer.from(bytes);
      altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(sealer.open("result", altered.toString("base64url")).kind).toBe("rejected");
    }
  });

  test("is rejected when it was made for another purpose", () => {
    expect(sealer.open("cursor", sealer.seal("result", payload))).toEqual({ kind: "rejected", reason: "altered" });
  });

  test("is rejected when it was made with another secret", () => {
    const other = new TokenSealer(new Uint8Array(32).fill(2));
    expect(other.open("result", sealer.seal("result", payload))).toEqual({ kind: "rejected", reason: "altered" });
  });

  test.each([
    ["nothing", ""],
    ["a word", "cursor"],
    ["a token with padding", `${sealer.seal("result", Buffer.from("a"))}=`],
    ["a token in the other alphabet", `+/${sealer.seal("result", payload)}`],
    ["a megabyte", "A".repeat(1_000_000)],
    ["a token with a blank", ` ${sealer.seal("result", payload)}`],
  ])("is malformed when it is %s", (_name, token) => {
    expect(sealer.open("result", token)).toEqual({ kind: "rejected", reason: "malformed" });
  });

  test("has one spelling: the unused bits of its last character must be as they were made", () => {
    const token = sealer.seal("result", Buffer.from("ab"));
    const last = token.slice(-1);
    const twin = String.fromCharCode(last.charCodeAt(0) + 1);
    expect(Buffer.from(token.slice(0, -1) + twin, "base64url")).toEqual(Buffer.from(token, "base64url"));
    expect(sealer.open("result", token.slice(0, -1) + twin)).toEqual({ kind: "rejected", reason: "malformed" });
  });
});
